//! What was erased, and what that does not reach.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use super::EraseBranchKey;
use crate::crypto::hash::sha384;
use crate::json::{Json, iam_literal};

/// A branch key that is gone from the key store of every region of the set.
#[derive(Clone)]
pub struct ErasedBranchKey {
    branch_key_id: String,
    table_name: String,
    logical_name: String,
    regions: Vec<String>,
    pub(super) deleted: BTreeSet<String>,
    pub(super) left: BTreeSet<String>,
    pub(super) passes: u32,
    longest_ttl: Duration,
    lag_bound: Duration,
    pub(super) began: SystemTime,
    pub(super) ended: SystemTime,
}

impl ErasedBranchKey {
    pub(super) fn new(erase: &EraseBranchKey) -> Self {
        let store = &erase.store;
        Self {
            branch_key_id: erase.id.clone(),
            table_name: store.table_name().to_owned(),
            logical_name: store.logical_name().to_owned(),
            regions: store.0.regions.regions().map(str::to_owned).collect(),
            deleted: BTreeSet::new(),
            left: BTreeSet::new(),
            passes: 0,
            longest_ttl: erase.longest_ttl,
            lag_bound: erase.lag_bound,
            began: store.now(),
            ended: store.now(),
        }
    }

    /// The id of the branch key.
    #[must_use]
    pub fn branch_key_id(&self) -> &str {
        &self.branch_key_id
    }

    /// The regions that were looked at: those of the set. Others learn by replication.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(String::as_str)
    }

    /// The types of the rows that were deleted, such as `branch:ACTIVE` and `branch:version:…`. Nothing if
    /// there was no such branch key: look for a slip in its name. Of one that is sent again only what was
    /// left.
    pub fn deleted(&self) -> impl Iterator<Item = &str> {
        self.deleted.iter().map(String::as_str)
    }

    /// The types of rows of this branch key that are none of a key store's, and so were neither read nor
    /// deleted.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.left.iter().map(String::as_str)
    }

    /// How many passes it took, the two clean ones included.
    #[must_use]
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// When it began, by the clock of the key store's clients.
    #[must_use]
    pub fn began(&self) -> SystemTime {
        self.began
    }

    /// When it ended.
    #[must_use]
    pub fn ended(&self) -> SystemTime {
        self.ended
    }

    /// The longest time that clients were said to keep keys.
    #[must_use]
    pub fn longest_ttl(&self) -> Duration {
        self.longest_ttl
    }

    /// What was waited between passes.
    #[must_use]
    pub fn lag_bound(&self) -> Duration {
        self.lag_bound
    }

    /// What erasing does not reach, a sentence each.
    #[must_use]
    pub fn stays_readable(&self) -> Vec<String> {
        let id = self.branch_key_id.escape_debug();
        let mut all = vec![
            format!(
                "whoever restores rows of `{id}` from a backup, a point in time, an export or a stream of the key \
                 store opens its items again, until those have aged out (35 days for points in time) or the key \
                 policy of every replica has the statement that denies it"
            ),
            format!(
                "a process that read a version of `{id}` before it was deleted opens its items for as long as it \
                 keeps branch keys: {} s at most, as far as the longest time was given rightly",
                self.longest_ttl.as_secs()
            ),
            "keys of items, and attributes that are signed and not encrypted, were never secret".to_owned(),
            "CloudTrail keeps the branch key id, and whatever else is in the contexts of requests to KMS".to_owned(),
            "whoever decrypted items before has what they held".to_owned(),
            "items that have another recipient besides the branch key open under that one".to_owned(),
        ];
        if !self.left.is_empty() {
            all.push(format!(
                "{} rows of `{id}` in the key store are of types that nobody knows, and were left: whoever copied \
                 a key into one can copy it back",
                self.left.len()
            ));
        }
        all
    }

    /// The statement that closes the window of the key store's backups: to be added to the key policy of the
    /// KMS key, in **every** region where it has a replica.
    ///
    /// JSON. It denies everybody, for ever, to have KMS open this branch key; who has it in memory keeps it for
    /// the time that is left.
    ///
    /// A key policy has 32 KB. Where many branch keys of a key store are erased, one statement can hold the ids
    /// of all, as a list under `kms:EncryptionContext:branch-key-id`.
    #[must_use]
    pub fn key_policy_statement(&self) -> String {
        self.statement().to_string()
    }

    pub(crate) fn statement(&self) -> Json {
        let context = [
            ("kms:EncryptionContext:branch-key-id", &self.branch_key_id),
            ("kms:EncryptionContext:tablename", &self.logical_name),
        ];
        let context = context.map(|(key, value)| (key, Json::text(iam_literal(value))));
        Json::object([
            ("Sid", Json::text(self.statement_id())),
            ("Effect", Json::text("Deny")),
            ("Principal", Json::text("*")),
            ("Action", Json::texts(["kms:Decrypt", "kms:ReEncrypt*"])),
            ("Resource", Json::text("*")),
            (
                "Condition",
                Json::object([("StringEquals", Json::object(context))]),
            ),
        ])
    }

    /// One for each branch key, since a policy has no two of the same, in the letters that a `Sid` may have.
    fn statement_id(&self) -> String {
        let (store, id) = (&self.logical_name, &self.branch_key_id);
        let digest = sha384(format!("{}:{store}{id}", store.len()).as_bytes());
        let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        format!("DynasealErased{}", digest.collect::<String>())
    }

    /// The table of the key store, and its logical name.
    pub(crate) fn key_store(&self) -> (&str, &str) {
        (&self.table_name, &self.logical_name)
    }
}

/// Shows no id, which may be a tenant.
impl fmt::Debug for ErasedBranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErasedBranchKey")
            .field("table_name", &self.table_name)
            .field("logical_name", &self.logical_name)
            .field("regions", &self.regions)
            .field("deleted", &self.deleted)
            .field("left", &self.left)
            .field("passes", &self.passes)
            .field("began", &self.began)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
