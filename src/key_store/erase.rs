//! Erasing a branch key, in every region of the set.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::AttributeValue;

use super::call::{Patience, ask};
use super::record::{self, ACTIVE, ERASED, ID, TYPE};
use super::time::CreateTime;
use super::{KeyStore, KeyStoreError, KeyStoreErrorKind};
use crate::json::{Json, iam_literal};
use crate::region::Member;
use crate::region::call::Request;

/// Passes before it is given up: somebody goes on writing.
const MAX_PASSES: u32 = 20;

/// Passes in a row that find nothing in any region.
const CLEAN_PASSES: u32 = 2;

/// What the types of the rows begin with that hold keys.
const KEY_TYPES: [&str; 2] = ["branch:", "beacon:"];

/// Erases a branch key: made by [`KeyStore::erase_branch_key`].
#[must_use = "nothing happens until it is sent"]
#[derive(Clone)]
pub struct EraseBranchKey {
    store: KeyStore,
    id: String,
    longest_ttl: Duration,
    lag_bound: Duration,
}

impl KeyStore {
    /// Erases a branch key for good: its row of rows, in every region of the set.
    ///
    /// In this order: a tombstone, which dynaseal's clients heed before they seal, create or rotate; the
    /// active key; after the longest time that any client may still keep it, every version and the beacon
    /// key. Then passes over all regions, until two in a row, a replication lag apart, have found nothing.
    ///
    /// It can be sent again after a failure, and goes on from there. What it does not reach is a list of its
    /// own: [`ErasedBranchKey::stays_readable`].
    ///
    /// [`SealedTable::erase_tenant`](crate::SealedTable::erase_tenant) also looks at the items, and signs a
    /// receipt.
    pub fn erase_branch_key(&self, branch_key_id: impl Into<String>) -> EraseBranchKey {
        EraseBranchKey {
            store: self.clone(),
            id: branch_key_id.into(),
            longest_ttl: EraseBranchKey::DEFAULT_LONGEST_TTL,
            lag_bound: EraseBranchKey::DEFAULT_LAG_BOUND,
        }
    }
}

impl EraseBranchKey {
    /// The longest that keys are kept, unless told otherwise: the default of the hierarchical keyring.
    pub const DEFAULT_LONGEST_TTL: Duration = Duration::from_secs(300);
    /// What is waited between passes, unless told otherwise.
    pub const DEFAULT_LAG_BOUND: Duration = Duration::from_secs(60);

    /// The longest time that any client, in any process and language, keeps a branch key. Default: 5 min.
    ///
    /// Until it has passed such a client goes on writing items that nobody will open.
    pub fn longest_ttl(mut self, ttl: Duration) -> Self {
        self.longest_ttl = ttl;
        self
    }

    /// A time in which a write to one region has reached the others. Default: 60 s.
    pub fn lag_bound(mut self, lag: Duration) -> Self {
        self.lag_bound = lag;
        self
    }

    /// Erases. It takes the longest time to live and at least one lag bound.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError`] if a region of the set did not answer or refused, and if rows came back in each of
    /// 20 passes. Nothing is undone then; send it again.
    pub async fn send(self) -> Result<ErasedBranchKey, KeyStoreError> {
        let mut erased = ErasedBranchKey::new(&self);
        for member in self.members() {
            self.bury(member, erased.began).await?;
        }
        for member in self.members() {
            self.delete(member, ACTIVE).await?;
        }
        self.wait(self.longest_ttl).await;
        let mut clean = 0;
        while clean < CLEAN_PASSES {
            if erased.passes == MAX_PASSES {
                return Err(
                    KeyStoreError::new(KeyStoreErrorKind::StillWritten).of_branch_key(&self.id)
                );
            }
            if erased.passes > 0 {
                self.wait(self.lag_bound).await;
            }
            erased.passes += 1;
            clean = if self.pass(&mut erased).await? {
                clean + 1
            } else {
                0
            };
        }
        erased.ended = self.store.now();
        Ok(erased)
    }

    /// Deletes what there is in every region; says whether there was nothing.
    async fn pass(&self, erased: &mut ErasedBranchKey) -> Result<bool, KeyStoreError> {
        let mut is_clean = true;
        for member in self.members() {
            let types = self.types(member).await?;
            if !types.contains(ERASED) {
                is_clean = false;
                self.bury(member, erased.began).await?;
            }
            for found in types.iter().filter(|found| holds_key(found)) {
                is_clean = false;
                self.delete(member, found).await?;
                erased.deleted.insert(found.clone());
            }
        }
        Ok(is_clean)
    }

    /// The types of all rows of the branch key.
    async fn types(&self, member: &Member) -> Result<BTreeSet<String>, KeyStoreError> {
        let mut types = BTreeSet::new();
        let mut start = None;
        loop {
            let query = QueryInput::builder()
                .table_name(self.store.table_name())
                .consistent_read(true)
                .key_condition_expression("#id = :id")
                .projection_expression("#type")
                .expression_attribute_names("#id", ID)
                .expression_attribute_names("#type", TYPE)
                .expression_attribute_values(":id", AttributeValue::S(self.id.clone()))
                .set_exclusive_start_key(start);
            let page = self.ask(member, &query).await?;
            let found = page
                .items()
                .iter()
                .filter_map(|row| row.get(TYPE)?.as_s().ok());
            types.extend(found.cloned());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(types);
            }
        }
    }

    /// Writes the tombstone. One that is there already is written again, which changes nothing that counts.
    async fn bury(&self, member: &Member, at: SystemTime) -> Result<(), KeyStoreError> {
        let put = PutItemInput::builder().table_name(self.store.table_name());
        let tombstone = record::tombstone(&self.id, CreateTime::of(at));
        let put = put.set_item(Some(tombstone.into()));
        self.ask(member, &put).await.map(drop)
    }

    async fn delete(&self, member: &Member, of_type: &str) -> Result<(), KeyStoreError> {
        let delete = DeleteItemInput::builder()
            .table_name(self.store.table_name())
            .key(ID, AttributeValue::S(self.id.clone()))
            .key(TYPE, AttributeValue::S(of_type.to_owned()));
        self.ask(member, &delete).await.map(drop)
    }

    async fn ask<R: Request>(
        &self,
        member: &Member,
        request: &R,
    ) -> Result<R::Output, KeyStoreError> {
        let answer = ask(member, request, Patience::Retries).await;
        answer.map_err(|error| error.of_branch_key(&self.id))
    }

    async fn wait(&self, time: Duration) {
        self.store.0.regions.local_member().wait(time).await;
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        self.store.0.regions.members()
    }
}

fn holds_key(of_type: &str) -> bool {
    KEY_TYPES.iter().any(|prefix| of_type.starts_with(prefix))
}

impl fmt::Debug for EraseBranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EraseBranchKey")
            .field("longest_ttl", &self.longest_ttl)
            .field("lag_bound", &self.lag_bound)
            .finish_non_exhaustive()
    }
}

/// A branch key that is gone from the key store of every region of the set.
#[derive(Clone)]
pub struct ErasedBranchKey {
    branch_key_id: String,
    table_name: String,
    logical_name: String,
    regions: Vec<String>,
    deleted: BTreeSet<String>,
    passes: u32,
    longest_ttl: Duration,
    lag_bound: Duration,
    began: SystemTime,
    ended: SystemTime,
}

impl ErasedBranchKey {
    fn new(erase: &EraseBranchKey) -> Self {
        let store = &erase.store;
        Self {
            branch_key_id: erase.id.clone(),
            table_name: store.table_name().to_owned(),
            logical_name: store.logical_name().to_owned(),
            regions: store.0.regions.regions().map(str::to_owned).collect(),
            deleted: BTreeSet::new(),
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

    /// The regions that were looked at.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(String::as_str)
    }

    /// The types of the rows that the passes deleted, such as `branch:version:…`. Of one that is sent again
    /// only those that were left.
    pub fn deleted(&self) -> impl Iterator<Item = &str> {
        self.deleted.iter().map(String::as_str)
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
        let id = &self.branch_key_id;
        [
            format!(
                "whoever restores rows of `{id}` from a backup, a point in time, an export or a stream of the key \
                 store opens its items again, until those have aged out (35 days for points in time) or the key \
                 policy of every replica has the statement that denies it"
            ),
            "keys of items, and attributes that are signed and not encrypted, were never secret".to_owned(),
            "CloudTrail keeps the branch key id, and whatever else is in the contexts of requests to KMS".to_owned(),
            "whoever decrypted items before has what they held".to_owned(),
            "items that have another recipient besides the branch key open under that one".to_owned(),
        ]
        .into()
    }

    /// The statement that closes the window of the key store's backups: to be added to the key policy of the
    /// KMS key, in **every** region where it has a replica.
    ///
    /// `Display` of the answer's JSON. It denies KMS to open this branch key to everybody, for ever.
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
            ("Sid", Json::text("DynasealErasedBranchKey")),
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
            .field("passes", &self.passes)
            .field("began", &self.began)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
