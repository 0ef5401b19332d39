//! Builds a table: the model's schema, and what may be changed about it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::freshness::{self, Freshness};
use super::hedge::Hedge;
use super::index::{Indexes, SecondaryIndex};
use super::plaintext::{Migration, PlaintextPolicy};
use super::read_policy::ReadPolicy;
use super::routing::Routing;
use super::{SealedTable, name};
use crate::error::ConfigError;
use crate::item::{Entities, Item, ItemEncryptor, ItemSchema, Model, ModelSchema, SchemaSettings};
use crate::keyring::Keyring;
use crate::region::RegionSet;
use crate::suite::AlgorithmSuite;

/// Builds a [`SealedTable`].
#[must_use = "a builder does nothing until `build`"]
pub struct SealedTableBuilder<T = Item> {
    table_name: String,
    keyring: Arc<dyn Keyring>,
    regions: RegionSet,
    schema: Option<Arc<ItemSchema>>,
    pub(super) entities: Option<Entities>,
    settings: SchemaSettings,
    plaintext_policy: PlaintextPolicy,
    indexes: Vec<SecondaryIndex>,
    freshness: freshness::Choice,
    home: Option<String>,
    read_policy: ReadPolicy,
    deadline: Option<Duration>,
    hedge: Option<Hedge>,
    model: PhantomData<fn() -> T>,
}

impl<T: Model> SealedTableBuilder<T> {
    pub(super) fn new(table_name: String, keyring: Arc<dyn Keyring>, regions: RegionSet) -> Self {
        Self {
            table_name,
            keyring,
            regions,
            schema: None,
            entities: None,
            settings: SchemaSettings::default(),
            plaintext_policy: PlaintextPolicy::forbid(),
            indexes: Vec::new(),
            freshness: freshness::Choice::Default,
            home: None,
            deadline: None,
            hedge: None,
            read_policy: ReadPolicy::default(),
            model: PhantomData,
        }
    }

    /// States the schema of untyped items. A model brings its own.
    pub fn schema(mut self, schema: impl Into<Arc<ItemSchema>>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Replaces the logical table name that the model states. Items sealed under another name do
    /// not open.
    pub fn logical_table_name(mut self, name: impl Into<String>) -> Self {
        self.settings.logical_table_name = Some(name.into());
        self
    }

    /// Seals under this suite. Default: 0x6701 under KMS keyrings, 0x6700 under all others.
    pub fn algorithm_suite(mut self, suite: AlgorithmSuite) -> Self {
        self.settings.suite = Some(suite);
        self
    }

    /// Opens items of this weaker suite as well; see
    /// [`ItemSchemaBuilder::accept_suite`](crate::item::ItemSchemaBuilder::accept_suite).
    pub fn accept_suite(mut self, suite: AlgorithmSuite) -> Self {
        self.settings.accepted_suite = Some(suite);
        self
    }

    /// Opens items with up to this many encrypted data keys, 1 to 255. Default: 16.
    pub fn max_encrypted_data_keys(mut self, max: usize) -> Self {
        self.settings.max_encrypted_data_keys = Some(max);
        self
    }

    /// Takes every attribute that starts like this for unsigned, also those the model does not know;
    /// see [`ItemSchemaBuilder::allowed_unsigned_attribute_prefix`](crate::item::ItemSchemaBuilder::allowed_unsigned_attribute_prefix).
    pub fn allowed_unsigned_attribute_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.unsigned_prefix = Some(prefix.into());
        self
    }

    /// Sends reads to the next region as well if the local one takes long. Default: not.
    ///
    /// It goes with [`LocalThenFallback`](ReadPolicy::LocalThenFallback) in [`read_policy`](Self::read_policy).
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// How long an operation may take, with all its attempts, regions and calls to KMS. Default: the
    /// `operation_timeout` of the SDK's configuration, or else 30 s.
    ///
    /// What takes longer is given up: [`DeadlineExceeded`](crate::OperationError::DeadlineExceeded), or
    /// [`OutcomeUnknown`](crate::OperationError::OutcomeUnknown) if a write was on its way already. Of
    /// queries and scans it is the time for one page, and in a [stream](super::Items) for opening each of its
    /// items as well, since whoever reads it decides how fast. What came back with a write is opened within the
    /// time-outs of its own calls, since the write is done.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
    }

    /// Lets items through that are not sealed yet, to reads that ask for them. Default: none.
    pub fn plaintext_policy(mut self, policy: PlaintextPolicy) -> Self {
        self.plaintext_policy = policy;
        self
    }

    /// Remembers elsewhere which versions of items were seen: in a memory that several tables have in
    /// common, or in a store that processes share. See [`freshness`].
    ///
    /// Default: in a memory of its own, of
    /// [100,000 items](freshness::InMemoryFreshness::DEFAULT_MAX_ITEMS), if the model has a version.
    pub fn freshness(mut self, freshness: impl Freshness + 'static) -> Self {
        self.freshness = freshness::Choice::Own(Arc::new(freshness));
        self
    }

    /// Takes every item that verifies for the newest, although the model has a version: an old one that
    /// somebody put back goes unnoticed, and so does a write that another region's has undone.
    pub fn without_freshness(mut self) -> Self {
        self.freshness = freshness::Choice::Off;
        self
    }

    /// Declares a secondary index, so that its first query needs no `DescribeTable`.
    pub fn index(mut self, index: SecondaryIndex) -> Self {
        self.indexes.push(index);
        self
    }

    /// Writes in this region of the set, whichever is local, and not where the process happens to run.
    /// Default: the local region.
    ///
    /// In a global table with eventual consistency the last writer of an item wins, and conditions hold in
    /// one region alone: of two regions that write one item, one loses. One home for all processes spares
    /// that, at the price of the way there. Puts, deletes, updates and what they read before, batches and
    /// transactions that write go there; reads stay with the local region, and so do the keyring's calls to
    /// KMS. Nothing is written elsewhere when the home region fails.
    ///
    /// ```no_run
    /// # use dynaseal::{Item, ItemSchema, KmsMrkKeyring, RegionSet, SealedTable};
    /// # fn f(schema: ItemSchema, keyring: KmsMrkKeyring, config: &aws_types::SdkConfig) -> Result<(), dynaseal::ConfigError> {
    /// let regions = RegionSet::builder(config).local("eu-west-1").fallback("us-east-1").build()?;
    /// let table: SealedTable = SealedTable::builder("orders", keyring, &regions)
    ///     .schema(schema)
    ///     .home_region("us-east-1")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn home_region(mut self, region: impl Into<String>) -> Self {
        self.home = Some(region.into());
        self
    }

    /// Where reads go when the local region fails, unless an operation says otherwise. Default:
    /// [`ReadPolicy::Local`].
    pub fn read_policy(mut self, policy: ReadPolicy) -> Self {
        self.read_policy = policy;
        self
    }

    /// Checks everything against everything. Calls no service.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a name that is no table; a model without table or partition key; a typed
    /// table with a second schema, an untyped one without; an index that is declared twice or has an
    /// encrypted attribute for a key; a home region that is not in the set; a plaintext policy for every
    /// key; a freshness for items without versions; and whatever
    /// [`ItemSchemaBuilder::build`](crate::item::ItemSchemaBuilder::build) refuses.
    pub fn build(self) -> Result<SealedTable<T>, ConfigError> {
        let table_name = name::resolve(&self.table_name, &self.regions)?;
        let encryptor = self.encryptor()?;
        let indexes = Indexes::new(self.indexes, encryptor.schema())?;
        let version = T::schema().and_then(ModelSchema::version);
        let has_versions = version.is_some() || encryptor.has_versions();
        let freshness = self.freshness.resolve(has_versions)?;
        let has_sort_key = encryptor.schema().sort_key_name().is_some();
        self.plaintext_policy.check(has_sort_key)?;
        Ok(SealedTable {
            core: Arc::new(Core::new(
                table_name,
                encryptor,
                Routing::new(
                    self.regions,
                    self.home,
                    self.read_policy,
                    self.deadline,
                    self.hedge,
                )?,
                version,
                indexes,
                Migration::new(self.plaintext_policy),
                freshness,
            )),
            model: PhantomData,
        })
    }

    fn encryptor(&self) -> Result<ItemEncryptor, ConfigError> {
        let keyring = Arc::clone(&self.keyring);
        match &self.entities {
            Some(_) if self.schema.is_some() || self.settings.is_any() => Err(ConfigError::new(
                "a table of entities takes schemas, table name, suites and limits from them; state them \
                 there",
            )),
            Some(entities) => Ok(ItemEncryptor::of_entities(entities, keyring)),
            None => Ok(ItemEncryptor::new(self.resolve_schema()?, keyring)),
        }
    }

    fn resolve_schema(&self) -> Result<Arc<ItemSchema>, ConfigError> {
        match (T::schema(), &self.schema) {
            (Some(_), Some(_)) => Err(ConfigError::new(
                "the model states the schema already; remove `.schema(…)`",
            )),
            (Some(model), None) => self.settings.schema_of(model).map(Arc::new),
            (None, Some(_)) if self.settings.is_any() => Err(ConfigError::new(
                "an untyped table takes table name, suites and limits from its schema; state them there",
            )),
            (None, Some(schema)) => Ok(Arc::clone(schema)),
            (None, None) => Err(ConfigError::new(
                "an untyped table needs `.schema(…)`, and one of several entity types `.entities(…)`",
            )),
        }
    }
}

impl<T> fmt::Debug for SealedTableBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTableBuilder")
            .field("table_name", &self.table_name)
            .field("keyring", &self.keyring)
            .field("regions", &self.regions)
            .finish_non_exhaustive()
    }
}
