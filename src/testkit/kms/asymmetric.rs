//! RSA-OAEP and ECDH.

use aws_lc_rs::agreement::{UnparsedPublicKey, agree};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use serde_json::{Value, json};

use super::error::KmsError;
use super::request::{Call, EncryptionContext, base64};
use super::state::{Keys, Secret, key_arn};

pub(super) fn encrypt(
    key: &PrivateDecryptingKey,
    algorithm: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, KmsError> {
    let algorithm = oaep(algorithm)?;
    let public =
        OaepPublicEncryptingKey::new(key.public_key()).map_err(|_| KmsError::internal())?;
    if plaintext.len() > public.max_plaintext_size(algorithm) {
        return Err(KmsError::validation(
            "Plaintext is too long for this key and algorithm",
        ));
    }
    let mut out = vec![0; public.ciphertext_size()];
    let sealed = public.encrypt(algorithm, plaintext, &mut out, None);
    sealed
        .map(|sealed| sealed.to_vec())
        .map_err(|_| KmsError::internal())
}

pub(super) fn decrypt(
    key: &PrivateDecryptingKey,
    algorithm: &str,
    ciphertext: &[u8],
) -> Result<Vec<u8>, KmsError> {
    let algorithm = oaep(algorithm)?;
    let private = OaepPrivateDecryptingKey::new(key.clone()).map_err(|_| KmsError::internal())?;
    let mut out = vec![0; private.min_output_size()];
    let plaintext = private.decrypt(algorithm, ciphertext, &mut out, None);
    plaintext
        .map(|plaintext| plaintext.to_vec())
        .map_err(|_| KmsError::invalid_ciphertext())
}

fn oaep(algorithm: &str) -> Result<&'static OaepAlgorithm, KmsError> {
    match algorithm {
        "RSAES_OAEP_SHA_1" => Ok(&OAEP_SHA1_MGF1SHA1),
        "RSAES_OAEP_SHA_256" => Ok(&OAEP_SHA256_MGF1SHA256),
        _ => Err(KmsError::invalid_key_usage(format!(
            "the key does not do {algorithm}"
        ))),
    }
}

pub(super) fn get_public_key(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    keys.permit(call.region, &id, call.operation, &EncryptionContext::new())?;
    let material = keys.material(&id)?;
    let (der, algorithms) = match &material.secret {
        Secret::Rsa(key) => {
            let der = key.public_key().as_der().map(|der| der.as_ref().to_vec());
            (
                der,
                (
                    "EncryptionAlgorithms",
                    json!(["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
                ),
            )
        }
        Secret::Ecdh(key) => {
            let der = key.compute_public_key().and_then(|public| public.as_der());
            let der = der.map(|der: PublicKeyX509Der<'_>| der.as_ref().to_vec());
            (der, ("KeyAgreementAlgorithms", json!(["ECDH"])))
        }
        _ => return Err(KmsError::unsupported("the key is not asymmetric")),
    };
    Ok(json!({
        "KeyId": key_arn(call.region, &id),
        "PublicKey": base64(der.map_err(|_| KmsError::internal())?),
        "KeySpec": material.spec,
        "CustomerMasterKeySpec": material.spec,
        "KeyUsage": material.usage,
        algorithms.0: algorithms.1,
    }))
}

pub(super) fn derive_shared_secret(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    keys.permit(call.region, &id, call.operation, &EncryptionContext::new())?;
    let Secret::Ecdh(key) = &keys.material(&id)?.secret else {
        return Err(KmsError::invalid_key_usage(
            "the key is not for key agreement",
        ));
    };
    let bad_peer = || KmsError::validation("PublicKey is not a public key on the key's curve");
    // In the form in which `GetPublicKey` shows keys: X.509, DER.
    let peer = UnparsedPublicKey::new(key.algorithm(), call.blob("PublicKey")?);
    let secret = agree(key, peer, bad_peer(), |secret| Ok(secret.to_vec()))?;
    call.stop_if_dry_run()?;
    Ok(json!({
        "KeyId": key_arn(call.region, &id),
        "SharedSecret": base64(secret),
        "KeyAgreementAlgorithm": "ECDH",
        "KeyOrigin": "AWS_KMS",
    }))
}
