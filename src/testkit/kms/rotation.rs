//! Rotation on demand. Old versions stay, so old ciphertexts open.

use serde_json::{Value, json};

use super::error::KmsError;
use super::request::{Call, EncryptionContext};
use super::state::{Keys, Secret, key_arn, now, random};

pub(super) fn rotate_key_on_demand(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    let arn = key_arn(call.region, &id);
    keys.permit(call.region, &id, call.operation, &EncryptionContext::new())?;
    let material = keys.material_mut(&id)?;
    if !material.is_primary_in(call.region) {
        return Err(KmsError::unsupported(format!("{arn} is a replica key")));
    }
    let Secret::Aes(versions) = &mut material.secret else {
        return Err(KmsError::unsupported(format!(
            "{arn} is not a symmetric encryption key"
        )));
    };
    versions.push(random()?);
    material.rotations.push(now());
    Ok(json!({"KeyId": arn}))
}

pub(super) fn list_key_rotations(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    let arn = key_arn(call.region, &id);
    let rotations = keys.material(&id)?.rotations.iter().map(
        |at| json!({"KeyId": arn, "RotationDate": at.as_secs_f64(), "RotationType": "ON_DEMAND"}),
    );
    Ok(json!({"Rotations": rotations.collect::<Vec<_>>(), "Truncated": false}))
}
