//! Builds a region set, from one configuration or from clients that exist already.

use std::fmt;
use std::sync::Arc;

use aws_types::SdkConfig;

use super::{Inner, RegionSet};
use crate::error::ConfigError;
use crate::observe::{Observer, Observers};
use crate::region::check::{check_components, check_endpoints, check_names};
use crate::region::member::{Clients, Member};
use crate::region::policy::HealthPolicy;

/// Builds a [`RegionSet`] from an [`SdkConfig`].
#[derive(Clone)]
pub struct RegionSetBuilder {
    config: SdkConfig,
    local: Option<String>,
    fallbacks: Vec<String>,
    watch: Watch,
}

/// How the regions are watched, and by whom.
#[derive(Clone, Default)]
struct Watch {
    health: HealthPolicy,
    observers: Vec<Arc<dyn Observer>>,
}

impl Watch {
    /// `clients` begins with the local region's.
    fn region_set(self, local: Clients, fallbacks: Vec<Clients>) -> Result<RegionSet, ConfigError> {
        let names = std::iter::once(&local).chain(&fallbacks);
        let names: Vec<&str> = names.map(|clients| &*clients.region).collect();
        check_names(&names)?;
        let observers = Observers::new(self.observers);
        let member = |clients| Member::new(clients, &self.health, &observers);
        Ok(RegionSet(Arc::new(Inner {
            local: member(local),
            fallbacks: fallbacks.into_iter().map(member).collect(),
            observers: observers.clone(),
        })))
    }
}

impl RegionSetBuilder {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self {
            config: config.clone(),
            local: None,
            fallbacks: Vec::new(),
            watch: Watch::default(),
        }
    }

    /// The region this process runs in, or is closest to. Required.
    #[must_use]
    pub fn local(mut self, region: impl Into<String>) -> Self {
        self.local = Some(region.into());
        self
    }

    /// Adds a region after those already given.
    ///
    /// Nothing falls over to it unless a policy says so: [`KmsFallback`](crate::region::KmsFallback) of a
    /// keyring, [`ReadPolicy`](crate::table::ReadPolicy) of a table.
    #[must_use]
    pub fn fallback(mut self, region: impl Into<String>) -> Self {
        self.fallbacks.push(region.into());
        self
    }

    /// How long an attempt may take, and what failures do to later ones.
    #[must_use]
    pub fn health(mut self, policy: HealthPolicy) -> Self {
        self.watch.health = policy;
        self
    }

    /// Tells `observer` what happens in these regions. Several may be added.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.watch.observers.push(Arc::new(observer));
        self
    }

    /// Makes the clients.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] without a local region; for a region that is malformed, given twice or in
    /// another partition; for an endpoint URL that would serve several regions; and for a
    /// configuration without behavior version, sleep implementation or time source, without which
    /// the SDK's clients panic.
    pub fn build(self) -> Result<RegionSet, ConfigError> {
        let local = self.local.ok_or_else(|| {
            ConfigError::new("a region set needs a local region: call `.local(\"…\")`")
        })?;
        let mut names = vec![local.as_str()];
        names.extend(self.fallbacks.iter().map(String::as_str));
        check_names(&names)?;
        check_components(&self.config)?;
        if !self.fallbacks.is_empty() {
            check_endpoints(&self.config)?;
        }
        let clients = |name| Clients::from_config(&self.config, name);
        let fallbacks = self.fallbacks.into_iter().map(clients).collect();
        self.watch.region_set(clients(local), fallbacks)
    }
}

impl fmt::Debug for RegionSetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionSetBuilder")
            .field("local", &self.local)
            .field("fallbacks", &self.fallbacks)
            .finish_non_exhaustive()
    }
}

/// Builds a [`RegionSet`] from clients that exist already.
pub struct ClientSetBuilder {
    local: Clients,
    fallbacks: Vec<Clients>,
    watch: Watch,
}

impl ClientSetBuilder {
    pub(super) fn new(
        region: String,
        dynamodb: aws_sdk_dynamodb::Client,
        kms: aws_sdk_kms::Client,
    ) -> Self {
        Self {
            local: Clients {
                region,
                dynamodb,
                kms,
            },
            fallbacks: Vec::new(),
            watch: Watch::default(),
        }
    }

    /// Adds a region and its clients after those already given. Nothing falls over to it unless a policy
    /// says so.
    #[must_use]
    pub fn fallback(
        mut self,
        region: impl Into<String>,
        dynamodb: aws_sdk_dynamodb::Client,
        kms: aws_sdk_kms::Client,
    ) -> Self {
        self.fallbacks.push(Clients {
            region: region.into(),
            dynamodb,
            kms,
        });
        self
    }

    /// How long an attempt may take, and what failures do to later ones.
    #[must_use]
    pub fn health(mut self, policy: HealthPolicy) -> Self {
        self.watch.health = policy;
        self
    }

    /// Tells `observer` what happens in these regions. Several may be added.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.watch.observers.push(Arc::new(observer));
        self
    }

    /// Checks that every client belongs to its region.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a client that is configured for another region than it was given for, and
    /// for a region that is malformed, given twice or in another partition.
    pub fn build(self) -> Result<RegionSet, ConfigError> {
        for clients in std::iter::once(&self.local).chain(&self.fallbacks) {
            clients.check_regions()?;
        }
        self.watch.region_set(self.local, self.fallbacks)
    }
}

impl fmt::Debug for ClientSetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fallbacks = self.fallbacks.iter().map(|clients| &clients.region);
        f.debug_struct("ClientSetBuilder")
            .field("local", &self.local.region)
            .field("fallbacks", &fallbacks.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
