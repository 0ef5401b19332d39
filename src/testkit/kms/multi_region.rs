//! Replicas, and which of them is the primary key.

use serde_json::{Value, json};

use super::error::KmsError;
use super::policy::Policy;
use super::request::Call;
use super::state::{KeyRecord, Keys, key_arn, local_name};

pub(super) fn replicate_key(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    let to = call.required_text("ReplicaRegion")?;
    let policy = call.text("Policy")?.map(Policy::parse).transpose()?;
    let description = call.text("Description")?;
    replicate(keys, &id, call.region, to)?;

    let record = keys.record_mut(to, &id)?;
    if let Some(policy) = policy {
        record.policy = policy;
    }
    if let Some(description) = description {
        description.clone_into(&mut record.description);
    }
    if let Some(tags) = call.value("Tags") {
        record.tags = tags.clone();
    }
    let policy = record.policy.document().to_owned();
    Ok(json!({"ReplicaKeyMetadata": keys.metadata(to, &id)?, "ReplicaPolicy": policy}))
}

/// Makes a replica with the policy and description of the primary key, enabled at once.
pub(super) fn replicate(
    keys: &mut Keys,
    id: &str,
    primary: &str,
    to: &str,
) -> Result<(), KmsError> {
    let record = expect_primary(keys, id, primary)?;
    if to.is_empty() || to == primary {
        return Err(KmsError::validation("ReplicaRegion must be another region"));
    }
    let replica = KeyRecord::new(&record.description, record.policy.clone(), None);
    if !keys.material_mut(id)?.regions.insert(to.to_owned()) {
        return Err(KmsError::already_exists(format!(
            "{} already exists",
            key_arn(to, id)
        )));
    }
    keys.region_mut(to).records.insert(id.to_owned(), replica);
    Ok(())
}

/// Takes a replica away at once, with its aliases and grants, where AWS waits for days.
pub(super) fn remove(keys: &mut Keys, region: &str, named: &str) -> Result<(), KmsError> {
    let id = keys.resolve(region, named)?;
    let (material, arn) = (keys.material_mut(&id)?, key_arn(region, &id));
    if !material.multi_region || material.is_primary_in(region) {
        return Err(KmsError::unsupported(format!("{arn} is not a replica key")));
    }
    material.regions.remove(region);
    keys.region_mut(region).forget(&id, &arn);
    Ok(())
}

/// Makes the replica of a key that has none in this region.
pub(super) fn restore(keys: &mut Keys, region: &str, named: &str) -> Result<(), KmsError> {
    let id = local_name(region, named)?;
    let id = id.strip_prefix("key/").unwrap_or(id);
    let primary = keys.material_of(region, id)?.primary.clone();
    replicate(keys, id, &primary, region)
}

pub(super) fn update_primary_region(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    let to = call.required_text("PrimaryRegion")?;
    expect_primary(keys, &id, call.region)?;
    keys.record(to, &id)?.expect_manageable(&key_arn(to, &id))?;
    to.clone_into(&mut keys.material_mut(&id)?.primary);
    Ok(json!({}))
}

/// The primary key's record, if it may be replicated or moved now.
fn expect_primary<'a>(keys: &'a Keys, id: &str, region: &str) -> Result<&'a KeyRecord, KmsError> {
    let (material, arn) = (keys.material(id)?, key_arn(region, id));
    if !material.multi_region {
        return Err(KmsError::unsupported(format!(
            "{arn} is not a multi-Region key"
        )));
    }
    if !material.is_primary_in(region) {
        return Err(KmsError::unsupported(format!("{arn} is not a primary key")));
    }
    let record = keys.record(region, id)?;
    record.expect_manageable(&arn)?;
    Ok(record)
}
