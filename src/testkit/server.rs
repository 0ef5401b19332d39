//! Loopback listeners, one for each service and region, which stop when the cloud goes.

use std::net::{Ipv4Addr, SocketAddr};

use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::testkit::error::TestkitError;
use crate::testkit::kms::Kms;

/// Stops every server it started when it is dropped.
#[derive(Debug)]
pub(super) struct Servers {
    stop: watch::Sender<()>,
}

impl Servers {
    pub(super) fn new() -> Self {
        Self {
            stop: watch::Sender::new(()),
        }
    }

    pub(super) async fn serve_dynamodb(
        &self,
        database: Database,
    ) -> Result<SocketAddr, TestkitError> {
        let (listener, address) = listen().await?;
        // Ends with an error only when accepting does; clients then see refused connections.
        tokio::spawn(dynoxide::server::serve_with_shutdown(
            listener,
            database,
            self.stopped(),
        ));
        Ok(address)
    }

    pub(super) async fn serve_kms(
        &self,
        kms: &Kms,
        region: &str,
    ) -> Result<SocketAddr, TestkitError> {
        let (listener, address) = listen().await?;
        let server = axum::serve(listener, kms.router(region));
        tokio::spawn(server.with_graceful_shutdown(self.stopped()).into_future());
        Ok(address)
    }

    fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.subscribe();
        // `changed` fails when the sender is dropped, which is the signal.
        async move { while stop.changed().await.is_ok() {} }
    }
}

async fn listen() -> Result<(TcpListener, SocketAddr), TestkitError> {
    let failed = |error| TestkitError::because("could not listen on a loopback port", error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn stops_listening_when_dropped() {
        let servers = Servers::new();
        let dynamodb = servers
            .serve_dynamodb(Database::memory().unwrap())
            .await
            .unwrap();
        let kms = servers
            .serve_kms(&Kms::default(), "us-east-1")
            .await
            .unwrap();
        for address in [dynamodb, kms] {
            TcpStream::connect(address).await.unwrap();
        }
        drop(servers);
        for address in [dynamodb, kms] {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        }
    }
}
