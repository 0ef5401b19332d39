//! Erasing a branch key, in every region of the set.

mod erased;

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

pub use self::erased::ErasedBranchKey;
use super::call::{Patience, ask};
use super::names::{ACTIVE, ERASED, ID, TYPE};
use super::record::{self, is_id};
use super::time::CreateTime;
use super::{KeyStore, KeyStoreError, KeyStoreErrorKind};
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
    /// A branch key that does not exist, or is erased already, is erased like any other: there is a tombstone
    /// then, so that nobody makes one of this id, and [`ErasedBranchKey::deleted`] is empty.
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
    /// 20 passes. Nothing is undone then; send it again. Of an id that no branch key can have, nothing is
    /// asked.
    pub async fn send(self) -> Result<ErasedBranchKey, KeyStoreError> {
        if !self.is_possible() {
            let invalid = KeyStoreError::new(KeyStoreErrorKind::InvalidRequest);
            return Err(invalid.with_source("an id has between 1 and 2048 bytes"));
        }
        let mut erased = ErasedBranchKey::new(&self);
        for member in self.members() {
            self.bury(member, erased.began).await?;
        }
        for member in self.members() {
            if self.delete(member, ACTIVE).await? {
                erased.deleted.insert(ACTIVE.to_owned());
            }
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

    /// Whether a branch key can have this id.
    pub(crate) fn is_possible(&self) -> bool {
        is_id(&self.id)
    }

    /// Deletes what there is in every region; says whether there was nothing.
    async fn pass(&self, erased: &mut ErasedBranchKey) -> Result<bool, KeyStoreError> {
        let mut is_clean = true;
        erased.left.clear();
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
            let others = types.into_iter().filter(|found| is_foreign(found));
            erased.left.extend(others);
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

    /// Says whether there was one.
    async fn delete(&self, member: &Member, of_type: &str) -> Result<bool, KeyStoreError> {
        let delete = DeleteItemInput::builder()
            .table_name(self.store.table_name())
            .key(ID, AttributeValue::S(self.id.clone()))
            .key(TYPE, AttributeValue::S(of_type.to_owned()))
            .return_values(ReturnValue::AllOld);
        let deleted = self.ask(member, &delete).await?;
        Ok(deleted.attributes.is_some())
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

/// Neither DB-ESDK nor this crate writes such rows, and nobody here knows what they hold.
fn is_foreign(of_type: &str) -> bool {
    !holds_key(of_type) && of_type != ERASED
}

impl fmt::Debug for EraseBranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EraseBranchKey")
            .field("longest_ttl", &self.longest_ttl)
            .field("lag_bound", &self.lag_bound)
            .finish_non_exhaustive()
    }
}
