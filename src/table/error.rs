//! What an operation returns when it fails, with the SDK's own error kept whole.

mod unanswered;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

pub use self::unanswered::{AbsentInFallback, CircuitOpen, DeadlineExceeded};
use super::freshness::{Diverged, FreshnessError, Rejected, Stale};
use crate::error::{OpenError, SealError, TenantMismatch};
use crate::expression::{ExpressionError, Refusal};
use crate::item::{ModelMismatch, OpenedItem};

/// Why an operation on a table failed.
///
/// `Display` and `Debug` show no attribute value. The SDK's error, reachable through
/// [`sdk_error`](Self::sdk_error) and `source()`, prints requests and responses in *its* `Debug`.
#[non_exhaustive]
pub enum OperationError<E> {
    /// The item was not sealed; nothing was sent.
    Seal(SealError),
    /// The stored item was not opened.
    Open(OpenError),
    /// Model and item do not fit together.
    Model(ModelMismatch),
    /// The request would have gone around what the table guarantees; nothing was sent.
    Refused(Refused),
    /// The region is not asked for a while, after repeated failures; nothing was sent.
    CircuitOpen(CircuitOpen),
    /// It took longer than it may, and nothing was written.
    DeadlineExceeded(DeadlineExceeded),
    /// A fallback region has nothing under the key, which proves little.
    AbsentInFallback(AbsentInFallback),
    /// What is stored under the key is not an item of the only tenant, going by what nobody has verified;
    /// nothing was written. See [`SealedTable::tenant`](crate::SealedTable::tenant).
    TenantMismatch(TenantMismatch),
    /// The SDK reported an error.
    Sdk(SdkFailure<E>),
    /// A conditional write may or may not have happened: an answer was lost, and what is stored now
    /// does not tell. It was not repeated. Read the item before writing again.
    OutcomeUnknown(OutcomeUnknown<E>),
    /// The stored item is older than one that was seen.
    Stale(Stale),
    /// The stored item is not the one of its version that was seen: one of two writes is lost.
    Diverged(Diverged),
    /// Nobody knows whether the stored item is the newest.
    Freshness(FreshnessError),
}

impl<E> OperationError<E> {
    /// The SDK's error, if that is what failed.
    #[must_use]
    pub fn sdk_error(&self) -> Option<&SdkError<E, HttpResponse>> {
        match self {
            Self::Sdk(failure) => Some(&failure.error),
            Self::OutcomeUnknown(unknown) => Some(&unknown.lost.error),
            _ => None,
        }
    }

    /// The SDK's error by value, or this error unchanged.
    ///
    /// # Errors
    ///
    /// This error, if it is not the SDK's.
    pub fn into_sdk_error(self) -> Result<SdkError<E, HttpResponse>, Self> {
        match self {
            Self::Sdk(failure) => Ok(*failure.error),
            Self::OutcomeUnknown(unknown) => Ok(*unknown.lost.error),
            other => Err(other),
        }
    }

    /// The stored item that came with a failed condition, opened; if it does not open, why.
    #[must_use]
    pub fn item(&self) -> Option<&Result<OpenedItem, OpenError>> {
        match self {
            Self::Sdk(failure) => failure.item(),
            Self::OutcomeUnknown(unknown) => unknown.item(),
            _ => None,
        }
    }

    /// The region that failed, where it is known.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Seal(error) => error.region(),
            Self::Open(error) => error.region(),
            Self::CircuitOpen(open) => Some(open.region()),
            Self::AbsentInFallback(absent) => Some(absent.region()),
            Self::Sdk(failure) => Some(&failure.region),
            Self::OutcomeUnknown(unknown) => Some(&unknown.lost.region),
            Self::Stale(stale) => Some(stale.region()),
            Self::Diverged(diverged) => Some(diverged.region()),
            Self::Model(_)
            | Self::Refused(_)
            | Self::TenantMismatch(_)
            | Self::DeadlineExceeded(_)
            | Self::Freshness(_) => None,
        }
    }
}

impl<E> OperationError<E> {
    /// The same, as an error of the operation on whose way it happened.
    pub(super) fn map_service_error<F>(self, map: impl FnOnce(E) -> F) -> OperationError<F> {
        match self {
            Self::Seal(error) => OperationError::Seal(error),
            Self::Open(error) => OperationError::Open(error),
            Self::Model(error) => OperationError::Model(error),
            Self::Refused(error) => OperationError::Refused(error),
            Self::CircuitOpen(error) => OperationError::CircuitOpen(error),
            Self::DeadlineExceeded(error) => OperationError::DeadlineExceeded(error),
            Self::AbsentInFallback(error) => OperationError::AbsentInFallback(error),
            Self::TenantMismatch(error) => OperationError::TenantMismatch(error),
            Self::Sdk(failure) => OperationError::Sdk(failure.map_service_error(map)),
            Self::OutcomeUnknown(unknown) => OperationError::OutcomeUnknown(OutcomeUnknown {
                lost: unknown.lost.map_service_error(map),
                found: unknown.found,
            }),
            Self::Stale(stale) => OperationError::Stale(stale),
            Self::Diverged(diverged) => OperationError::Diverged(diverged),
            Self::Freshness(error) => OperationError::Freshness(error),
        }
    }
}

impl<E: aws_sdk_dynamodb::error::ProvideErrorMetadata> OperationError<E> {
    /// Whether the same call may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Seal(error) => error.is_retryable(),
            Self::Open(error) => error.is_retryable(),
            Self::CircuitOpen(_) | Self::DeadlineExceeded(_) | Self::AbsentInFallback(_) => true,
            Self::Sdk(failure) => crate::region::fault::is_transient(&failure.error),
            // Replication may catch up, and the store of seen versions come back.
            Self::Stale(_) | Self::Freshness(_) => true,
            // Nobody knows whether the same call would apply the change twice.
            Self::OutcomeUnknown(_) | Self::Model(_) | Self::Refused(_) => false,
            Self::TenantMismatch(_) => false,
            // The next read takes what is there. Whoever lost a write must know before.
            Self::Diverged(_) => false,
        }
    }
}

impl<E> fmt::Display for OperationError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seal(_) => "item was not sealed",
            Self::Open(_) => "item was not opened",
            Self::Model(_) => "item does not fit the model",
            Self::Refused(_) => "request refused",
            Self::CircuitOpen(_) => "region is not asked",
            Self::DeadlineExceeded(_) => "deadline exceeded",
            Self::AbsentInFallback(_) => "item is not in a fallback region",
            Self::TenantMismatch(_) => "item is not of the expected tenant",
            Self::Sdk(_) => "request failed",
            Self::OutcomeUnknown(_) => "outcome of the write is unknown",
            Self::Stale(_) => "item is older than one that was seen",
            Self::Diverged(_) => "item is not the one of its version that was seen",
            Self::Freshness(_) => "item is not known to be the newest",
        })
    }
}

impl<E> fmt::Debug for OperationError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seal(error) => f.debug_tuple("Seal").field(error).finish(),
            Self::Open(error) => f.debug_tuple("Open").field(error).finish(),
            Self::Model(error) => f.debug_tuple("Model").field(error).finish(),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
            Self::CircuitOpen(error) => f.debug_tuple("CircuitOpen").field(error).finish(),
            Self::DeadlineExceeded(error) => {
                f.debug_tuple("DeadlineExceeded").field(error).finish()
            }
            Self::AbsentInFallback(error) => {
                f.debug_tuple("AbsentInFallback").field(error).finish()
            }
            Self::TenantMismatch(error) => f.debug_tuple("TenantMismatch").field(error).finish(),
            Self::Sdk(error) => f.debug_tuple("Sdk").field(error).finish(),
            Self::OutcomeUnknown(error) => f.debug_tuple("OutcomeUnknown").field(error).finish(),
            Self::Stale(error) => f.debug_tuple("Stale").field(error).finish(),
            Self::Diverged(error) => f.debug_tuple("Diverged").field(error).finish(),
            Self::Freshness(error) => f.debug_tuple("Freshness").field(error).finish(),
        }
    }
}

impl<E: Error + 'static> Error for OperationError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Seal(error) => error,
            Self::Open(error) => error,
            Self::Model(error) => error,
            Self::Refused(error) => error,
            Self::CircuitOpen(error) => error,
            Self::DeadlineExceeded(error) => error,
            Self::AbsentInFallback(error) => error,
            Self::TenantMismatch(error) => error,
            Self::Sdk(error) => error,
            Self::OutcomeUnknown(error) => error,
            Self::Stale(error) => error,
            Self::Diverged(error) => error,
            Self::Freshness(error) => error,
        })
    }
}

/// A request that was not sent, because it would have gone around what the table guarantees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    why: Cow<'static, str>,
    attribute: Option<String>,
}

impl Refused {
    pub(super) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            why: why.into(),
            attribute: None,
        }
    }

    /// The attribute that an expression may not name like this, if that is why.
    #[must_use]
    pub fn attribute(&self) -> Option<&str> {
        self.attribute.as_deref()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            why: refusal.to_string().into(),
            attribute: Some(refusal.attribute().to_owned()),
        }
    }
}

impl From<ExpressionError> for Refused {
    fn from(error: ExpressionError) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Error for Refused {}

/// The SDK's error, whole, in a box that does not print it.
pub struct SdkFailure<E> {
    error: Box<SdkError<E, HttpResponse>>,
    region: String,
    returned: Option<Box<Result<OpenedItem, OpenError>>>,
}

impl<E> SdkFailure<E> {
    pub(super) fn new(error: SdkError<E, HttpResponse>, region: &str) -> Self {
        Self {
            error: Box::new(error),
            region: region.to_owned(),
            returned: None,
        }
    }

    pub(super) fn map_service_error<F>(self, map: impl FnOnce(E) -> F) -> SdkFailure<F> {
        SdkFailure {
            error: Box::new(self.error.map_service_error(map)),
            region: self.region,
            returned: self.returned,
        }
    }

    /// Adds the item that the service sent along.
    pub(super) fn with_item(mut self, returned: Option<Result<OpenedItem, OpenError>>) -> Self {
        self.returned = returned.map(Box::new);
        self
    }

    /// The stored item that came with a failed condition, opened; if it does not open, why.
    #[must_use]
    pub fn item(&self) -> Option<&Result<OpenedItem, OpenError>> {
        self.returned.as_deref()
    }

    /// The region that was asked.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The SDK's error.
    #[must_use]
    pub fn error(&self) -> &SdkError<E, HttpResponse> {
        &self.error
    }

    /// What kind of failure it was, in words that hold no value.
    fn kind(&self) -> &'static str {
        match &*self.error {
            SdkError::ConstructionFailure(_) => "the request could not be built",
            SdkError::TimeoutError(_) => "the request timed out",
            SdkError::DispatchFailure(_) => "the request was not answered",
            SdkError::ResponseError(_) => "the answer could not be read",
            SdkError::ServiceError(_) => "the service reported an error",
            _ => "the SDK reported an error",
        }
    }
}

impl<E> fmt::Debug for SdkFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdkFailure")
            .field("kind", &self.kind())
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl<E> fmt::Display for SdkFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.kind(), self.region)
    }
}

impl<E: Error + 'static> Error for SdkFailure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}

/// A conditional write whose answer was lost, and which is not to be seen in what is stored now.
///
/// Another writer may have come after it, or it may never have arrived. Repeating it could apply the
/// change twice, so that is left to the caller.
pub struct OutcomeUnknown<E> {
    lost: SdkFailure<E>,
    found: Option<Box<Result<OpenedItem, OpenError>>>,
}

impl<E> OutcomeUnknown<E> {
    /// `lost` is the failure that left the outcome open, `found` what was stored afterwards.
    pub(super) fn new(lost: SdkFailure<E>, found: Option<Result<OpenedItem, OpenError>>) -> Self {
        let found = found.map(Box::new);
        Self { lost, found }
    }

    /// The failure that left the outcome open.
    #[must_use]
    pub fn lost(&self) -> &SdkFailure<E> {
        &self.lost
    }

    /// What was stored afterwards, where that is known.
    #[must_use]
    pub fn item(&self) -> Option<&Result<OpenedItem, OpenError>> {
        self.found.as_deref()
    }
}

impl<E> fmt::Debug for OutcomeUnknown<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutcomeUnknown")
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

impl<E> fmt::Display for OutcomeUnknown<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the write may have happened: {}", self.lost)
    }
}

impl<E: Error + 'static> Error for OutcomeUnknown<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.lost)
    }
}

/// Ways into an [`OperationError`] from each of its causes.
macro_rules! causes {
    ($($variant:ident($cause:ty)),* $(,)?) => {$(
        impl<E> From<$cause> for OperationError<E> {
            fn from(cause: $cause) -> Self {
                Self::$variant(cause)
            }
        }
    )*};
}

causes! {
    Seal(SealError),
    Open(OpenError),
    Model(ModelMismatch),
    Refused(Refused),
    CircuitOpen(CircuitOpen),
    DeadlineExceeded(DeadlineExceeded),
    AbsentInFallback(AbsentInFallback),
    TenantMismatch(TenantMismatch),
    Sdk(SdkFailure<E>),
    OutcomeUnknown(OutcomeUnknown<E>),
}

impl<E> From<Rejected> for OperationError<E> {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Open(error) => Self::Open(error),
            Rejected::Stale(stale) => Self::Stale(stale),
            Rejected::Diverged(diverged) => Self::Diverged(diverged),
            Rejected::Freshness(error) => Self::Freshness(error),
        }
    }
}
