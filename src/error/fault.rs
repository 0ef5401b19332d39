//! Fault classes: what a failed call says about the key, the region or the caller.

use std::fmt;

/// What a failed call to KMS or DynamoDB means, whatever it looked like.
///
/// | class | how it shows | what dynaseal does | what you should do |
/// | --- | --- | --- | --- |
/// | `Unavailable` | time-out, connection refused or reset, HTTP 5xx, `KMSInternalException`, `DependencyTimeoutException`, `KeyUnavailableException` | sends again within the retry budget, or asks the next region if the policy says so; counts against the region's circuit breaker | wait, or choose a fallback policy |
/// | `Throttled` | `ThrottlingException`, `RequestLimitExceeded`, `ProvisionedThroughputExceededException`, `LimitExceededException`, HTTP 429 | backs off within the retry budget; another region only if the policy says so, and within its share | raise the quota, or use a keyring that calls KMS less |
/// | `Denied` | `AccessDeniedException`, which KMS also says of a key of another account that is not there | nothing | look at the policies, with `doctor` |
/// | `Disabled` | `DisabledException`; `KMSInvalidStateException` of a key that is not being created | nothing: somebody may have meant it | enable the key, or cancel its deletion |
/// | `ReplicaCreating` | `KMSInvalidStateException` while `DescribeKey` says `Creating` or `Updating` | asks again for seconds, then takes it for `ReplicaMissing` | wait |
/// | `ReplicaMissing` | `NotFoundException` of the replica's ARN | nothing; another region only by `on_replica_missing` | replicate the key |
/// | `WrongKey` | `IncorrectKeyException` | nothing | the item was changed, or the keyring has another key |
/// | `InvalidCiphertext` | `InvalidCiphertextException` | nothing | ciphertext or context were changed: find out who did |
/// | `Conflict` | `ReplicatedWriteConflictException`, `TransactionConflictException`, `TransactionInProgressException` | sends again; `update` reads again first | nothing, or fewer writers of one item |
/// | `InvalidResponse` | an answer that is not what the service promises | nothing | look for what stands between you and AWS |
/// | `Caller` | no credentials, `ValidationException`, grant tokens, key usage, unknown codes | nothing | correct the request or the configuration |
///
/// Only `Unavailable` feeds circuit breakers, so bytes in a table cannot open one.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultClass {
    /// The region did not answer, or answered that it is not well.
    Unavailable,
    /// The service asked for fewer requests.
    Throttled,
    /// The principal may not, or there is nothing it might.
    Denied,
    /// The key is switched off.
    Disabled,
    /// The key's replica in this region is not ready yet.
    ReplicaCreating,
    /// The key has no replica in this region.
    ReplicaMissing,
    /// The ciphertext was made under another key.
    WrongKey,
    /// The ciphertext or the encryption context was changed.
    InvalidCiphertext,
    /// Another writer is at work on the same item.
    Conflict,
    /// An answer that is not what the service promises.
    InvalidResponse,
    /// Whatever else: no retry and no other region would help.
    Caller,
}

impl FaultClass {
    /// The class in a word, for logs and labels: `unavailable`, `replica_missing`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Disabled => "disabled",
            Self::ReplicaCreating => "replica_creating",
            Self::ReplicaMissing => "replica_missing",
            Self::WrongKey => "wrong_key",
            Self::InvalidCiphertext => "invalid_ciphertext",
            Self::Conflict => "conflict",
            Self::InvalidResponse => "invalid_response",
            Self::Caller => "caller",
        }
    }
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
