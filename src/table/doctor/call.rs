//! Calls to services: one deadline each, and what a failure says.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::{AsyncSleep as _, SharedAsyncSleep};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::FaultClass;
use crate::region::fault::of_codes;

/// How a call failed: nothing that the service wrote in prose.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) class: FaultClass,
    code: Option<String>,
}

impl Failure {
    /// The service answered with nothing in it.
    pub(super) fn empty_answer() -> Self {
        Self {
            class: FaultClass::InvalidResponse,
            code: None,
        }
    }

    pub(super) fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether other calls to the same service in the same region can be expected to end the same.
    pub(super) fn is_of_the_region(&self) -> bool {
        matches!(
            self.class,
            FaultClass::Unavailable | FaultClass::InvalidResponse | FaultClass::Caller
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} ({code})", self.class),
            None => write!(f, "{}", self.class),
        }
    }
}

/// Sends a request, with the retries that the client has, and waits so long for its answer.
pub(super) async fn send<T, E>(
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    sleep: Option<SharedAsyncSleep>,
    patience: Duration,
) -> Result<T, Failure>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let request = Box::pin(request);
    let answer = match sleep {
        Some(sleep) => Timeout::new(request, sleep.sleep(patience)).await,
        None => Ok(request.await),
    };
    match answer {
        Ok(answer) => answer.map_err(|error| Failure {
            // By codes alone, which are one list for all operations of both services.
            class: of_codes(&error),
            code: error.code().filter(|code| is_code(code)).map(str::to_owned),
        }),
        Err(_) => Err(Failure {
            class: FaultClass::Unavailable,
            code: None,
        }),
    }
}

/// What is no word, nobody has promised to hold no value.
fn is_code(code: &str) -> bool {
    code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
