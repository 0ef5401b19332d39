//! Reading a table that is still being migrated: which plaintext is let through, until when, and as
//! what.

mod found;
mod keys;
mod reads;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;

pub use self::found::Found;
pub use self::keys::PlaintextKeys;
pub use self::reads::AllowPlaintext;
use crate::error::ConfigError;
use crate::item::Key;

/// Which items may be read although they are not sealed, while a table is being migrated. Default:
/// none.
///
/// Nobody vouches for plaintext: within the policy, whoever can write to the table makes items up, or
/// strips sealed ones and changes them. So the policy goes by key values alone, it ends, and reads ask for
/// plaintext by name ([`allow_plaintext`](super::Get::allow_plaintext)) and get it as another type,
/// [`Found::Plaintext`]. An item with any attribute of the sealed format is never plaintext, and
/// neither is one under a key that [`freshness`](super::freshness) has seen sealed.
///
/// Each such read is counted ([`plaintext_reads`](crate::SealedTable::plaintext_reads)) and logged.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{RawAesKeyring, RegionSet};
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use dynaseal::table::{Found, PlaintextKeys, PlaintextPolicy};
/// use dynaseal::{CryptoAction, ItemSchema, SealedTable};
///
/// # let cloud = Cloud::start(["us-east-1"]).await?;
/// # cloud.create_global_table(&TableDefinition::new("orders").partition_key("id", KeyType::S)).await?;
/// # let config = cloud.sdk_config("us-east-1");
/// # let regions = RegionSet::builder(&config).local("us-east-1").build()?;
/// # let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
/// # let dynamodb = cloud.dynamodb("us-east-1");
/// let id = AttributeValue::S("o-1".into());
/// dynamodb.put_item().table_name("orders").item("id", id).send().await?;
///
/// let keys: PlaintextKeys = ["o-1"].into_iter().collect();
/// let until = config.time_source().unwrap().now() + Duration::from_secs(7 * 86_400);
/// let schema = ItemSchema::builder("orders", "id").action("card", CryptoAction::EncryptAndSign);
/// let table: SealedTable = SealedTable::builder("orders", keyring, &regions)
///     .schema(schema.build()?)
///     .plaintext_policy(PlaintextPolicy::allow_keys(keys.clone(), until))
///     .build()?;
///
/// assert!(table.get("o-1").send().await.is_err(), "only who asks for plaintext gets it");
/// let Some(Found::Plaintext(order)) = table.get("o-1").allow_plaintext().send().await? else {
///     panic!("it is not sealed yet")
/// };
/// table.put(&order.into_unauthenticated()).send().await?;
/// assert!(keys.is_empty(), "from here on it must be sealed");
/// assert_eq!(table.plaintext_reads(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct PlaintextPolicy(Option<Window>);

#[derive(Clone)]
struct Window {
    allowed: Allowed,
    until: SystemTime,
}

#[derive(Clone)]
enum Allowed {
    PartitionKeyPrefix(String),
    SortKeyPrefix(String),
    Keys(PlaintextKeys),
}

impl PlaintextPolicy {
    /// Every item must be sealed.
    #[must_use]
    pub fn forbid() -> Self {
        Self(None)
    }

    /// Items whose partition key is a string that starts like this, until the time source of the
    /// DynamoDB client says `until`.
    #[must_use]
    pub fn allow_partition_key_prefix(prefix: impl Into<String>, until: SystemTime) -> Self {
        Self::allow(Allowed::PartitionKeyPrefix(prefix.into()), until)
    }

    /// Items whose sort key is a string that starts like this, until the time source of the DynamoDB
    /// client says `until`.
    #[must_use]
    pub fn allow_sort_key_prefix(prefix: impl Into<String>, until: SystemTime) -> Self {
        Self::allow(Allowed::SortKeyPrefix(prefix.into()), until)
    }

    /// Items under these keys, as long as they are in the set, until the time source of the DynamoDB
    /// client says `until`.
    #[must_use]
    pub fn allow_keys(keys: PlaintextKeys, until: SystemTime) -> Self {
        Self::allow(Allowed::Keys(keys), until)
    }

    fn allow(allowed: Allowed, until: SystemTime) -> Self {
        Self(Some(Window { allowed, until }))
    }

    pub(super) fn check(&self, has_sort_key: bool) -> Result<(), ConfigError> {
        let allowed = self.0.as_ref().map(|window| &window.allowed);
        match allowed {
            Some(Allowed::PartitionKeyPrefix(prefix) | Allowed::SortKeyPrefix(prefix))
                if prefix.is_empty() =>
            {
                Err(ConfigError::new(
                    "an empty prefix would let plaintext through under every key",
                ))
            }
            Some(Allowed::SortKeyPrefix(_)) if !has_sort_key => Err(ConfigError::new(
                "the plaintext policy goes by the sort key, and the table has none",
            )),
            _ => Ok(()),
        }
    }

    fn admits(&self, key: &Key, now: Option<SystemTime>) -> bool {
        let Some(window) = &self.0 else {
            return false;
        };
        // Without a clock there is no deadline, and so no plaintext.
        now.is_some_and(|now| now < window.until) && window.allowed.has(key)
    }
}

impl Allowed {
    fn has(&self, key: &Key) -> bool {
        match self {
            Self::PartitionKeyPrefix(prefix) => starts_with(Some(key.partition_value()), prefix),
            Self::SortKeyPrefix(prefix) => starts_with(key.sort_value(), prefix),
            Self::Keys(keys) => keys.contains(key.clone()),
        }
    }
}

fn starts_with(value: Option<&AttributeValue>, prefix: &str) -> bool {
    matches!(value, Some(AttributeValue::S(text)) if text.starts_with(prefix))
}

/// A prefix is the beginning of key values, so none is shown.
impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowed: &dyn fmt::Debug = match &self.allowed {
            Allowed::PartitionKeyPrefix(_) => &"a partition key prefix",
            Allowed::SortKeyPrefix(_) => &"a sort key prefix",
            Allowed::Keys(keys) => keys,
        };
        f.debug_struct("Window")
            .field("allowed", allowed)
            .field("until", &self.until)
            .finish()
    }
}

/// The policy of a table and how often it was used, in common for all handles of the table.
#[derive(Debug, Default)]
pub(super) struct Migration {
    policy: PlaintextPolicy,
    reads: AtomicU64,
}

impl Migration {
    pub(super) fn new(policy: PlaintextPolicy) -> Self {
        let reads = AtomicU64::new(0);
        Self { policy, reads }
    }

    /// Whether anything is let through, ever.
    pub(super) fn is_going_on(&self) -> bool {
        self.policy.0.is_some()
    }

    /// Whether plaintext under this key is let through.
    pub(super) fn admits(&self, key: &Key, now: Option<SystemTime>) -> bool {
        self.policy.admits(key, now)
    }

    /// Counts and logs that plaintext was let through.
    pub(super) fn count(&self, table: &str) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(table, "plaintext item read under the migration policy");
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Takes note that no plaintext is left under this key: what turns up there, somebody made up.
    pub(super) fn is_migrated(&self, key: Key) {
        if let Some(Window {
            allowed: Allowed::Keys(keys),
            ..
        }) = &self.policy.0
        {
            keys.remove(key);
        }
    }
}
