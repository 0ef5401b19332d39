//! What every operation on a table needs, and the one place where it seals and opens.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::SharedTimeSource;

use super::deadline::Deadline;
use super::error::Refused;
use super::freshness::{Freshness, Look, Rejected};
use super::hedge::Hedge;
use super::index::Indexes;
use super::plaintext::{Found, Migration};
use super::read_policy::ReadPolicy;
use super::routing::Routing;
use super::span;
use crate::error::{ConfigError, KeyringError, KeyringErrorKind, OpenError, SealError};
use crate::format::{RESERVED_PREFIX, is_replication_attribute};
use crate::item::{
    AttributeSchema, Item, ItemEncryptor, ItemSchema, Key, OpenedItem, SealedActions, SealedLegend,
    Unverified, check_key,
};
use crate::materials::CallBudget;
use crate::region::{Member, RegionSet};

/// A table's name, its encryptor, and the regions it is asked in.
#[derive(Clone)]
pub(super) struct Core {
    table_name: String,
    encryptor: ItemEncryptor,
    routing: Routing,
    version_attribute: Option<AttributeSchema>,
    opens: bool,
    indexes: Arc<Indexes>,
    migration: Arc<Migration>,
    freshness: Option<Arc<dyn Freshness>>,
    caller: Option<Arc<str>>,
}

impl Core {
    pub(super) fn new(
        table_name: String,
        encryptor: ItemEncryptor,
        routing: Routing,
        version_attribute: Option<AttributeSchema>,
        indexes: Indexes,
        migration: Migration,
        freshness: Option<Arc<dyn Freshness>>,
    ) -> Self {
        Self {
            table_name,
            encryptor,
            routing,
            version_attribute,
            opens: true,
            indexes: Arc::new(indexes),
            migration: Arc::new(migration),
            freshness,
            caller: None,
        }
    }

    /// The same table by another encryptor.
    pub(super) fn with_encryptor(&self, encryptor: ItemEncryptor) -> Self {
        Self {
            encryptor,
            ..self.clone()
        }
    }

    /// The same table for one tenant alone.
    pub(super) fn of_tenant(&self, tenant: String) -> Result<Self, ConfigError> {
        Ok(self.with_encryptor(self.encryptor.tenant(tenant)?))
    }

    /// The same table for a handle that only seals: what the service returns stays sealed.
    pub(super) fn without_opening(&self) -> Self {
        Self {
            opens: false,
            ..self.clone()
        }
    }

    /// The same table for somebody, whom audit events name.
    pub(super) fn in_the_name_of(&self, caller: String) -> Self {
        Self {
            caller: Some(caller.into()),
            ..self.clone()
        }
    }

    /// For whom items are opened, if anybody said so.
    pub(super) fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// Whether items that come back with an error are opened.
    pub(super) fn opens(&self) -> bool {
        self.opens
    }

    /// The name as requests carry it.
    pub(super) fn table_name(&self) -> &str {
        &self.table_name
    }

    pub(super) fn encryptor(&self) -> &ItemEncryptor {
        &self.encryptor
    }

    /// Names of keys, and the rules that expressions are held to.
    pub(super) fn schema(&self) -> &ItemSchema {
        self.encryptor.schema()
    }

    /// The version attribute of the model that an item is of, if it has one.
    pub(super) fn version_attribute(&self, item: &Item) -> Option<AttributeSchema> {
        self.version_attribute
            .or_else(|| self.encryptor.version_attribute(item))
    }

    /// What remembers which versions were seen, unless that is off.
    pub(super) fn freshness(&self) -> Option<&dyn Freshness> {
        self.freshness.as_deref()
    }

    /// How often plaintext was let through.
    pub(super) fn plaintext_reads(&self) -> u64 {
        self.migration.reads()
    }

    pub(super) fn migration(&self) -> &Migration {
        &self.migration
    }

    /// The secondary indexes that were declared, or found by asking.
    pub(super) fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    pub(super) fn regions(&self) -> &RegionSet {
        self.routing.regions()
    }

    /// The region that is read first.
    pub(super) fn local(&self) -> &Member {
        self.routing.local()
    }

    /// The region that is written to.
    pub(super) fn home(&self) -> &Member {
        self.routing.home()
    }

    /// Where reads go that do not say it themselves.
    pub(super) fn read_policy(&self) -> ReadPolicy {
        self.routing.read_policy()
    }

    /// When reads are sent to a second region.
    pub(super) fn hedge(&self) -> Option<Hedge> {
        self.routing.hedge()
    }

    /// Until when an operation may take that begins now.
    pub(super) fn deadline(&self, own: Option<Duration>) -> Deadline {
        self.routing.deadline(own)
    }

    pub(super) async fn seal(&self, item: Item) -> Result<Item, SealError> {
        self.encryptor.seal(item).await
    }

    /// Seals an item that was opened before: what the schema does not know keeps its action.
    pub(super) async fn seal_again(
        &self,
        item: Item,
        before: &SealedActions,
    ) -> Result<Item, SealError> {
        self.encryptor.seal_again(item, before).await
    }

    /// Opens an item. Calls to KMS are counted against `budget`, if there are several items.
    pub(super) async fn open(
        &self,
        item: Item,
        budget: Option<&CallBudget>,
    ) -> Result<OpenedItem, OpenError> {
        Ok(self.open_within(None, item, budget).await?.0)
    }

    /// Opens the item under a key, which came out of a region: that of another key is refused, however
    /// validly sealed.
    pub(super) async fn open_under(
        &self,
        key: &Item,
        item: Item,
        region: &str,
        budget: Option<&CallBudget>,
    ) -> Result<OpenedItem, OpenError> {
        let (opened, _) = self.open_within(Some(key), item, budget).await?;
        Ok(opened.out_of_table(region))
    }

    /// Opens the item under a key that is going to be sealed again, with what was done to each
    /// attribute.
    pub(super) async fn open_for_update(
        &self,
        key: &Item,
        item: Item,
    ) -> Result<(OpenedItem, SealedActions), OpenError> {
        let (opened, legend) = self.open_within(Some(key), item, None).await?;
        span::record_opened(&opened);
        let actions = legend.actions(self.schema(), opened.item());
        Ok((opened.out_of_table(self.home().region()), actions))
    }

    /// Opens an item, or lets it through as plaintext where the policy says so: never where it was sealed
    /// when it was last seen.
    pub(super) async fn open_found(
        &self,
        mut look: Look<'_>,
        mut item: Item,
    ) -> Result<Option<Found<OpenedItem, Item>>, Rejected> {
        if !self.admits_plaintext(&item) {
            let opened = self.open_read(look, item).await?;
            return Ok(opened.map(Found::Verified));
        }
        self.check_plaintext(look.key, &item)
            .map_err(|error| self.not_opened(error))?;
        let Some(older) = self.seen_sealed(&item).await? else {
            self.let_plaintext_through();
            item.retain(|name, _| !is_replication_attribute(name));
            return Ok(Some(Found::Plaintext(Unverified::new(item))));
        };
        // A replica that lags, or somebody who took header and footer away.
        let key = self.key_in(&item);
        if look.may_be_repeated() {
            match self.reread_older(&key, older, look.region).await? {
                Some(newest) => item = newest,
                None => return Ok(None),
            }
            look.region = self.home().region();
        }
        let look = Look {
            key: Some(&key),
            known: Some(older.newest),
            ..look
        };
        let opened = self.open_read(look, item).await?;
        Ok(opened.map(Found::Verified))
    }

    /// Whether the policy lets an item through that is not sealed.
    fn admits_plaintext(&self, item: &Item) -> bool {
        if !self.migration.is_going_on()
            || item.keys().any(|name| name.starts_with(RESERVED_PREFIX))
        {
            return false;
        }
        let key = self.key_of(item);
        key.is_some_and(|key| self.migration.admits(&key, self.now()))
    }

    /// Refuses plaintext of another key, entity type or tenant, before it is counted.
    fn check_plaintext(&self, key: Option<&Item>, item: &Item) -> Result<(), OpenError> {
        if let Some(key) = key {
            check_key(item, key)?;
        }
        self.encryptor.check_entity(item)?;
        Ok(self.encryptor.check_tenant_of(item)?)
    }

    /// What an item will be once it is opened again that was opened, changed and sealed.
    pub(super) fn as_opened(&self, before: &OpenedItem, item: Item) -> OpenedItem {
        let entity = self.encryptor.entity_of(&item);
        before.clone().changed(item, entity)
    }

    /// Opens an item, if a key is given that of this key, and tells how that ended.
    async fn open_within(
        &self,
        key: Option<&Item>,
        item: Item,
        budget: Option<&CallBudget>,
    ) -> Result<(OpenedItem, SealedLegend), OpenError> {
        let mut unfinished = Unfinished(Some(self));
        let opened = self.verify(key, item, budget).await;
        unfinished.0 = None;
        self.audit(opened.as_ref().map(|(opened, _)| opened));
        opened
    }

    async fn verify(
        &self,
        key: Option<&Item>,
        item: Item,
        budget: Option<&CallBudget>,
    ) -> Result<(OpenedItem, SealedLegend), OpenError> {
        let (opened, legend) = self.encryptor.open_within(item, budget).await?;
        self.is_migrated(opened.item());
        if let Some(key) = key {
            opened.check_key(key)?;
        }
        Ok((opened, legend))
    }

    /// Takes note that under the key of this item nothing is left that was never sealed: it was written
    /// or deleted by us, or verified. It may be the key alone.
    pub(super) fn is_migrated(&self, item: &Item) {
        if self.migration.is_going_on()
            && let Some(key) = self.key_of(item)
        {
            self.migration.is_migrated(key);
        }
    }

    /// What the clock of the caller's client says.
    pub(super) fn now(&self) -> Option<SystemTime> {
        Some(self.clock()?.now())
    }

    /// The clock of the caller's client.
    pub(super) fn clock(&self) -> Option<SharedTimeSource> {
        self.local().dynamodb().config().time_source()
    }

    /// The key as DynamoDB takes it.
    pub(super) fn key_attributes(&self, key: Key) -> Result<Item, Refused> {
        let (partition, sort) = key.into_parts();
        let mut attributes =
            Item::from([(self.schema().partition_key_name().to_owned(), partition)]);
        match (self.schema().sort_key_name(), sort) {
            (Some(name), Some(value)) => {
                attributes.insert(name.to_owned(), value);
                Ok(attributes)
            }
            (None, None) => Ok(attributes),
            (Some(_), None) => Err(Refused::new(
                "this table has a sort key; give the key as a pair",
            )),
            (None, Some(_)) => Err(Refused::new(
                "this table has no sort key; give the key as one value",
            )),
        }
    }

    /// What an item has of its key, as DynamoDB takes it.
    pub(super) fn key_in(&self, item: &Item) -> Item {
        let attribute = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
        self.schema().key_names().filter_map(attribute).collect()
    }

    /// The key of a stored item, where it has one of this table.
    pub(super) fn key_of(&self, item: &Item) -> Option<Key> {
        let partition = item.get(self.schema().partition_key_name())?.clone();
        match self.schema().sort_key_name() {
            None => Some(Key::new(partition)),
            Some(name) => Some(Key::with_sort(partition, item.get(name)?.clone())),
        }
    }
}

/// Tells of an item that nobody waits for any more while it is being opened.
struct Unfinished<'a>(Option<&'a Core>);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(core) = self.0 {
            let error = KeyringError::new(KeyringErrorKind::Abandoned);
            core.audit(Err(&error.into()));
        }
    }
}
