//! The closed list of what is told.

use std::fmt;
use std::time::Duration;

use crate::error::FaultClass;

/// Something that happened.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// One attempt at a service ended: what the wire saw.
    Call(CallEvent<'a>),
    /// A failed attempt is going to be repeated, or is not because the budget is used up.
    Retry(RetryEvent<'a>),
    /// Another region is asked instead.
    Fallback(FallbackEvent<'a>),
    /// A circuit breaker changed its state.
    Breaker(BreakerEvent<'a>),
    /// A table read was sent to a second region before the first had answered.
    Hedge(HedgeEvent<'a>),
    /// A cache, or a request that was under way already, was asked.
    Cache(CacheEvent<'a>),
    /// An operation of a table ended, with everything it sent.
    Verb(VerbEvent<'a>),
    /// An item was not opened.
    Verification(VerificationEvent<'a>),
    /// A stored item was older than one that was seen, or another of the same age.
    Freshness(FreshnessEvent<'a>),
    /// A plaintext policy let an item through that nobody sealed.
    Plaintext(PlaintextEvent<'a>),
    /// Somebody opened an item, or tried to.
    Audit(AuditEvent<'a>),
}

/// A service that is called.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// AWS KMS.
    Kms,
    /// Amazon DynamoDB.
    DynamoDb,
}

impl Service {
    /// `kms` or `dynamodb`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::DynamoDb => "dynamodb",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How one attempt ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallOutcome {
    /// The service did what it was asked for.
    Ok,
    /// The service said that a condition does not hold, which is an answer.
    ConditionFailed,
    /// It failed.
    Fault(FaultClass),
    /// Nobody waited for it any more: a deadline passed, or another answer came first.
    Abandoned,
}

impl CallOutcome {
    /// The outcome in a word, for logs and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ConditionFailed => "condition_failed",
            Self::Fault(class) => class.as_str(),
            Self::Abandoned => "abandoned",
        }
    }
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One attempt at a service.
///
/// Not among them are the calls of a [`Doctor`](crate::table::Doctor), which go past breakers and budgets,
/// and those that you make with the clients of a region set.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct CallEvent<'a> {
    /// The service.
    pub service: Service,
    /// The region that was asked.
    pub region: &'a str,
    /// The operation, by its name in the API.
    pub operation: &'a str,
    /// How it ended.
    pub outcome: CallOutcome,
    /// How long it took, by the client's time source.
    pub latency: Duration,
}

/// A repetition.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct RetryEvent<'a> {
    /// The service.
    pub service: Service,
    /// The region.
    pub region: &'a str,
    /// `false` if the retry budget was used up, so that there is none.
    pub granted: bool,
}

/// A change of region.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct FallbackEvent<'a> {
    /// The service.
    pub service: Service,
    /// The region that failed.
    pub from: &'a str,
    /// The region that is asked instead.
    pub to: &'a str,
    /// What failed there; `None` if its circuit breaker is open and it was not asked.
    pub cause: Option<FaultClass>,
}

/// The state of a circuit breaker.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BreakerState {
    /// Calls go out.
    Closed,
    /// No call goes out.
    Open,
    /// A few calls go out to see whether the region is well again.
    HalfOpen,
}

impl BreakerState {
    /// The state in a word, for logs and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A change of a circuit breaker.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct BreakerEvent<'a> {
    /// The service.
    pub service: Service,
    /// The region.
    pub region: &'a str,
    /// The state it has now.
    pub state: BreakerState,
}

/// A second request for the same read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct HedgeEvent<'a> {
    /// The operation, by its name in the API.
    pub operation: &'a str,
    /// The region that was asked first.
    pub first: &'a str,
    /// The region that was asked as well.
    pub second: &'a str,
    /// Whether the second answered first.
    pub won: bool,
}

/// A look into a cache.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct CacheEvent<'a> {
    /// Which cache: `branch_key`, of branch keys; `table_key_seal` and `table_key_open`, of table keys to
    /// seal and to open with; `opened_item`, of what a caching keyring opened; `key_state`, of what
    /// `DescribeKey` said lately; `single_flight`, of equal `Decrypt` requests at the same time.
    pub cache: &'a str,
    /// Whether it saved a call. Whoever waited for somebody else's saved one, too, also if it failed.
    ///
    /// A refresh ahead of time is no lookup, and not told here: its calls are, as [`CallEvent`]s.
    pub hit: bool,
}

/// An operation of a table, which ended: told once, also if it was refused before anything was sent.
///
/// A stream of items is one operation, however many pages it has. It ends after its last item, with
/// a page that was not fetched, or when it is dropped; one that was never polled is not told of. Items
/// that were not opened do not fail it, and have events of their own.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct VerbEvent<'a> {
    /// The operation, by the name of its span: `GetItem`, `Update`.
    pub operation: &'a str,
    /// The logical table name; of a transaction those of all its tables, joined by commas.
    pub table: &'a str,
    /// How it ended, in the words of its span: `ok`, a cause like `not opened` or `sdk error`, or
    /// `abandoned` if nobody waited for the end.
    pub outcome: &'a str,
    /// How long all of it took, by the client's time source; of a stream, with the time of its reader.
    pub latency: Duration,
}

/// An item that was not opened. With each comes an [`AuditEvent`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct VerificationEvent<'a> {
    /// The logical table name.
    pub table: &'a str,
    /// Why, in a word: [`OpenError::kind`](crate::error::OpenError::kind).
    pub kind: &'a str,
}

/// A stored item that is not the newest that was seen.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct FreshnessEvent<'a> {
    /// The logical table name.
    pub table: &'a str,
    /// The region it was read in.
    pub region: &'a str,
    /// `stale`, `diverged`, or `unavailable` where the store of seen versions could not say.
    pub kind: &'a str,
}

/// An item that nobody sealed. It was not opened, so no [`AuditEvent`] comes with it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct PlaintextEvent<'a> {
    /// The logical table name.
    pub table: &'a str,
}

/// Who opened an item, under which key, and how it ended. Never which item.
///
/// Told once for each stored item that a table opened or did not: that it read, that came back with a
/// write, or that failed a condition. One that is read a second time, because a newer one was seen,
/// is opened a second time, and told of again. One that nobody waited for while it was being opened is
/// told of as `keyring`. Items that go past tables, by way of an
/// [`ItemEncryptor`](crate::ItemEncryptor) or [`records`](crate::records), are told to nobody.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct AuditEvent<'a> {
    /// Who asked, in the caller's own words: see
    /// [`SealedTable::audited_as`](crate::SealedTable::audited_as).
    pub caller: Option<&'a str>,
    /// The logical table name.
    pub table: &'a str,
    /// The keyring that opened it, or that failed last; the table's where it was no keyring that failed.
    pub keyring: &'a str,
    /// The key that opened it, or that failed last, by ARN where it has one; of a branch key the version, as
    /// its record's type, `branch:version:…`, and never the id, which may be a tenant.
    pub key: Option<&'a str>,
    /// The region whose KMS answered, or failed last.
    pub region: Option<&'a str>,
    /// `opened`, or the kind of the [`VerificationEvent`] that comes with it.
    pub outcome: &'a str,
}
