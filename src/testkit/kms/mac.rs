//! HMAC keys.

use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use serde_json::{Value, json};

use super::error::KmsError;
use super::request::{Call, EncryptionContext, base64};
use super::state::{Keys, Material, Secret, key_arn};

pub(super) fn generate_mac(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let (arn, key) = mac_key(keys, call)?;
    let mac = hmac::sign(&key, &call.blob("Message")?);
    call.stop_if_dry_run()?;
    Ok(json!({"KeyId": arn, "Mac": base64(mac), "MacAlgorithm": call.value("MacAlgorithm")}))
}

pub(super) fn verify_mac(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let (arn, key) = mac_key(keys, call)?;
    hmac::verify(&key, &call.blob("Message")?, &call.blob("Mac")?)
        .map_err(|_| KmsError::invalid_mac())?;
    call.stop_if_dry_run()?;
    Ok(json!({"KeyId": arn, "MacValid": true, "MacAlgorithm": call.value("MacAlgorithm")}))
}

fn mac_key(keys: &Keys, call: &Call<'_>) -> Result<(String, hmac::Key), KmsError> {
    let id = keys.named_by(call)?;
    keys.permit(call.region, &id, call.operation, &EncryptionContext::new())?;
    let material = keys.material(&id)?;
    let Secret::Hmac(secret) = &material.secret else {
        return Err(KmsError::invalid_key_usage("the key is not an HMAC key"));
    };
    let algorithm = algorithm_of(material, call.required_text("MacAlgorithm")?)?;
    Ok((key_arn(call.region, &id), hmac::Key::new(algorithm, secret)))
}

/// Each key spec has one algorithm.
fn algorithm_of(material: &Material, name: &str) -> Result<hmac::Algorithm, KmsError> {
    match (material.spec.as_str(), name) {
        ("HMAC_256", "HMAC_SHA_256") => Ok(HMAC_SHA256),
        ("HMAC_384", "HMAC_SHA_384") => Ok(HMAC_SHA384),
        ("HMAC_512", "HMAC_SHA_512") => Ok(HMAC_SHA512),
        _ => Err(KmsError::invalid_key_usage(format!(
            "the key does not do {name}"
        ))),
    }
}
