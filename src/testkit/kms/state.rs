//! The keys: shared material, and one independent record for each region.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::{agreement, rand, rsa};
use aws_sdk_kms::types::KeyState;
use aws_smithy_async::time::{SystemTimeSource, TimeSource};
use serde_json::{Value, json};

use super::ACCOUNT_ID;
use super::error::KmsError;
use super::policy::{Asked, Policy};
use super::request::{Call, EncryptionContext};
use crate::testkit::clock::since_epoch;

/// All keys of all regions.
#[derive(Default)]
pub(super) struct Keys {
    materials: BTreeMap<String, Material>,
    regions: BTreeMap<String, RegionalKeys>,
}

/// What belongs to one region.
#[derive(Default)]
pub(super) struct RegionalKeys {
    pub(super) records: BTreeMap<String, KeyRecord>,
    /// Alias name to key id.
    pub(super) aliases: BTreeMap<String, String>,
    /// As `ListGrants` shows them.
    pub(super) grants: Vec<Value>,
}

/// What all replicas of a key share.
pub(super) struct Material {
    pub(super) spec: String,
    pub(super) usage: String,
    pub(super) multi_region: bool,
    pub(super) primary: String,
    pub(super) regions: BTreeSet<String>,
    pub(super) secret: Secret,
    pub(super) rotations: Vec<Duration>,
}

pub(super) enum Secret {
    /// Every version; the last one encrypts.
    Aes(Vec<[u8; 32]>),
    Hmac(Vec<u8>),
    Rsa(rsa::PrivateDecryptingKey),
    Ecdh(agreement::PrivateKey),
    Ecdsa(Box<EcdsaKeyPair>),
}

/// What each region decides for itself.
#[derive(Clone)]
pub(super) struct KeyRecord {
    pub(super) state: KeyState,
    pub(super) description: String,
    pub(super) created: Duration,
    /// When it would be deleted, while it waits for that.
    pub(super) deletion: Option<Duration>,
    pub(super) policy: Policy,
    pub(super) tags: Value,
}

impl Keys {
    pub(super) fn region(&self, region: &str) -> Option<&RegionalKeys> {
        self.regions.get(region)
    }

    pub(super) fn region_mut(&mut self, region: &str) -> &mut RegionalKeys {
        self.regions.entry(region.to_owned()).or_default()
    }

    pub(super) fn insert(&mut self, id: &str, material: Material, record: KeyRecord) {
        self.region_mut(&material.primary)
            .records
            .insert(id.to_owned(), record);
        self.materials.insert(id.to_owned(), material);
    }

    /// Whether any region has the key.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.materials.contains_key(id)
    }

    pub(super) fn material(&self, id: &str) -> Result<&Material, KmsError> {
        self.materials.get(id).ok_or_else(KmsError::internal)
    }

    /// The material of a key that need not be in this region.
    pub(super) fn material_of(&self, region: &str, id: &str) -> Result<&Material, KmsError> {
        self.materials.get(id).ok_or_else(|| no_key(region, id))
    }

    pub(super) fn material_mut(&mut self, id: &str) -> Result<&mut Material, KmsError> {
        self.materials.get_mut(id).ok_or_else(KmsError::internal)
    }

    pub(super) fn record(&self, region: &str, id: &str) -> Result<&KeyRecord, KmsError> {
        let record = self
            .regions
            .get(region)
            .and_then(|keys| keys.records.get(id));
        record.ok_or_else(|| no_key(region, id))
    }

    pub(super) fn record_mut(
        &mut self,
        region: &str,
        id: &str,
    ) -> Result<&mut KeyRecord, KmsError> {
        let record = self
            .regions
            .get_mut(region)
            .and_then(|keys| keys.records.get_mut(id));
        record.ok_or_else(|| no_key(region, id))
    }

    /// Turns a key id, key ARN, alias name or alias ARN into the id of a key of this region.
    pub(super) fn resolve(&self, region: &str, named: &str) -> Result<String, KmsError> {
        let name = local_name(region, named)?;
        let id = if name.starts_with("alias/") {
            let aliases = self.region(region).map(|keys| &keys.aliases);
            aliases
                .and_then(|aliases| aliases.get(name))
                .ok_or_else(|| no_alias(region, name))?
                .as_str()
        } else {
            name.strip_prefix("key/").unwrap_or(name)
        };
        self.record(region, id)?;
        Ok(id.to_owned())
    }

    /// The key that the call names as its `KeyId`.
    pub(super) fn named_by(&self, call: &Call<'_>) -> Result<String, KmsError> {
        self.resolve(call.region, call.required_text("KeyId")?)
    }

    /// Checks that the key's policy and state allow a cryptographic operation.
    pub(super) fn permit(
        &self,
        region: &str,
        id: &str,
        action: &str,
        context: &EncryptionContext,
    ) -> Result<(), KmsError> {
        let (record, arn) = (self.record(region, id)?, key_arn(region, id));
        record.policy.permit(&Asked {
            action,
            arn: &arn,
            context,
            multi_region: self.material(id)?.multi_region,
        })?;
        record.expect_usable(&arn)
    }

    /// What `DescribeKey` shows.
    pub(super) fn metadata(&self, region: &str, id: &str) -> Result<Value, KmsError> {
        let (material, record) = (self.material(id)?, self.record(region, id)?);
        Ok(json!({
            "AWSAccountId": ACCOUNT_ID,
            "KeyId": id,
            "Arn": key_arn(region, id),
            "CreationDate": record.created.as_secs_f64(),
            "DeletionDate": record.deletion_date(),
            "Enabled": record.state == KeyState::Enabled,
            "Description": record.description,
            "KeyState": record.state.as_str(),
            "KeyUsage": material.usage,
            "KeySpec": material.spec,
            "CustomerMasterKeySpec": material.spec,
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "MultiRegion": material.multi_region,
            "MultiRegionConfiguration": material.configuration(region, id),
        }))
    }
}

impl RegionalKeys {
    /// Removes everything that is about a key.
    pub(super) fn forget(&mut self, id: &str, arn: &str) {
        self.records.remove(id);
        self.aliases.retain(|_, target| target != id);
        self.grants
            .retain(|grant| grant.get("KeyId").and_then(Value::as_str) != Some(arn));
    }
}

impl Material {
    pub(super) fn is_primary_in(&self, region: &str) -> bool {
        self.primary == region
    }

    pub(super) fn has_replicas(&self) -> bool {
        self.regions.len() > 1
    }

    fn configuration(&self, region: &str, id: &str) -> Option<Value> {
        let show = |region: &String| json!({"Arn": key_arn(region, id), "Region": region});
        let replicas = self
            .regions
            .iter()
            .filter(|region| !self.is_primary_in(region));
        self.multi_region.then(|| {
            json!({
                "MultiRegionKeyType": if self.is_primary_in(region) { "PRIMARY" } else { "REPLICA" },
                "PrimaryKey": show(&self.primary),
                "ReplicaKeys": replicas.map(show).collect::<Vec<_>>(),
            })
        })
    }
}

impl KeyRecord {
    pub(super) fn new(description: &str, policy: Policy, tags: Option<&Value>) -> Self {
        Self {
            state: KeyState::Enabled,
            description: description.to_owned(),
            created: now(),
            deletion: None,
            policy,
            tags: tags.cloned().unwrap_or_else(|| json!([])),
        }
    }

    /// Sets any state; what no longer waits for deletion has no date for it.
    pub(super) fn set_state(&mut self, state: KeyState) {
        self.state = state;
        if !self.awaits_deletion() {
            self.deletion = None;
        }
    }

    pub(super) fn awaits_deletion(&self) -> bool {
        matches!(
            self.state,
            KeyState::PendingDeletion | KeyState::PendingReplicaDeletion
        )
    }

    /// None while the key still waits for its replicas.
    pub(super) fn deletion_date(&self) -> Option<f64> {
        let pending = self.state == KeyState::PendingDeletion;
        self.deletion.filter(|_| pending).map(|at| at.as_secs_f64())
    }

    /// While the primary region changes, a key is `Updating` and works.
    fn expect_usable(&self, arn: &str) -> Result<(), KmsError> {
        match self.state {
            KeyState::Enabled | KeyState::Updating => Ok(()),
            KeyState::Disabled => Err(KmsError::disabled(arn)),
            _ => Err(KmsError::invalid_state(arn, self.state.as_str())),
        }
    }

    /// Keys may be managed while they are enabled or disabled, and while they are created.
    pub(super) fn expect_manageable(&self, arn: &str) -> Result<(), KmsError> {
        match self.state {
            KeyState::Enabled | KeyState::Disabled | KeyState::Creating => Ok(()),
            _ => Err(KmsError::invalid_state(arn, self.state.as_str())),
        }
    }
}

/// The key ARN in a region of the double's account.
pub(in crate::testkit) fn key_arn(region: &str, id: &str) -> String {
    format!("arn:aws:kms:{region}:{ACCOUNT_ID}:key/{id}")
}

/// Strips an ARN down to `key/…` or `alias/…`, if it is one of this region and account.
pub(super) fn local_name<'a>(region: &str, named: &'a str) -> Result<&'a str, KmsError> {
    let Some(rest) = named.strip_prefix("arn:") else {
        return Ok(named);
    };
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    match parts.as_slice() {
        ["aws", "kms", of, account, name] if *of == region && *account == ACCOUNT_ID => Ok(*name),
        _ => Err(KmsError::not_found(format!("Invalid arn {named}"))),
    }
}

fn no_key(region: &str, id: &str) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", key_arn(region, id)))
}

fn no_alias(region: &str, name: &str) -> KmsError {
    KmsError::not_found(format!(
        "Alias arn:aws:kms:{region}:{ACCOUNT_ID}:{name} is not found."
    ))
}

/// The time since 1970.
pub(super) fn now() -> Duration {
    since_epoch(SystemTimeSource::new().now())
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], KmsError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| KmsError::internal())?;
    Ok(bytes)
}

pub(super) fn random_hex<const N: usize>() -> Result<String, KmsError> {
    Ok(random::<N>()?.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a `String` does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}
