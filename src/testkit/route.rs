//! The HTTP client under every SDK client: counts, applies faults, and sends to loopback by host.
//!
//! It sits under signing and retries, so it sees attempts, each with the host that AWS would have got.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::testkit::answer;
use crate::testkit::attempt::AttemptLog;
use crate::testkit::batch;
use crate::testkit::description::{self, Descriptions};
use crate::testkit::fault::{Fault, FaultPlan};
use crate::testkit::replication::Consistency;
use crate::testkit::traffic::{Endpoint, InFlight, Service, Traffic};
use crate::testkit::wire::Wire;

/// Where each endpoint listens, and what happens on the way there.
#[derive(Debug)]
pub(super) struct Routes {
    pub(super) listeners: BTreeMap<Endpoint, SocketAddr>,
    pub(super) faults: FaultPlan,
    pub(super) traffic: Traffic,
    pub(super) attempts: AttemptLog,
    pub(super) wire: Wire,
    consistency: Consistency,
    pub(super) descriptions: Descriptions,
    closed: AtomicBool,
}

impl Routes {
    pub(super) fn new(consistency: Consistency) -> Self {
        Self {
            listeners: BTreeMap::new(),
            faults: FaultPlan::default(),
            traffic: Traffic::default(),
            descriptions: Descriptions::default(),
            attempts: AttemptLog::default(),
            wire: Wire::default(),
            consistency,
            closed: AtomicBool::default(),
        }
    }

    /// Refuses every attempt from now on. The servers stop on their own time; this does not wait.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn http_client(self: &Arc<Self>) -> SharedHttpClient {
        let plain = aws_smithy_http_client::Builder::new().build_http();
        SharedHttpClient::new(RoutingClient {
            routes: Arc::clone(self),
            plain,
        })
    }

    /// The endpoint that AWS has at this host, and where it listens here.
    fn find(&self, host: &str) -> Result<(Endpoint, SocketAddr), ConnectorError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(ConnectorError::io(
                "the cloud of the test kit was dropped".into(),
            ));
        }
        let unknown = || {
            let message = format!("the test kit serves no host `{host}`");
            ConnectorError::other(message.into(), None)
        };
        let endpoint = endpoint_at(host).ok_or_else(unknown)?;
        let listener = self.listeners.get(&endpoint).copied().ok_or_else(unknown)?;
        Ok((endpoint, listener))
    }
}

/// Reads `kms.<region>.…`, `dynamodb.<region>.…`, `streams.dynamodb.<region>.…` and
/// `<account>.ddb.<region>.amazonaws.com`. Streams are served, and counted, with their tables.
fn endpoint_at(host: &str) -> Option<Endpoint> {
    let labels: Vec<&str> = host.strip_suffix(".amazonaws.com")?.split('.').collect();
    let (service, region) = match labels.as_slice() {
        ["kms", region] => (Service::Kms, region),
        ["dynamodb", region] | ["streams", "dynamodb", region] | [_, "ddb", region] => {
            (Service::DynamoDb, region)
        }
        _ => return None,
    };
    Some(((*region).to_owned(), service))
}

#[derive(Debug)]
struct RoutingClient {
    routes: Arc<Routes>,
    plain: SharedHttpClient,
}

impl HttpClient for RoutingClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let plain = self.plain.http_connector(&no_timeouts(), components);
        SharedHttpConnector::new(RoutingConnector {
            routes: Arc::clone(&self.routes),
            plain: description::complete(plain, &self.routes),
            read_timeout: settings.read_timeout(),
            // The client's own, so that a test on virtual time does not wait for a fault.
            sleep: components
                .sleep_impl()
                .unwrap_or_else(|| SharedAsyncSleep::new(TokioSleep::new())),
        })
    }
}

/// The plain client keeps the first connector of some settings, with the sleep of whoever was first.
/// Without timeouts it needs no sleep, so clients on virtual and on real time can share it.
fn no_timeouts() -> HttpConnectorSettings {
    HttpConnectorSettings::builder().build()
}

#[derive(Debug)]
struct RoutingConnector {
    routes: Arc<Routes>,
    plain: SharedHttpConnector,
    read_timeout: Option<Duration>,
    sleep: SharedAsyncSleep,
}

impl HttpConnector for RoutingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.route(request) {
            Ok(attempt) => HttpConnectorFuture::new(self.in_time(attempt.send())),
            Err(error) => HttpConnectorFuture::ready(Err(error)),
        }
    }
}

impl RoutingConnector {
    /// Applies the client's read timeout, also to attempts that a fault holds up.
    fn in_time(
        &self,
        attempt: impl Future<Output = Result<HttpResponse, ConnectorError>> + Send + 'static,
    ) -> impl Future<Output = Result<HttpResponse, ConnectorError>> + Send + 'static {
        let expiry = self.read_timeout.map(|timeout| self.sleep.sleep(timeout));
        async move {
            let Some(expiry) = expiry else {
                return attempt.await;
            };
            let answered = Timeout::new(Box::pin(attempt), expiry).await;
            answered.unwrap_or_else(|expired| Err(ConnectorError::timeout(expired.into())))
        }
    }

    fn route(&self, mut request: HttpRequest) -> Result<Attempt, ConnectorError> {
        let (host, operation) = (host_of(request.uri()), operation_of(&request).to_owned());
        let found = self.routes.find(host);
        let endpoint = found.as_ref().ok().map(|(endpoint, _)| endpoint);
        self.routes.attempts.add(host, endpoint, &operation);
        self.routes.wire.note_change();
        let (endpoint, listener) = found?;
        request
            .set_uri(format!("http://{listener}/"))
            .map_err(|error| ConnectorError::user(error.into()))?;
        Ok(Attempt {
            in_flight: self.routes.traffic.begin(&endpoint, &operation),
            fault: self.routes.faults.strike(&endpoint, &operation),
            line: Line {
                plain: self.plain.clone(),
                wire: self.routes.wire.clone(),
                consistency: self.routes.consistency,
            },
            sleep: self.sleep.clone(),
            request,
        })
    }
}

/// The way to the listeners, for what no fault keeps from going there.
pub(super) struct Line {
    plain: SharedHttpConnector,
    wire: Wire,
    consistency: Consistency,
}

impl Line {
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        if self.consistency == Consistency::Strong && is_transaction(operation_of(&request)) {
            return answer::no_transactions();
        }
        self.wire.send(request, &self.plain).await
    }
}

/// One request on its way.
struct Attempt {
    request: HttpRequest,
    fault: Option<Fault>,
    line: Line,
    sleep: SharedAsyncSleep,
    in_flight: InFlight,
}

impl Attempt {
    async fn send(self) -> Result<HttpResponse, ConnectorError> {
        let _in_flight = self.in_flight;
        match self.fault {
            None => self.line.send(self.request).await,
            Some(Fault::Unavailable) => Err(ConnectorError::io(
                io::Error::new(
                    io::ErrorKind::ConnectionRefused,
                    "connection refused by the test kit",
                )
                .into(),
            )),
            Some(Fault::Timeout(after)) => {
                self.sleep.sleep(after).await;
                Err(ConnectorError::timeout("timed out by the test kit".into()))
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Latency(delay)) => {
                self.sleep.sleep(delay).await;
                self.line.send(self.request).await
            }
            Some(Fault::Status(status, code)) => answer::error(status, code),
            Some(Fault::TransactionConflict) => answer::transaction_conflict(&self.request),
            Some(Fault::ReplicatedWriteConflict) => answer::replicated_write_conflict(),
            Some(Fault::LostResponse) => {
                self.line.send(self.request).await?;
                Err(ConnectorError::io("response lost by the test kit".into()))
            }
            Some(Fault::Unprocessed(count)) => {
                batch::hand_back(self.request, count, &self.line).await
            }
        }
    }
}

/// DynamoDB does none of these on strongly consistent global tables.
fn is_transaction(operation: &str) -> bool {
    matches!(operation, "TransactWriteItems" | "TransactGetItems")
}

fn host_of(uri: &str) -> &str {
    let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    after_scheme
        .split(['/', ':', '?'])
        .next()
        .unwrap_or_default()
}

/// The operation's name, which both services carry in a header: `DynamoDB_20120810.GetItem`.
pub(super) fn operation_of(request: &HttpRequest) -> &str {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}
