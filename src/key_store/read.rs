//! Finding a branch key: here, and then in the other regions of the set.
//!
//! Replicas lag, so that what one region has not may be in another. Whatever region a record comes from,
//! KMS opens it where KMS is asked anyway.

use std::sync::Arc;

use futures_util::future::join;

use super::call::{Patience, get};
use super::record::{Facts, Place, Record, is_id};
use super::{BranchKey, BranchKeyVersion, KeyStore};
use crate::error::{FaultClass, KeyStoreError, KeyStoreErrorKind};
use crate::kms::Allowance;
use crate::observe::{Event, FallbackEvent, Service};
use crate::region::Member;
use crate::secret::KmsPlaintext;

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    id: &'a str,
    place: Place,
}

impl<'a> Wanted<'a> {
    /// Nothing is asked for an id that no branch key can have.
    pub(super) fn active(id: &'a str) -> Result<Self, KeyStoreError> {
        Self::new(id, Place::Active)
    }

    fn version(id: &'a str, version: BranchKeyVersion) -> Result<Self, KeyStoreError> {
        Self::new(id, Place::Version(version))
    }

    fn new(id: &'a str, place: Place) -> Result<Self, KeyStoreError> {
        if is_id(id) {
            Ok(Self { id, place })
        } else {
            Err(KeyStoreError::new(KeyStoreErrorKind::NotFound))
        }
    }
}

impl KeyStore {
    /// The branch key to seal under, for the item that this is the allowance of.
    pub(crate) async fn active(
        &self,
        id: &str,
        allowance: &Arc<Allowance>,
    ) -> Result<BranchKey, KeyStoreError> {
        let named = |error: KeyStoreError| error.of_branch_key(id);
        let found = self.find_active(id, allowance);
        Box::pin(found).await.map_err(named)
    }

    /// A branch key to open with, for the item that this is the allowance of.
    pub(crate) async fn version(
        &self,
        id: &str,
        version: BranchKeyVersion,
        allowance: &Arc<Allowance>,
    ) -> Result<BranchKey, KeyStoreError> {
        let named = |error: KeyStoreError| error.of_branch_key(id).with_key(version.record_type());
        let found = self.find_version(id, version, allowance);
        Box::pin(found).await.map_err(named)
    }

    async fn find_version(
        &self,
        id: &str,
        version: BranchKeyVersion,
        allowance: &Arc<Allowance>,
    ) -> Result<BranchKey, KeyStoreError> {
        let wanted = Wanted::version(id, version)?;
        let inner = &*self.0;
        if let Some(why) = inner.absent.remembers(id, version) {
            return Err(KeyStoreError::new(why));
        }
        take_lookup(allowance)?;
        let Some(record) = self.search(wanted).await? else {
            let why = self.why_absent(id).await;
            inner.absent.remember(id, version, why);
            return Err(KeyStoreError::new(why));
        };
        self.open(record, allowance).await
    }

    /// Why no region has a version: it was erased, or is on its way, as far as anybody knows.
    async fn why_absent(&self, id: &str) -> KeyStoreErrorKind {
        let (local, place) = (self.0.regions.local_member(), (id, Place::Erased));
        let tombstone = get(local, &self.0.table_name, place, false, Patience::Once);
        match tombstone.await {
            Ok(found) if found.item().is_some() => KeyStoreErrorKind::Erased,
            _ => KeyStoreErrorKind::NotYetReplicated,
        }
    }

    async fn find_active(
        &self,
        id: &str,
        allowance: &Arc<Allowance>,
    ) -> Result<BranchKey, KeyStoreError> {
        let wanted = Wanted::active(id)?;
        take_lookup(allowance)?;
        let Some(record) = self.search(wanted).await? else {
            return Err(KeyStoreError::new(KeyStoreErrorKind::NotFound));
        };
        match self.open_newest(record, allowance).await? {
            Some(key) => Ok(key),
            None => self.newer(wanted, allowance).await,
        }
    }

    /// Looks in the local region, and then in each other one.
    async fn search(&self, wanted: Wanted<'_>) -> Result<Option<Record>, KeyStoreError> {
        let regions = &self.0.regions;
        let local = regions.local_member();
        let is_alone = regions.members().nth(1).is_none();
        let patience = if is_alone {
            Patience::Retries
        } else {
            Patience::Once
        };
        let mut missed = None;
        match self.search_local(wanted, patience).await {
            Ok(None) => {}
            Err(error) if !is_alone && is_unavailable(&error) => missed = Some(error),
            found => return found,
        }
        for member in regions.members().skip(1) {
            if missed.is_some() {
                self.tell(local, member);
            }
            match self.fetch(member, false, wanted, Patience::Once).await {
                Ok(None) => {}
                Err(error) if is_of_region(&error) => _ = missed.get_or_insert(error),
                found => return found,
            }
        }
        match missed {
            None => Ok(None),
            // Only a region that was asked can be without it.
            Some(error) => Err(unavailable(error)),
        }
    }

    async fn search_local(
        &self,
        wanted: Wanted<'_>,
        patience: Patience,
    ) -> Result<Option<Record>, KeyStoreError> {
        let local = self.0.regions.local_member();
        match self.fetch(local, false, wanted, patience).await? {
            None => self.fetch(local, true, wanted, patience).await,
            found => Ok(found),
        }
    }

    /// What has not been rolled back of an active version: the local region's latest, and then what is in
    /// each other one.
    async fn newer(
        &self,
        wanted: Wanted<'_>,
        allowance: &Arc<Allowance>,
    ) -> Result<BranchKey, KeyStoreError> {
        let mut missed = None;
        for (n, member) in self.0.regions.members().enumerate() {
            let opened = match self.fetch(member, n == 0, wanted, Patience::Once).await {
                Ok(Some(record)) => self.open_newest(record, allowance).await,
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            };
            match opened {
                Ok(Some(key)) => return Ok(key),
                Ok(None) => {}
                Err(error) if error.kind() == KeyStoreErrorKind::Erased => return Err(error),
                Err(error) => _ = missed.get_or_insert(error),
            }
        }
        Err(missed.map_or_else(
            || KeyStoreError::new(KeyStoreErrorKind::RolledBack),
            unavailable,
        ))
    }

    /// One look into one region.
    pub(super) async fn fetch(
        &self,
        member: &Member,
        consistent: bool,
        wanted: Wanted<'_>,
        patience: Patience,
    ) -> Result<Option<Record>, KeyStoreError> {
        let Wanted { id, place } = wanted;
        let table = &self.0.table_name;
        let look = |place| get(member, table, (id, place), consistent, patience);
        let found = if place == Place::Active {
            let (found, erased) = join(look(place), look(Place::Erased)).await;
            if erased?.item().is_some() {
                let erased = KeyStoreError::new(KeyStoreErrorKind::Erased);
                return Err(erased.in_region(member.region()));
            }
            found?
        } else {
            look(place).await?
        };
        let record = found.item().map(|item| Record::parse(id, place, item));
        record
            .transpose()
            .map_err(|error| error.in_region(member.region()))
    }

    /// Opens an active version, unless it is older than one that was seen before.
    async fn open_newest(
        &self,
        record: Record,
        allowance: &Arc<Allowance>,
    ) -> Result<Option<BranchKey>, KeyStoreError> {
        let (created, newest) = (record.facts.created, &self.0.newest);
        // What says of itself that it is older, KMS need not open.
        if newest.seen(&record.facts.id) > Some(created) {
            return Ok(None);
        }
        // And what says that it is newer counts only when KMS has.
        let key = self.open(record, allowance).await?;
        Ok(newest.admits(key.id(), created).then_some(key))
    }

    /// Has KMS open the record of a version.
    async fn open(
        &self,
        record: Record,
        allowance: &Arc<Allowance>,
    ) -> Result<BranchKey, KeyStoreError> {
        let (facts, plaintext) = self.unwrap(record, allowance).await?;
        let invalid = || KeyStoreError::new(KeyStoreErrorKind::InvalidRecord);
        let version = facts.kind.version().ok_or_else(invalid)?;
        let created = facts.created.to_system_time();
        let key = BranchKey::new(facts.id, version, plaintext);
        Ok(key.with_facts(created, facts.custom))
    }

    /// What the record of a beacon key says, once KMS has opened it.
    pub(super) async fn beacon_facts(&self, id: &str) -> Result<Facts, KeyStoreError> {
        let wanted = Wanted::new(id, Place::Beacon)?;
        let found = Box::pin(self.search(wanted)).await?;
        let record = found.ok_or_else(|| KeyStoreError::new(KeyStoreErrorKind::NotFound))?;
        let allowance = Arc::new(Allowance::new(None));
        let (facts, _) = Box::pin(self.unwrap(record, &allowance)).await?;
        Ok(facts)
    }

    /// Has KMS open a record.
    async fn unwrap(
        &self,
        record: Record,
        allowance: &Arc<Allowance>,
    ) -> Result<(Facts, KmsPlaintext), KeyStoreError> {
        let inner = &*self.0;
        let replicas = self.replicas(&record.facts.kms_arn)?;
        let context = record.facts.context(&inner.logical_name)?;
        let recovered = inner
            .requests
            .recover(&context, &record.enc, replicas, allowance);
        Ok((record.facts, recovered.await?.plaintext))
    }

    fn tell(&self, from: &Member, to: &Member) {
        let (from, to) = (from.region(), to.region());
        tracing::debug!(from, to, "key store fallback");
        self.0
            .regions
            .observers()
            .emit(&Event::Fallback(FallbackEvent {
                service: Service::DynamoDb,
                from,
                to,
                cause: Some(FaultClass::Unavailable),
            }));
    }
}

fn take_lookup(allowance: &Allowance) -> Result<(), KeyStoreError> {
    if allowance.take_lookup() {
        Ok(())
    } else {
        Err(KeyStoreError::new(KeyStoreErrorKind::NotTried))
    }
}

/// The region does not answer, or is not asked.
fn is_unavailable(error: &KeyStoreError) -> bool {
    matches!(
        error.kind(),
        KeyStoreErrorKind::Unavailable | KeyStoreErrorKind::CircuitOpen
    )
}

/// It says something about the region, and nothing about the branch key.
fn is_of_region(error: &KeyStoreError) -> bool {
    matches!(
        error.kind(),
        KeyStoreErrorKind::Throttled | KeyStoreErrorKind::Denied | KeyStoreErrorKind::Caller
    ) || is_unavailable(error)
}

/// What to say of a branch key that may be in a region which could not be asked.
fn unavailable(error: KeyStoreError) -> KeyStoreError {
    if !is_of_region(&error) || is_unavailable(&error) {
        return error;
    }
    let unavailable = KeyStoreError::new(KeyStoreErrorKind::Unavailable);
    let region = error.region().unwrap_or_default().to_owned();
    unavailable.in_region(&region).with_source(error)
}
