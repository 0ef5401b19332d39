//! Dry runs that need no ciphertext: may this be decrypted, whatever it is?

use serde_json::Value;

use super::error::KmsError;
use super::request::Call;
use super::state::{Keys, Secret};

/// Whether the call says `IGNORE_CIPHERTEXT`, which only a dry run may.
pub(super) fn ignores_ciphertext(call: &Call<'_>) -> Result<bool, KmsError> {
    let modifiers = call.texts("DryRunModifiers")?;
    if modifiers.is_empty() {
        return Ok(false);
    }
    if let Some(unknown) = modifiers.iter().find(|name| **name != IGNORE_CIPHERTEXT) {
        return Err(KmsError::validation(format!(
            "no dry run modifier `{unknown}`"
        )));
    }
    if !call.flag("DryRun") {
        return Err(KmsError::validation("DryRunModifiers go with DryRun alone"));
    }
    Ok(true)
}

/// Checks the key, its policy and its state. A ciphertext is not looked at.
pub(super) fn decrypt(keys: &Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    let context = call.context("EncryptionContext")?;
    keys.permit(call.region, &id, call.operation, &context)?;
    match &keys.material(&id)?.secret {
        Secret::Aes(_) | Secret::Rsa(_) => Err(KmsError::dry_run()),
        Secret::Hmac(_) | Secret::Ecdh(_) | Secret::Ecdsa(_) => {
            Err(KmsError::invalid_key_usage("the key does not decrypt"))
        }
    }
}

const IGNORE_CIPHERTEXT: &str = "IGNORE_CIPHERTEXT";
