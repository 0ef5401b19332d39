//! Why an update failed.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::operation::get_item::GetItemError;

use super::size::MAX_ITEM_SIZE;
use super::write_error::UpdateWriteError;
use crate::error::{BoxError, OpenError, SealError};
use crate::item::{ModelMismatch, OpenedItem};
use crate::table::error::{DeadlineExceeded, OperationError, OutcomeUnknown, Refused};
use crate::table::freshness::Rejected;
use crate::table::span::Outcome;

/// Why [`update`](crate::SealedTable::update) or
/// [`update_unsigned`](crate::SealedTable::update_unsigned) failed.
///
/// Nothing was written, but for [`OutcomeUnknown`](Self::OutcomeUnknown). `Display` and `Debug` show
/// no attribute value.
#[non_exhaustive]
pub enum UpdateError {
    /// The item was not read, not opened, is not the newest that was seen, or does not fit the model; or
    /// there was no time to seal it again.
    Read(OperationError<GetItemError>),
    /// The item was not sealed again, or the write was refused or failed.
    Write(OperationError<UpdateWriteError>),
    /// An answer was lost, and what is stored now does not tell whether the change was applied. It
    /// was not applied again: read the item before you do.
    OutcomeUnknown(OutcomeUnknown<UpdateWriteError>),
    /// There is no item under the key. An update makes none.
    NotFound,
    /// The item was deleted while it was being updated.
    Deleted,
    /// The item has neither header nor footer, so there is nothing to verify and nothing to condition
    /// the write on.
    PlaintextItem,
    /// The item has beacons of searchable encryption, which the update would leave as they were.
    BeaconsPresent,
    /// The closure changed a key. An item cannot move: put a new one and delete the old one.
    KeyChanged {
        /// The key attribute.
        attribute: String,
    },
    /// The closure changed an unsigned attribute, which `update` never writes; use
    /// [`update_unsigned`](crate::SealedTable::update_unsigned).
    UnsignedChanged {
        /// The unsigned attribute.
        attribute: String,
    },
    /// The closure changed the version, which every update counts up by one.
    VersionChanged {
        /// The version attribute.
        attribute: String,
    },
    /// More attributes than an update expression of 4,096 bytes can name: all signed attributes of
    /// the item are written. [`put`](crate::SealedTable::put) has no such limit.
    TooManyAttributes {
        /// How many attributes the update would have set and removed.
        count: usize,
    },
    /// The sealed item would be larger than the 400 KB that DynamoDB stores.
    ItemTooLarge {
        /// The size it would have, in bytes.
        size: usize,
    },
    /// Other writers changed the item each time before this update could.
    Conflict {
        /// How often the change was applied to the newest item, in vain.
        attempts: u32,
    },
    /// The closure refused the change.
    Closure(Box<dyn Error + Send + Sync + 'static>),
}

impl UpdateError {
    /// Whether the same call may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Read(error) => error.is_retryable(),
            Self::Write(error) => error.is_retryable(),
            Self::Conflict { .. } => true,
            _ => false,
        }
    }

    /// The region that failed, where it is known.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Read(error) => error.region(),
            Self::Write(error) => error.region(),
            Self::OutcomeUnknown(unknown) => Some(unknown.lost().region()),
            _ => None,
        }
    }

    /// The stored item that came with a failed condition, or was found after an answer was lost,
    /// opened; if it does not open, why.
    #[must_use]
    pub fn item(&self) -> Option<&Result<OpenedItem, OpenError>> {
        match self {
            Self::Write(error) => error.item(),
            Self::OutcomeUnknown(unknown) => unknown.item(),
            _ => None,
        }
    }

    pub(super) fn closure(error: BoxError) -> Self {
        Self::Closure(error)
    }
}

impl Outcome for UpdateError {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Read(error) => error.outcome(),
            Self::Write(error) => error.outcome(),
            Self::OutcomeUnknown(_) => "outcome unknown",
            Self::NotFound | Self::Deleted => "not found",
            Self::Conflict { .. } => "conflict",
            _ => "refused",
        }
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(_) => f.write_str("item to update was not read"),
            Self::Write(_) => f.write_str("updated item was not written"),
            Self::OutcomeUnknown(_) => f.write_str("outcome of the update is unknown"),
            Self::NotFound => f.write_str("there is no item to update"),
            Self::Deleted => f.write_str("item was deleted while it was being updated"),
            Self::PlaintextItem => f.write_str("item is not sealed; put it first"),
            Self::BeaconsPresent => f.write_str(
                "item has beacons of searchable encryption, which an update would leave stale",
            ),
            Self::KeyChanged { attribute } => {
                write!(f, "update changes the key `{}`", attribute.escape_debug())
            }
            Self::UnsignedChanged { attribute } => write!(
                f,
                "update changes the unsigned attribute `{}`; use `update_unsigned`",
                attribute.escape_debug()
            ),
            Self::VersionChanged { attribute } => write!(
                f,
                "update changes the version `{}`, which counts itself",
                attribute.escape_debug()
            ),
            Self::TooManyAttributes { count } => write!(
                f,
                "{count} attributes do not fit an update expression of 4096 bytes; use `put`"
            ),
            Self::ItemTooLarge { size } => write!(
                f,
                "sealed item would have {size} bytes, and DynamoDB stores {MAX_ITEM_SIZE}"
            ),
            Self::Conflict { attempts } => {
                write!(f, "item was changed by others {attempts} times meanwhile")
            }
            Self::Closure(_) => f.write_str("closure refused the change"),
        }
    }
}

impl fmt::Debug for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => f.debug_tuple("Read").field(error).finish(),
            Self::Write(error) => f.debug_tuple("Write").field(error).finish(),
            Self::OutcomeUnknown(error) => f.debug_tuple("OutcomeUnknown").field(error).finish(),
            // The closure has seen the item; what its error prints is not ours to know.
            Self::Closure(_) => f.write_str("Closure(..)"),
            Self::NotFound => f.write_str("NotFound"),
            Self::Deleted => f.write_str("Deleted"),
            Self::PlaintextItem => f.write_str("PlaintextItem"),
            Self::BeaconsPresent => f.write_str("BeaconsPresent"),
            Self::KeyChanged { attribute } => named(f, "KeyChanged", attribute),
            Self::UnsignedChanged { attribute } => named(f, "UnsignedChanged", attribute),
            Self::VersionChanged { attribute } => named(f, "VersionChanged", attribute),
            Self::TooManyAttributes { count } => counted(f, "TooManyAttributes", "count", count),
            Self::ItemTooLarge { size } => counted(f, "ItemTooLarge", "size", size),
            Self::Conflict { attempts } => counted(f, "Conflict", "attempts", attempts),
        }
    }
}

fn named(f: &mut fmt::Formatter<'_>, variant: &str, attribute: &str) -> fmt::Result {
    f.debug_struct(variant)
        .field("attribute", &attribute)
        .finish()
}

fn counted(
    f: &mut fmt::Formatter<'_>,
    variant: &str,
    field: &str,
    count: &dyn fmt::Debug,
) -> fmt::Result {
    f.debug_struct(variant).field(field, count).finish()
}

impl Error for UpdateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Write(error) => Some(error),
            Self::OutcomeUnknown(error) => Some(error),
            Self::Closure(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<OperationError<UpdateWriteError>> for UpdateError {
    fn from(error: OperationError<UpdateWriteError>) -> Self {
        match error {
            OperationError::OutcomeUnknown(unknown) => Self::OutcomeUnknown(unknown),
            error => Self::Write(error),
        }
    }
}

impl From<OperationError<GetItemError>> for UpdateError {
    fn from(error: OperationError<GetItemError>) -> Self {
        Self::Read(error)
    }
}

/// What is written afterwards is given up by `Attempts`, which knows what became of it.
impl From<DeadlineExceeded> for UpdateError {
    fn from(exceeded: DeadlineExceeded) -> Self {
        Self::Read(exceeded.into())
    }
}

impl From<ModelMismatch> for UpdateError {
    fn from(error: ModelMismatch) -> Self {
        Self::Read(error.into())
    }
}

impl From<OpenError> for UpdateError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotSealed(missing) if missing.is_plaintext() => Self::PlaintextItem,
            error => Self::Read(error.into()),
        }
    }
}

impl From<Rejected> for UpdateError {
    fn from(rejected: Rejected) -> Self {
        Self::Read(rejected.into())
    }
}

impl From<SealError> for UpdateError {
    fn from(error: SealError) -> Self {
        Self::Write(error.into())
    }
}

impl From<Refused> for UpdateError {
    fn from(error: Refused) -> Self {
        Self::Write(error.into())
    }
}
