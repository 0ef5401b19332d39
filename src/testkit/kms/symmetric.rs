//! Data keys, `Encrypt`, `Decrypt` and `ReEncrypt`.

use aws_lc_rs::rand;
use serde_json::{Value, json};

use super::asymmetric;
use super::ciphertext::{Ciphertext, seal};
use super::dry_run;
use super::error::KmsError;
use super::request::{Call, EncryptionContext, base64};
use super::state::{Keys, Secret, key_arn};

pub(super) fn generate_data_key(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let made = make_data_key(keys, call)?;
    Ok(json!({
        "KeyId": made.arn,
        "CiphertextBlob": base64(made.sealed),
        "Plaintext": base64(made.plaintext),
    }))
}

pub(super) fn generate_data_key_without_plaintext(
    keys: &mut Keys,
    call: &Call<'_>,
) -> Result<Value, KmsError> {
    let made = make_data_key(keys, call)?;
    Ok(json!({"KeyId": made.arn, "CiphertextBlob": base64(made.sealed)}))
}

struct DataKey {
    arn: String,
    plaintext: Vec<u8>,
    sealed: Vec<u8>,
}

fn make_data_key(keys: &Keys, call: &Call<'_>) -> Result<DataKey, KmsError> {
    let len = data_key_len(call)?;
    let id = keys.named_by(call)?;
    let context = call.context("EncryptionContext")?;
    keys.permit(call.region, &id, call.operation, &context)?;
    let plaintext = random_bytes(len)?;
    let sealed = seal(keys, &id, &plaintext, &context)?;
    call.stop_if_dry_run()?;
    Ok(DataKey {
        arn: key_arn(call.region, &id),
        plaintext,
        sealed,
    })
}

fn data_key_len(call: &Call<'_>) -> Result<u64, KmsError> {
    match (call.text("KeySpec")?, call.number("NumberOfBytes")?) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (Some(spec), None) => Err(KmsError::validation(format!("no data key spec `{spec}`"))),
        (None, Some(len)) => Ok(len),
        _ => Err(KmsError::validation(
            "Please specify either number of bytes or key spec.",
        )),
    }
}

pub(super) fn generate_random(_: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let len = call.number("NumberOfBytes")?.unwrap_or(0);
    Ok(json!({"Plaintext": base64(random_bytes(len)?)}))
}

fn random_bytes(len: u64) -> Result<Vec<u8>, KmsError> {
    let len = usize::try_from(len)
        .ok()
        .filter(|len| (1..=MAX_RANDOM_LEN).contains(len));
    let Some(len) = len else {
        return Err(KmsError::validation(
            "NumberOfBytes must be between 1 and 1024",
        ));
    };
    let mut bytes = vec![0; len];
    rand::fill(&mut bytes).map_err(|_| KmsError::internal())?;
    Ok(bytes)
}

pub(super) fn encrypt(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let plaintext = call.blob("Plaintext")?;
    if !(1..=MAX_PLAINTEXT_LEN).contains(&plaintext.len()) {
        return Err(KmsError::validation(
            "Plaintext must have between 1 and 4096 bytes",
        ));
    }
    let id = keys.named_by(call)?;
    let context = call.context("EncryptionContext")?;
    keys.permit(call.region, &id, call.operation, &context)?;
    let algorithm = call
        .text("EncryptionAlgorithm")?
        .unwrap_or(SYMMETRIC_DEFAULT);
    let sealed = match &keys.material(&id)?.secret {
        Secret::Rsa(key) => asymmetric::encrypt(key, algorithm, &plaintext)?,
        _ if algorithm != SYMMETRIC_DEFAULT => return Err(wrong_algorithm(algorithm)),
        _ => seal(keys, &id, &plaintext, &context)?,
    };
    call.stop_if_dry_run()?;
    Ok(json!({
        "KeyId": key_arn(call.region, &id),
        "CiphertextBlob": base64(sealed),
        "EncryptionAlgorithm": algorithm,
    }))
}

pub(super) fn decrypt(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    if dry_run::ignores_ciphertext(call)? {
        return dry_run::decrypt(keys, call);
    }
    let blob = call.blob("CiphertextBlob")?;
    let algorithm = call
        .text("EncryptionAlgorithm")?
        .unwrap_or(SYMMETRIC_DEFAULT);
    let (id, plaintext) = if algorithm == SYMMETRIC_DEFAULT {
        let context = call.context("EncryptionContext")?;
        open(
            keys,
            call.region,
            &blob,
            &context,
            call.text("KeyId")?,
            call.operation,
        )?
    } else {
        decrypt_asymmetric(keys, call, algorithm, &blob)?
    };
    call.stop_if_dry_run()?;
    Ok(json!({
        "KeyId": key_arn(call.region, &id),
        "Plaintext": base64(plaintext),
        "EncryptionAlgorithm": algorithm,
    }))
}

fn decrypt_asymmetric(
    keys: &Keys,
    call: &Call<'_>,
    algorithm: &str,
    blob: &[u8],
) -> Result<(String, Vec<u8>), KmsError> {
    let id = keys.named_by(call)?;
    keys.permit(call.region, &id, call.operation, &EncryptionContext::new())?;
    let Secret::Rsa(key) = &keys.material(&id)?.secret else {
        return Err(wrong_algorithm(algorithm));
    };
    let plaintext = asymmetric::decrypt(key, algorithm, blob)?;
    Ok((id, plaintext))
}

pub(super) fn re_encrypt(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    if dry_run::ignores_ciphertext(call)? {
        return Err(KmsError::unsupported(
            "the double re-encrypts nothing without a ciphertext",
        ));
    }
    let blob = call.blob("CiphertextBlob")?;
    let context = call.context("SourceEncryptionContext")?;
    let source = call.text("SourceKeyId")?;
    let (source, plaintext) = open(keys, call.region, &blob, &context, source, "ReEncryptFrom")?;

    let destination = keys.resolve(call.region, call.required_text("DestinationKeyId")?)?;
    let context = call.context("DestinationEncryptionContext")?;
    keys.permit(call.region, &destination, "ReEncryptTo", &context)?;
    let sealed = seal(keys, &destination, &plaintext, &context)?;
    call.stop_if_dry_run()?;
    Ok(json!({
        "SourceKeyId": key_arn(call.region, &source),
        "KeyId": key_arn(call.region, &destination),
        "CiphertextBlob": base64(sealed),
    }))
}

/// Opens a ciphertext, if its key is in this region and is the one that was asked for, if any was.
fn open(
    keys: &Keys,
    region: &str,
    blob: &[u8],
    context: &EncryptionContext,
    wanted: Option<&str>,
    action: &str,
) -> Result<(String, Vec<u8>), KmsError> {
    let wanted = wanted
        .map(|named| keys.resolve(region, named))
        .transpose()?;
    let ciphertext = Ciphertext::parse(blob)?;
    let id = ciphertext.key_id;
    if !keys.knows(id) {
        return Err(KmsError::invalid_ciphertext());
    }
    if wanted.is_some_and(|wanted| wanted != id) {
        return Err(KmsError::incorrect_key());
    }
    if keys.record(region, id).is_err() {
        return Err(KmsError::access_denied(
            "The ciphertext refers to a key that does not exist, does not exist in this region, or \
             you are not allowed to access.",
        ));
    }
    keys.permit(region, id, action, context)?;
    Ok((id.to_owned(), ciphertext.open(keys, context)?))
}

fn wrong_algorithm(algorithm: &str) -> KmsError {
    KmsError::invalid_key_usage(format!("the key does not do {algorithm}"))
}

const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";
/// Limits of the API.
const MAX_PLAINTEXT_LEN: usize = 4096;
const MAX_RANDOM_LEN: usize = 1024;
