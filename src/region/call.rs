//! The one way in which DynamoDB is asked: once, through the health of the region that is asked.
//!
//! The clients that are used here send once, and the SDK's own retries are off. How often a request is
//! sent, and where, is decided above, so that nothing multiplies.

mod request;

use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::Member;
use super::fault::of_codes;
use super::health::CircuitOpen;
use crate::observe::CallOutcome;

/// A request, complete, that can be sent to any region as often as needed: the same each time.
pub(crate) trait Request: Send + Sync {
    type Output: Send;
    type Error: ProvideErrorMetadata + Error + Send + Sync + 'static;
    /// By its name in the API.
    const OPERATION: &'static str;

    /// Sends it by way of this client.
    fn send(&self, client: &Client) -> impl Future<Output = Sent<Self>> + Send;

    /// Whether an answer settles the matter, also from a region that may lag behind.
    fn is_conclusive(&self, _: &Self::Output) -> bool {
        true
    }

    /// What a failure says about the region, for its health.
    fn outcome(error: &SdkError<Self::Error, HttpResponse>) -> CallOutcome {
        match error.code() {
            Some("ConditionalCheckFailedException") => CallOutcome::ConditionFailed,
            _ => CallOutcome::Fault(of_codes(error)),
        }
    }
}

/// What came of sending a request.
pub(crate) type Sent<R> =
    Result<<R as Request>::Output, SdkError<<R as Request>::Error, HttpResponse>>;

/// Why an attempt brought nothing.
#[expect(
    clippy::large_enum_variant,
    reason = "looked at once, and boxed right away by whoever keeps it"
)]
pub(crate) enum Missed<E> {
    /// The circuit breaker is open, so there was no attempt.
    NotAsked(CircuitOpen),
    Failed(SdkError<E, HttpResponse>, CallOutcome),
}

/// Asks a region once.
pub(crate) async fn once<R: Request>(
    member: &Member,
    request: &R,
) -> Result<R::Output, Missed<R::Error>> {
    let attempt = member.dynamodb_health().begin(R::OPERATION);
    let attempt = attempt.map_err(Missed::NotAsked)?;
    match Box::pin(request.send(member.dynamodb_once())).await {
        Ok(output) => {
            attempt.end(CallOutcome::Ok);
            Ok(output)
        }
        Err(error) => {
            let outcome = R::outcome(&error);
            attempt.end(outcome);
            Err(Missed::Failed(error, outcome))
        }
    }
}
