//! Creation of keys, and their states.

use std::time::Duration;

use aws_lc_rs::{agreement, rsa};
use aws_sdk_kms::types::KeyState;
use serde_json::{Value, json};

use super::error::KmsError;
use super::policy::Policy;
use super::request::Call;
use super::signature;
use super::state::{KeyRecord, Keys, Material, Secret, key_arn, now, random, random_hex};

pub(super) fn create_key(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let spec = match call.text("KeySpec")? {
        Some(spec) => spec,
        None => call
            .text("CustomerMasterKeySpec")?
            .unwrap_or("SYMMETRIC_DEFAULT"),
    };
    let usage = call.text("KeyUsage")?.unwrap_or("ENCRYPT_DECRYPT");
    expect_usage(spec, usage)?;
    if call
        .text("Origin")?
        .is_some_and(|origin| origin != "AWS_KMS")
    {
        return Err(KmsError::unsupported(
            "the double has no other origin than AWS_KMS",
        ));
    }
    let multi_region = call.flag("MultiRegion");
    let material = new_material(spec, usage, multi_region, call.region)?;
    let policy = call
        .text("Policy")?
        .map_or_else(|| Ok(Policy::default()), Policy::parse)?;
    let description = call.text("Description")?.unwrap_or_default();
    let record = KeyRecord::new(description, policy, call.value("Tags"));
    let id = new_key_id(multi_region)?;
    keys.insert(&id, material, record);
    Ok(json!({"KeyMetadata": keys.metadata(call.region, &id)?}))
}

/// Creates a symmetric key with the default policy; answers its id.
pub(super) fn create_symmetric(
    keys: &mut Keys,
    region: &str,
    multi_region: bool,
) -> Result<String, KmsError> {
    let material = new_material("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", multi_region, region)?;
    let id = new_key_id(multi_region)?;
    keys.insert(&id, material, KeyRecord::new("", Policy::default(), None));
    Ok(id)
}

fn new_material(
    spec: &str,
    usage: &str,
    multi_region: bool,
    region: &str,
) -> Result<Material, KmsError> {
    Ok(Material {
        spec: spec.to_owned(),
        usage: usage.to_owned(),
        multi_region,
        primary: region.to_owned(),
        regions: [region.to_owned()].into(),
        secret: new_secret(spec, usage)?,
        rotations: Vec::new(),
    })
}

fn new_secret(spec: &str, usage: &str) -> Result<Secret, KmsError> {
    if usage == "SIGN_VERIFY" {
        return signature::new_secret(spec);
    }
    let rsa = |size| rsa::PrivateDecryptingKey::generate(size).map(Secret::Rsa);
    let ecdh = |curve| agreement::PrivateKey::generate(curve).map(Secret::Ecdh);
    let made = match spec {
        "SYMMETRIC_DEFAULT" => return Ok(Secret::Aes(vec![random()?])),
        "HMAC_256" => return Ok(Secret::Hmac(random::<32>()?.to_vec())),
        "HMAC_384" => return Ok(Secret::Hmac(random::<48>()?.to_vec())),
        "HMAC_512" => return Ok(Secret::Hmac(random::<64>()?.to_vec())),
        "RSA_2048" => rsa(rsa::KeySize::Rsa2048),
        "RSA_3072" => rsa(rsa::KeySize::Rsa3072),
        "RSA_4096" => rsa(rsa::KeySize::Rsa4096),
        "ECC_NIST_P256" => ecdh(&agreement::ECDH_P256),
        "ECC_NIST_P384" => ecdh(&agreement::ECDH_P384),
        "ECC_NIST_P521" => ecdh(&agreement::ECDH_P521),
        _ => {
            return Err(KmsError::unsupported(format!(
                "the double has no key spec `{spec}`"
            )));
        }
    };
    made.map_err(|_| KmsError::internal())
}

/// What a key of each spec may be for.
fn expect_usage(spec: &str, usage: &str) -> Result<(), KmsError> {
    let family = spec.split('_').next().unwrap_or_default();
    match (family, usage) {
        ("SYMMETRIC" | "RSA", "ENCRYPT_DECRYPT")
        | ("HMAC", "GENERATE_VERIFY_MAC")
        | ("ECC", "KEY_AGREEMENT" | "SIGN_VERIFY") => Ok(()),
        ("RSA", "SIGN_VERIFY") => Err(KmsError::unsupported("the double does not sign by RSA")),
        ("SYMMETRIC" | "RSA" | "HMAC" | "ECC", _) => Err(KmsError::validation(format!(
            "KeyUsage {usage} is not compatible with KeySpec {spec}"
        ))),
        _ => Err(KmsError::unsupported(format!(
            "the double has no key spec `{spec}`"
        ))),
    }
}

/// `mrk-` and 32 hex digits, or a UUID.
fn new_key_id(multi_region: bool) -> Result<String, KmsError> {
    if multi_region {
        return Ok(format!("mrk-{}", random_hex::<16>()?));
    }
    let parts = [
        random_hex::<4>()?,
        random_hex::<2>()?,
        random_hex::<2>()?,
        random_hex::<2>()?,
        random_hex::<6>()?,
    ];
    Ok(parts.join("-"))
}

pub(super) fn describe_key(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    Ok(json!({"KeyMetadata": keys.metadata(call.region, &id)?}))
}

pub(super) fn list_keys(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let show = |id: &String| json!({"KeyId": id, "KeyArn": key_arn(call.region, id)});
    let listed: Vec<Value> = keys
        .region_mut(call.region)
        .records
        .keys()
        .map(show)
        .collect();
    Ok(json!({"Keys": listed, "Truncated": false}))
}

pub(super) fn enable_key(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    manageable(keys, call)?.set_state(KeyState::Enabled);
    Ok(json!({}))
}

pub(super) fn disable_key(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    manageable(keys, call)?.set_state(KeyState::Disabled);
    Ok(json!({}))
}

pub(super) fn update_key_description(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let description = call.required_text("Description")?.to_owned();
    manageable(keys, call)?.description = description;
    Ok(json!({}))
}

fn manageable<'a>(keys: &'a mut Keys, call: &Call<'_>) -> Result<&'a mut KeyRecord, KmsError> {
    let id = keys.named_by(call)?;
    let record = keys.record_mut(call.region, &id)?;
    record.expect_manageable(&key_arn(call.region, &id))?;
    Ok(record)
}

/// A primary key waits for its replicas first.
pub(super) fn schedule_key_deletion(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let days = call.number("PendingWindowInDays")?.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(KmsError::validation(
            "PendingWindowInDays must be between 7 and 30",
        ));
    }
    let id = keys.named_by(call)?;
    let material = keys.material(&id)?;
    let waits = material.is_primary_in(call.region) && material.has_replicas();
    let record = manageable(keys, call)?;
    record.deletion = Some(now() + Duration::from_secs(days * SECONDS_PER_DAY));
    record.set_state(if waits {
        KeyState::PendingReplicaDeletion
    } else {
        KeyState::PendingDeletion
    });
    Ok(json!({
        "KeyId": key_arn(call.region, &id),
        "KeyState": record.state.as_str(),
        "DeletionDate": record.deletion_date(),
        "PendingWindowInDays": days,
    }))
}

pub(super) fn cancel_key_deletion(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    let arn = key_arn(call.region, &id);
    let record = keys.record_mut(call.region, &id)?;
    if !record.awaits_deletion() {
        return Err(KmsError::invalid_state(&arn, "not pending deletion"));
    }
    record.set_state(KeyState::Disabled);
    Ok(json!({"KeyId": arn}))
}

pub(super) fn list_resource_tags(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    Ok(json!({"Tags": keys.record(call.region, &id)?.tags, "Truncated": false}))
}

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;
