//! What a failed write may have done: whether it can have been applied, and whether the same request
//! may succeed a little later.
//!
//! Pure, like [`fault`](super::fault). A failure is open unless it certainly came before the write:
//! taking a lost answer for a failure applies a change twice, the other way round costs a read.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::dns::ResolveDnsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::fault::of_code;
use crate::error::FaultClass;

/// What is known about a write that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteFault {
    /// It may have been applied: the answer was lost, or does not say.
    Open,
    /// It was not applied, and may be if it is sent again.
    Transient,
    /// It was not applied: another region is writing the same item.
    OtherRegion,
    /// It was not applied, and sending it again would not help.
    Final,
}

impl WriteFault {
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        match error {
            SdkError::ConstructionFailure(_) => Self::Final,
            SdkError::DispatchFailure(failure) => failure
                .as_connector_error()
                .map_or(Self::Open, |error| before_sending(error)),
            SdkError::ServiceError(failure) => {
                of_answer(failure.err().code(), failure.raw().status().as_u16())
            }
            // A time-out, an answer that cannot be read, and whatever the SDK adds.
            _ => Self::Open,
        }
    }
}

fn of_answer(code: Option<&str>, status: u16) -> WriteFault {
    match code.unwrap_or_default() {
        // An error of the service says nothing of how far it came, whatever it calls itself.
        _ if status >= 500 => WriteFault::Open,
        "TransactionConflictException" | "TransactionInProgressException" => WriteFault::Transient,
        "ReplicatedWriteConflictException" => WriteFault::OtherRegion,
        _ => match of_code(code, status) {
            FaultClass::Unavailable => WriteFault::Open,
            FaultClass::Throttled => WriteFault::Transient,
            _ => WriteFault::Final,
        },
    }
}

/// What a request that got no answer shows of its own way out.
fn before_sending(error: &(dyn Error + 'static)) -> WriteFault {
    for cause in causes(error) {
        let refused = cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if refused || cause.is::<ResolveDnsError>() {
            return WriteFault::Transient;
        }
        if cause.is::<CredentialsError>() {
            return WriteFault::Final;
        }
    }
    WriteFault::Open
}

/// The error and what caused it. An `io::Error` hides the one it was made from, which is visited too.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let next = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        let error: &'a (dyn Error + 'static) = *error;
        match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    };
    std::iter::successors(Some(error), next)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::put_item::PutItemError;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    type Failure = SdkError<PutItemError, HttpResponse>;

    fn answer(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), "".into())
    }

    fn coded(status: u16, code: &str) -> WriteFault {
        let metadata = ErrorMetadata::builder().code(code).build();
        let error = PutItemError::generic(metadata);
        WriteFault::of(&Failure::service_error(error, answer(status)))
    }

    #[test]
    fn takes_answers_that_refuse_for_certain() {
        let table = [
            (400, "ThrottlingException", WriteFault::Transient),
            (
                400,
                "ProvisionedThroughputExceededException",
                WriteFault::Transient,
            ),
            (400, "RequestLimitExceeded", WriteFault::Transient),
            (429, "SomethingNew", WriteFault::Transient),
            (400, "TransactionConflictException", WriteFault::Transient),
            (400, "TransactionInProgressException", WriteFault::Transient),
            (
                400,
                "ReplicatedWriteConflictException",
                WriteFault::OtherRegion,
            ),
            (400, "ConditionalCheckFailedException", WriteFault::Final),
            (400, "ValidationException", WriteFault::Final),
            (400, "AccessDeniedException", WriteFault::Final),
            (400, "SomethingNew", WriteFault::Final),
        ];
        for (status, code, fault) in table {
            assert_eq!(coded(status, code), fault, "{status} {code}");
        }
    }

    #[test]
    fn leaves_open_what_does_not_say_how_far_it_came() {
        for (status, code) in [
            (500, "InternalServerError"),
            (500, "ThrottlingException"),
            (502, ""),
            (503, "ServiceUnavailable"),
            (503, "ConditionalCheckFailedException"),
            (400, "InternalServerError"),
            (408, "RequestTimeout"),
        ] {
            assert_eq!(coded(status, code), WriteFault::Open, "{status} {code}");
        }
        let unread = Failure::response_error("no JSON", answer(200));
        assert_eq!(WriteFault::of(&unread), WriteFault::Open);
        let late = Failure::timeout_error("late");
        assert_eq!(WriteFault::of(&late), WriteFault::Open);
    }

    #[test]
    fn knows_requests_that_were_never_sent() {
        let unbuilt = Failure::construction_failure("no key");
        assert_eq!(WriteFault::of(&unbuilt), WriteFault::Final);
        let dispatch = |error| WriteFault::of(&Failure::dispatch_failure(error));
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(
            dispatch(ConnectorError::io(refused().into())),
            WriteFault::Transient
        );
        let wrapped = io::Error::other(refused());
        assert_eq!(
            dispatch(ConnectorError::io(wrapped.into())),
            WriteFault::Transient
        );
        let unresolved = ResolveDnsError::new("no such host");
        assert_eq!(
            dispatch(ConnectorError::io(unresolved.into())),
            WriteFault::Transient
        );
        let nobody = CredentialsError::not_loaded("nobody is logged in");
        assert_eq!(
            dispatch(ConnectorError::other(nobody.into(), None)),
            WriteFault::Final
        );
    }

    #[test]
    fn leaves_open_what_broke_off() {
        let dispatch = |error| WriteFault::of(&Failure::dispatch_failure(error));
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(dispatch(ConnectorError::io(reset.into())), WriteFault::Open);
        for error in [
            ConnectorError::io("broken".into()),
            ConnectorError::timeout("late".into()),
            ConnectorError::user("bad".into()),
            ConnectorError::other("incomplete message".into(), None),
        ] {
            assert_eq!(dispatch(error), WriteFault::Open);
        }
    }
}
