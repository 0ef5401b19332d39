//! The keyrings that a run may have, and for how long they keep keys.

use std::sync::Arc;
use std::time::Duration;

use dynaseal::RegionSet;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{CachingKeyring, HierarchicalKeyring, Keyring, TableKeyKeyring};
use dynaseal::region::KmsFallback;
use dynaseal::{ConfigError, KmsMrkKeyring};

use super::prng::Prng;
use super::subject::IDS;

/// The table of the key store, which lags like all others.
pub(super) const KEY_STORE: &str = "keys";
/// What the auditor reads: it has each version as soon as it is made.
pub(super) const KEPT_FOR_THE_AUDITOR: &str = "keys-of-the-auditor";
/// The attribute that is whose an item is.
pub(super) const TENANT: &str = "tenant";
pub(super) const TENANTS: usize = 2;

/// What all processes of a run seal and open with.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyringChoice {
    pub(super) kind: Kind,
    /// How long a cache around it remembers, if there is one.
    pub(super) max_age: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    KmsMrk,
    TableKey {
        write_period: Duration,
        read_ttl: Duration,
        max_items: u32,
    },
    Hierarchical {
        ttl: Duration,
    },
}

impl KeyringChoice {
    pub(super) fn random(rng: &mut Prng) -> Self {
        let seconds = |all: &[u64], rng: &mut Prng| Duration::from_secs(rng.pick(all));
        let kind = match rng.weighted(&[(2, 0), (3, 1), (3, 2)]) {
            0 => Kind::KmsMrk,
            1 => Kind::TableKey {
                write_period: seconds(&[20, 30, 60], rng),
                read_ttl: seconds(&[20, 40, 90], rng),
                max_items: rng.pick(&[2, 5, 40, 1000]),
            },
            _ => Kind::Hierarchical {
                ttl: seconds(&[20, 40, 90], rng),
            },
        };
        let max_age = rng.percent(35).then(|| seconds(&[5, 30, 120], rng));
        Self { kind, max_age }
    }

    /// A process keeps nothing from step to step, and does nothing behind its callers' backs.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::KmsMrk) && self.max_age.is_none()
    }

    pub(super) fn has_key_store(&self) -> bool {
        matches!(self.kind, Kind::Hierarchical { .. })
    }

    /// How long a process seals without a word of KMS.
    pub(super) fn seals_for(&self) -> Duration {
        match self.kind {
            Kind::KmsMrk => Duration::ZERO,
            Kind::TableKey { write_period, .. } => write_period,
            Kind::Hierarchical { ttl } => ttl,
        }
    }

    /// And opens. The times of caches around each other do not add up.
    pub(super) fn opens_for(&self) -> Duration {
        match self.kind {
            Kind::KmsMrk => self.max_age.unwrap_or_default(),
            Kind::TableKey { read_ttl, .. } => read_ttl,
            Kind::Hierarchical { ttl } => ttl,
        }
    }

    /// `keys` is the region set of the key store, and otherwise of the tables.
    pub(super) fn build(
        &self,
        key_arn: &str,
        keys: &RegionSet,
        fallback: KmsFallback,
    ) -> Result<Arc<dyn Keyring>, ConfigError> {
        let keyring: Arc<dyn Keyring> = match self.kind {
            Kind::KmsMrk => Arc::new(KmsMrkKeyring::new(key_arn, keys)?.fallback(fallback)),
            Kind::TableKey {
                write_period,
                read_ttl,
                max_items,
            } => {
                let builder = TableKeyKeyring::builder(key_arn, keys).tenant_attribute(TENANT);
                let builder = builder.write_period(write_period).read_ttl(read_ttl);
                let builder = builder
                    .max_items_per_key(max_items.into())
                    .fallback(fallback);
                Arc::new(builder.build()?)
            }
            Kind::Hierarchical { ttl } => {
                let store = key_store(KEY_STORE, key_arn, keys, fallback)?;
                let builder = HierarchicalKeyring::builder(&store).ttl(ttl);
                Arc::new(builder.branch_key_per_tenant(TENANT).build()?)
            }
        };
        let Some(max_age) = self.max_age else {
            return Ok(keyring);
        };
        let caching = CachingKeyring::builder(keyring, keys).max_age(max_age);
        let caching = caching.max_entries(4 * IDS.len()).build()?;
        Ok(Arc::new(caching))
    }
}

pub(super) fn key_store(
    table: &str,
    key_arn: &str,
    regions: &RegionSet,
    fallback: KmsFallback,
) -> Result<KeyStore, ConfigError> {
    let kms = KeyStoreKms::mrk_arn(key_arn);
    let store = KeyStore::builder(table, "keys of chaos", kms, regions);
    store.fallback(fallback).build()
}
