//! Fault classes: what a failed KMS call says about the key, the service or the caller.
//!
//! Pure: no clock, no network. Which class may be retried, and where, is decided elsewhere.

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::operation::derive_shared_secret::DeriveSharedSecretError;
use aws_sdk_kms::operation::generate_data_key::GenerateDataKeyError;
use aws_sdk_kms::operation::generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintextError;
use aws_sdk_kms::operation::re_encrypt::ReEncryptError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::error::{FaultClass, KeyringErrorKind};

/// The class of a failed call for a key. An invalid state is `Disabled`: what else it may be,
/// `DescribeKey` tells.
pub(crate) fn of_kms<E: KmsError>(error: &SdkError<E, HttpResponse>) -> FaultClass {
    of(error, KmsError::modelled)
}

/// The class of a failed call to whatever service, by its code.
pub(crate) fn of_codes<E>(error: &SdkError<E, HttpResponse>) -> FaultClass
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    of(error, |_| None)
}

fn of<E>(
    error: &SdkError<E, HttpResponse>,
    modelled: impl Fn(&E) -> Option<FaultClass>,
) -> FaultClass
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error {
        SdkError::TimeoutError(_) => FaultClass::Unavailable,
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            FaultClass::Unavailable
        }
        // An answer that broke off, or that is not what the protocol says.
        SdkError::ResponseError(_) if breaks_off(error) => FaultClass::Unavailable,
        SdkError::ResponseError(failure) => of_code(None, failure.raw().status().as_u16()),
        SdkError::ServiceError(failure) => {
            let status = failure.raw().status().as_u16();
            let class = modelled(failure.err());
            class.unwrap_or_else(|| of_code(failure.err().code(), status))
        }
        // No credentials, or a request that could not be built.
        _ => FaultClass::Caller,
    }
}

/// Whether the key is in a state that `DescribeKey` knows more of.
pub(crate) fn is_invalid_state<E: KmsError>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("KMSInvalidStateException")
}

/// Codes that the model of the operation does not list, of whatever service.
pub(super) fn of_code(code: Option<&str>, status: u16) -> FaultClass {
    use FaultClass as Class;
    match code.unwrap_or_default() {
        "KMSInternalException"
        | "DependencyTimeoutException"
        | "KeyUnavailableException"
        | "InternalFailure"
        | "InternalServerError"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => Class::Unavailable,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "LimitExceeded"
        | "LimitExceededException"
        | "ProvisionedThroughputExceeded"
        | "ProvisionedThroughputExceededException" => Class::Throttled,
        "ReplicatedWriteConflictException"
        | "TransactionConflictException"
        | "TransactionInProgressException" => Class::Conflict,
        "AccessDenied" | "AccessDeniedException" => Class::Denied,
        "DisabledException" | "KMSInvalidStateException" => Class::Disabled,
        "NotFoundException" => Class::ReplicaMissing,
        "IncorrectKeyException" => Class::WrongKey,
        "InvalidCiphertextException" => Class::InvalidCiphertext,
        _ if status >= 500 => Class::Unavailable,
        _ if status == 429 => Class::Throttled,
        _ if (200..300).contains(&status) => Class::InvalidResponse,
        _ => Class::Caller,
    }
}

impl From<FaultClass> for KeyringErrorKind {
    fn from(class: FaultClass) -> Self {
        match class {
            FaultClass::Unavailable => Self::Unavailable,
            FaultClass::Throttled => Self::Throttled,
            FaultClass::Denied => Self::Denied,
            FaultClass::Disabled => Self::Disabled,
            FaultClass::ReplicaCreating => Self::ReplicaCreating,
            FaultClass::ReplicaMissing => Self::ReplicaMissing,
            FaultClass::WrongKey => Self::WrongKey,
            FaultClass::InvalidCiphertext => Self::InvalidCiphertext,
            FaultClass::InvalidResponse => Self::InvalidResponse,
            // A conflict is DynamoDB's; no keyring asks it.
            FaultClass::Conflict | FaultClass::Caller => Self::Caller,
        }
    }
}

/// Whether the same request may succeed a little later, of whatever service.
pub(crate) fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_io() || failure.is_timeout(),
        SdkError::ServiceError(failure) => {
            let class = of_code(failure.err().code(), failure.raw().status().as_u16());
            matches!(
                class,
                FaultClass::Unavailable | FaultClass::Throttled | FaultClass::Conflict
            )
        }
        _ => false,
    }
}

/// Whether the connection failed somewhere below.
fn breaks_off(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        let connector = error.downcast_ref::<ConnectorError>();
        error.is::<std::io::Error>() || connector.is_some_and(|e| e.is_io() || e.is_timeout())
    })
}

/// The errors of the KMS operations that are asked for keys.
pub(crate) trait KmsError:
    ProvideErrorMetadata + std::error::Error + Send + Sync + 'static
{
    /// The class of an error that the model lists.
    fn modelled(&self) -> Option<FaultClass>;
}

/// What the operations have in common, and then what those say in addition that are handed a ciphertext.
macro_rules! kms_errors {
    ($($error:ty $({ $($variant:ident => $class:ident),* })?;)*) => {$(
        impl KmsError for $error {
            fn modelled(&self) -> Option<FaultClass> {
                Some(match self {
                    Self::DependencyTimeoutException(_)
                    | Self::KeyUnavailableException(_)
                    | Self::KmsInternalException(_) => FaultClass::Unavailable,
                    // Until `DescribeKey` tells its states apart, the safe reading: somebody meant it.
                    Self::DisabledException(_) | Self::KmsInvalidStateException(_) => {
                        FaultClass::Disabled
                    }
                    Self::NotFoundException(_) => FaultClass::ReplicaMissing,
                    Self::DryRunOperationException(_)
                    | Self::InvalidGrantTokenException(_)
                    | Self::InvalidKeyUsageException(_) => FaultClass::Caller,
                    $($(Self::$variant(_) => FaultClass::$class,)*)?
                    _ => return None,
                })
            }
        }
    )*};
}

kms_errors! {
    DeriveSharedSecretError;
    GenerateDataKeyError;
    GenerateDataKeyWithoutPlaintextError;
    DecryptError {
        IncorrectKeyException => WrongKey, InvalidCiphertextException => InvalidCiphertext
    };
    ReEncryptError {
        IncorrectKeyException => WrongKey, InvalidCiphertextException => InvalidCiphertext
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), "".into())
    }

    fn coded(status: u16, code: &str) -> SdkError<DecryptError, HttpResponse> {
        let metadata = aws_sdk_kms::error::ErrorMetadata::builder()
            .code(code)
            .build();
        SdkError::service_error(DecryptError::generic(metadata), answer(status))
    }

    #[test]
    fn classes_codes_that_the_model_does_not_list() {
        let table = [
            (400, "ThrottlingException", FaultClass::Throttled),
            (400, "RequestLimitExceeded", FaultClass::Throttled),
            (400, "LimitExceededException", FaultClass::Throttled),
            (
                400,
                "ProvisionedThroughputExceededException",
                FaultClass::Throttled,
            ),
            (429, "SomethingNew", FaultClass::Throttled),
            (
                400,
                "ReplicatedWriteConflictException",
                FaultClass::Conflict,
            ),
            (400, "TransactionConflictException", FaultClass::Conflict),
            (400, "TransactionInProgressException", FaultClass::Conflict),
            (400, "AccessDeniedException", FaultClass::Denied),
            (403, "AccessDenied", FaultClass::Denied),
            (400, "RequestTimeout", FaultClass::Unavailable),
            (503, "SomethingNew", FaultClass::Unavailable),
            (400, "KMSInvalidStateException", FaultClass::Disabled),
            (400, "ValidationException", FaultClass::Caller),
            (400, "UnrecognizedClientException", FaultClass::Caller),
            (400, "SomethingNew", FaultClass::Caller),
        ];
        for (status, code, class) in table {
            assert_eq!(of_kms(&coded(status, code)), class, "{status} {code}");
        }
    }

    #[test]
    fn classes_modelled_errors_without_their_code() {
        use aws_sdk_kms::types::error as kms;
        let class = |error| {
            of_kms(&SdkError::<DecryptError, _>::service_error(
                error,
                answer(400),
            ))
        };
        let error = kms::KeyUnavailableException::builder().build();
        let error = DecryptError::KeyUnavailableException(error);
        assert_eq!(class(error), FaultClass::Unavailable);
        let error = kms::IncorrectKeyException::builder().build();
        let error = DecryptError::IncorrectKeyException(error);
        assert_eq!(class(error), FaultClass::WrongKey);
        let error = kms::KmsInvalidStateException::builder().build();
        let error = DecryptError::KmsInvalidStateException(error);
        assert_eq!(class(error), FaultClass::Disabled);
    }

    #[test]
    fn takes_only_broken_connections_for_an_outage() {
        type Error = SdkError<GenerateDataKeyError, HttpResponse>;
        let dispatch = |error| of_kms(&Error::dispatch_failure(error));
        let io = || ConnectorError::io("refused".into());
        assert_eq!(dispatch(io()), FaultClass::Unavailable);
        let timeout = ConnectorError::timeout("late".into());
        assert_eq!(dispatch(timeout), FaultClass::Unavailable);
        let no_credentials = ConnectorError::other("no credentials".into(), None);
        assert_eq!(dispatch(no_credentials), FaultClass::Caller);
        assert_eq!(
            dispatch(ConnectorError::user("bad".into())),
            FaultClass::Caller
        );
        let timeout = Error::timeout_error("late");
        assert_eq!(of_kms(&timeout), FaultClass::Unavailable);
        let unbuilt = Error::construction_failure("no key");
        assert_eq!(of_kms(&unbuilt), FaultClass::Caller);

        let response = |status, source: crate::error::BoxError| {
            of_kms(&Error::response_error(source, answer(status)))
        };
        assert_eq!(response(200, io().into()), FaultClass::Unavailable);
        assert_eq!(response(502, "no JSON".into()), FaultClass::Unavailable);
        assert_eq!(response(200, "no JSON".into()), FaultClass::InvalidResponse);
        assert_eq!(response(400, "no JSON".into()), FaultClass::Caller);
    }
}
