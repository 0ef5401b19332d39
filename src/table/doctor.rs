//! The doctor: looks at regions, keys and tables before they fail, and says what to do.

mod call;
mod check;
mod described;
mod dry_run;
mod json;
mod key_store;
mod keys;
mod policy;
mod replica;
mod report;
mod samples;
mod settings;
mod start;
mod stored;
mod tries;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all, join3};

pub use policy::IamPolicy;
pub use report::{Finding, Report, Severity};
pub use start::StartError;

use self::dry_run::DryRuns;
use self::key_store::KeyStoreInRegion;
use self::keys::KeyInRegion;
use self::replica::Replica;
use self::samples::Samples;
use self::tries::Try;
use super::core::Core;
use super::handle::{Opens, Seals};
use super::{OpenOnly, SealOnly, SealedTable};
use crate::item::{IntoKey, Item, Model};
use crate::keyring::{KeyStoreUse, KmsKeyUse};

/// Looks at everything that a table needs, in every region of its set, and reports it.
///
/// From [`SealedTable::doctor`], and from the handles, whose own powers are tried. It asks by the
/// clients of the [`RegionSet`](crate::RegionSet), touches no item unless told to, and is not seen by
/// circuit breakers or observers. Whatever fails is a finding.
///
/// | check | what it is about |
/// | --- | --- |
/// | `region-set` | whether there is a region to fall over to |
/// | `logical-table-name` | what items are bound to: a name for each environment |
/// | `suite` | who can forge items |
/// | `keyring`, `key-arn` | which KMS keys the keyring uses, by ARN and not by alias |
/// | `key-exists`, `key-replica` | whether each region has the key, as a replica of one multi-Region key |
/// | `key-state`, `key-usage` | whether the key can be used, and for this |
/// | `generate-data-key`, `decrypt` | whether *this principal* may use it, *with the context of such items*: dry runs for each header version in use, and for the contexts of table keys and key stores |
/// | `sample` | samples that are none of this table |
/// | `table-exists`, `table-status`, `table-replicas` | whether each region has an active replica |
/// | `table-keys`, `index-keys` | whether the keys are those of the schema, and of indexes not encrypted |
/// | `key-store` | where branch keys are kept and read |
/// | `key-store-exists`, `key-store-status`, `key-store-replicas`, `key-store-keys` | whether each region has an active replica of the key store's table, with the keys of one |
/// | `key-store-protection` | whether the key store is protected from deletion |
/// | `table-encryption` | whether the table is encrypted at rest under another key than its items |
/// | `stored-items`, `stored-table-keys`, `stored-foreign-keys` | which keys items are under, if [`sample_items`](Self::sample_items) says so |
///
/// Dry runs are billed and logged like real calls, contexts in clear included.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "reports", default = "encrypt")]
/// # struct Report { #[seal(partition_key)] id: String, text: String }
/// # let cloud = Cloud::start(["us-east-1", "eu-west-1"]).await?;
/// # let key = cloud.create_multi_region_key("us-east-1", ["eu-west-1"]).await?;
/// # let definition = TableDefinition::new("reports").partition_key("id", KeyType::S);
/// # cloud.create_global_table(&definition).await?;
/// # let config = cloud.sdk_config("us-east-1");
/// # let regions = RegionSet::builder(&config).local("us-east-1").fallback("eu-west-1").build()?;
/// # let keyring = KmsMrkKeyring::new(key.arn("us-east-1"), &regions)?;
/// # let table = SealedTable::<Report>::builder("reports", keyring, &regions).build()?;
/// let report = table.doctor().sample_key("r-1").run().await;
/// assert!(report.is_healthy(), "{report}");
///
/// cloud.kms("eu-west-1").disable_key().key_id(key.arn("eu-west-1")).send().await?;
/// let report = table.doctor().run().await;
/// let worst = &report.findings()[0];
/// assert_eq!((worst.check(), worst.region()), ("key-state", Some("eu-west-1")));
/// # Ok(())
/// # }
/// ```
#[must_use = "a doctor does nothing until `run`"]
pub struct Doctor<T = Item> {
    core: Arc<Core>,
    powers: Powers,
    /// Or what is wrong with them.
    samples: Vec<Result<Item, String>>,
    dry_runs: bool,
    /// How many are looked at.
    stored_items: u16,
    patience: Duration,
    model: PhantomData<fn() -> T>,
}

/// What a handle can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Powers {
    seals: bool,
    opens: bool,
}

/// What a keyring uses.
struct Uses {
    keys: Vec<KmsKeyUse>,
    /// Each once, of however many keyrings.
    key_stores: Vec<KeyStoreUse>,
}

impl Uses {
    fn of(core: &Core) -> Self {
        let mut key_stores: Vec<KeyStoreUse> = Vec::new();
        for store in core.encryptor().key_stores() {
            if !key_stores.contains(&store) {
                key_stores.push(store);
            }
        }
        Self {
            keys: core.encryptor().kms_keys(),
            key_stores,
        }
    }
}

/// What is looked at in each region.
struct Examined<'a> {
    uses: &'a Uses,
    /// Of each key.
    tries: Vec<Vec<Try>>,
    samples: &'a [(usize, Item)],
}

/// How long the answer to one call is waited for, unless told otherwise.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

impl<T: Model> SealedTable<T> {
    /// Looks at keys, tables and permissions in every region of the set.
    pub fn doctor(&self) -> Doctor<T> {
        let powers = Powers {
            seals: true,
            opens: true,
        };
        Doctor::new(Arc::clone(&self.core), powers)
    }
}

impl<T: Model> SealOnly<T> {
    /// Looks at keys, tables and the permission to seal in every region of the set.
    pub fn doctor(&self) -> Doctor<T> {
        let powers = Powers {
            seals: true,
            opens: false,
        };
        Doctor::new(Arc::clone(seals(self)), powers)
    }
}

impl<T: Model> OpenOnly<T> {
    /// Looks at keys, tables and the permission to open in every region of the set.
    pub fn doctor(&self) -> Doctor<T> {
        let powers = Powers {
            seals: false,
            opens: true,
        };
        Doctor::new(Arc::clone(opens(self)), powers)
    }
}

fn seals(handle: &impl Seals) -> &Arc<Core> {
    handle.table().0
}

fn opens(handle: &impl Opens) -> &Arc<Core> {
    handle.table().0
}

impl<T: Model> Doctor<T> {
    fn new(core: Arc<Core>, powers: Powers) -> Self {
        Self {
            core,
            powers,
            samples: Vec::new(),
            dry_runs: true,
            stored_items: 0,
            patience: DEFAULT_PATIENCE,
            model: PhantomData,
        }
    }

    /// Tries permissions with the context of the item under this key, which need not exist. Repeatable.
    /// Default: made-up values, which is enough unless policies name values of the context.
    ///
    /// Context attributes that are no keys are made up; [`sample`](Self::sample) gives those as well.
    pub fn sample_key(mut self, key: impl IntoKey<T::KeyShape>) -> Self {
        let sample = self.core.key_attributes(key.into_key());
        let sample = sample.map_err(|refused| refused.to_string());
        self.samples.push(sample);
        self
    }

    /// Tries permissions with the context of an item like this, which need not exist. Repeatable.
    pub fn sample(mut self, model: &T) -> Self {
        let sample = model.to_item().map_err(|mismatch| mismatch.to_string());
        self.samples.push(sample);
        self
    }

    /// Tries no permissions: nothing is asked of KMS but what keys are like.
    pub fn skip_dry_runs(mut self) -> Self {
        self.dry_runs = false;
        self
    }

    /// Looks at the headers of so many stored items, at most 1,000: which keys they are under, how many
    /// table keys among them, and whether keys that no keyring here uses. Default: none.
    ///
    /// That is one `Scan` of the first items in the local region, or as many of them as make 1 MB, billed
    /// like any. Headers are read without a key, so what they say is what whoever can write to the
    /// table wants them to say.
    pub fn sample_items(mut self, items: u16) -> Self {
        self.stored_items = items.min(stored::MAX_ITEMS);
        self
    }

    /// Waits so long for the answer to each call, with the retries that the clients make. Default: 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience = timeout;
        self
    }

    /// The policy that the principal needs for the keys and the key stores of this table: least privilege, every replica,
    /// conditions on the encryption context. Asks nobody.
    #[must_use]
    pub fn iam_policy(&self) -> IamPolicy {
        self.policy(&Uses::of(&self.core))
    }

    fn policy(&self, uses: &Uses) -> IamPolicy {
        // Without a context there is nothing to allow: `run` reports why.
        let shapes = self.core.encryptor().context_shapes().unwrap_or_default();
        let needs = policy::Needs {
            logical_table_name: self.core.schema().logical_table_name(),
            keys: &uses.keys,
            key_stores: &uses.key_stores,
            shapes: &shapes,
            powers: self.powers,
            regions: self.core.regions().regions().collect(),
        };
        needs.policy()
    }

    /// Asks in all regions at once, and reports what was found. Dropped, it has changed nothing.
    pub async fn run(&self) -> Report {
        let uses = Uses::of(&self.core);
        let mut findings = settings::judge(&self.core, self.powers, &uses.keys);
        let of_stores = key_store::judge_uses(&self.core, &uses.keys, &uses.key_stores);
        findings.extend(of_stores);
        let mut samples = Samples::look_at(self.core.encryptor(), &self.samples);
        findings.append(&mut samples.findings);
        let tries = |key| {
            let logical_table_name = self.core.schema().logical_table_name();
            samples.tries_with(key, logical_table_name)
        };
        let what = Examined {
            tries: if self.dry_runs {
                uses.keys.iter().map(tries).collect()
            } else {
                vec![Vec::new(); uses.keys.len()]
            },
            samples: &samples.good,
            uses: &uses,
        };
        let regions = self.core.regions().regions();
        let regions = regions.map(|region| self.examine(region, &what));
        let stored = Box::pin(self.look_at_stored(&uses.keys));
        let (of_regions, of_stored) = join(join_all(regions), stored).await;
        findings.extend(of_regions.into_iter().flatten().chain(of_stored));
        Report::new(
            self.core.table_name(),
            self.core.schema().logical_table_name(),
            self.core.regions().regions().map(str::to_owned).collect(),
            findings,
            self.policy(&uses),
        )
    }

    async fn examine(&self, region: &str, what: &Examined<'_>) -> Vec<Finding> {
        let (Some(dynamodb), Some(kms)) = (
            self.core.regions().dynamodb(region),
            self.core.regions().kms(region),
        ) else {
            return Vec::new();
        };
        let replica = Replica {
            core: &self.core,
            region,
            client: dynamodb,
            keys: &what.uses.keys,
            samples: what.samples,
            patience: self.patience,
        };
        let dry_runs = &DryRuns {
            powers: self.powers,
            patience: self.patience,
        };
        let keys = what.uses.keys.iter().zip(&what.tries);
        let keys = keys.filter_map(|(used, tries)| {
            let key = KeyInRegion {
                arn: used.key_arn_in(region)?,
                regions: regions_of(used, self.core.regions().regions()),
                used,
                tries,
                region,
                client: kms,
                is_global: self.core.regions().regions().count() > 1,
            };
            Some(async move { key.examine(dry_runs).await })
        });
        let stores = what.uses.key_stores.iter();
        let stores = stores.filter(|store| store.regions().any(|read| read == region));
        let stores = stores.map(|store| {
            let store = KeyStoreInRegion {
                store,
                region,
                client: dynamodb,
                patience: self.patience,
            };
            async move { store.examine().await }
        });
        let replica = Box::pin(replica.examine());
        let (mut findings, of_keys, of_stores) =
            join3(replica, join_all(keys), join_all(stores)).await;
        findings.extend(of_keys.into_iter().chain(of_stores).flatten());
        findings
    }
}

impl<T> fmt::Debug for Doctor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doctor")
            .field("table_name", &self.core.table_name())
            .field("regions", self.core.regions())
            .field("samples", &self.samples.len())
            .field("dry_runs", &self.dry_runs)
            .field("stored_items", &self.stored_items)
            .finish_non_exhaustive()
    }
}

/// Where a key must be: of a multi-Region key, in each region of the table's set and wherever its
/// keyring may ask.
fn regions_of<'a>(key: &KmsKeyUse, set: impl Iterator<Item = &'a str>) -> Vec<String> {
    let is_everywhere = key.is_mrk() || key.discovery_filter().is_some();
    let mut regions: Vec<String> = set.filter(|_| is_everywhere).map(str::to_owned).collect();
    for region in key.regions() {
        if !regions.iter().any(|known| known == region) {
            regions.push(region.to_owned());
        }
    }
    regions
}
