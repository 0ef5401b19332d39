//! ECDSA keys.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    EcdsaVerificationAlgorithm, KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::error::KmsError;
use super::request::{Call, EncryptionContext, base64};
use super::state::{Keys, Secret, key_arn};

/// What KMS takes as it is; longer messages come as a digest, which the double does not take.
const MAX_MESSAGE_LEN: usize = 4096;

struct Curve {
    spec: &'static str,
    algorithm: &'static str,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
}

static CURVES: [Curve; 2] = [
    Curve {
        spec: "ECC_NIST_P256",
        algorithm: "ECDSA_SHA_256",
        signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
        verification: &ECDSA_P256_SHA256_ASN1,
    },
    Curve {
        spec: "ECC_NIST_P384",
        algorithm: "ECDSA_SHA_384",
        signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
        verification: &ECDSA_P384_SHA384_ASN1,
    },
];

pub(super) fn new_secret(spec: &str) -> Result<Secret, KmsError> {
    let curve = CURVES.iter().find(|curve| curve.spec == spec);
    let curve = curve.ok_or_else(|| {
        KmsError::unsupported(format!("the double does not sign with key spec `{spec}`"))
    })?;
    let pair = EcdsaKeyPair::generate(curve.signing).map_err(|_| KmsError::internal())?;
    Ok(Secret::Ecdsa(Box::new(pair)))
}

pub(super) fn sign(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let used = used_key(keys, call)?;
    let signature = used.pair.sign(&SystemRandom::new(), &used.message);
    let signature = signature.map_err(|_| KmsError::internal())?;
    call.stop_if_dry_run()?;
    Ok(json!({
        "KeyId": used.arn,
        "Signature": base64(signature),
        "SigningAlgorithm": used.curve.algorithm,
    }))
}

pub(super) fn verify(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let used = used_key(keys, call)?;
    UnparsedPublicKey::new(used.curve.verification, used.pair.public_key())
        .verify(&used.message, &call.blob("Signature")?)
        .map_err(|_| KmsError::invalid_signature())?;
    call.stop_if_dry_run()?;
    Ok(json!({
        "KeyId": used.arn,
        "SignatureValid": true,
        "SigningAlgorithm": used.curve.algorithm,
    }))
}

struct UsedKey<'a> {
    arn: String,
    pair: &'a EcdsaKeyPair,
    curve: &'static Curve,
    message: Vec<u8>,
}

fn used_key<'a>(keys: &'a Keys, call: &Call<'_>) -> Result<UsedKey<'a>, KmsError> {
    let id = keys.named_by(call)?;
    keys.permit(call.region, &id, call.operation, &EncryptionContext::new())?;
    let material = keys.material(&id)?;
    let Secret::Ecdsa(pair) = &material.secret else {
        return Err(KmsError::invalid_key_usage("the key does not sign"));
    };
    let algorithm = call.required_text("SigningAlgorithm")?;
    let suits = |curve: &&Curve| curve.spec == material.spec && curve.algorithm == algorithm;
    let curve = CURVES.iter().find(suits);
    let curve = curve
        .ok_or_else(|| KmsError::invalid_key_usage(format!("the key does not do {algorithm}")))?;
    if call.text("MessageType")?.is_some_and(|kind| kind != "RAW") {
        return Err(KmsError::unsupported("the double signs raw messages alone"));
    }
    let message = call.blob("Message")?;
    if message.is_empty() || message.len() > MAX_MESSAGE_LEN {
        return Err(KmsError::validation("Message has between 1 and 4096 bytes"));
    }
    Ok(UsedKey {
        arn: key_arn(call.region, &id),
        pair,
        curve,
        message,
    })
}
