//! RSA and key agreement.

use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_sdk_kms::types::{
    EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec, KeySpec, KeyUsageType,
};

use super::*;

async fn create(client: &Client, spec: KeySpec, usage: KeyUsageType) -> String {
    let created = client
        .create_key()
        .key_spec(spec)
        .key_usage(usage)
        .send()
        .await
        .unwrap();
    created.key_metadata().unwrap().key_id().to_owned()
}

async fn public_key(client: &Client, key: &str) -> Vec<u8> {
    bytes(
        client
            .get_public_key()
            .key_id(key)
            .send()
            .await
            .unwrap()
            .public_key(),
    )
}

async fn decrypt(client: &Client, key: &str, ciphertext: Vec<u8>) -> Result<Vec<u8>, String> {
    let request = client
        .decrypt()
        .key_id(key)
        .ciphertext_blob(Blob::new(ciphertext));
    let request = request.encryption_algorithm(EncryptionAlgorithmSpec::RsaesOaepSha256);
    match request.send().await {
        Ok(opened) => Ok(bytes(opened.plaintext())),
        Err(error) => Err(error.code().unwrap().to_owned()),
    }
}

#[tokio::test]
async fn encrypts_and_decrypts_with_rsa() {
    let cloud = Cloud::start([US]).await.unwrap();
    let us = cloud.kms(US);
    let key = create(&us, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    let encrypt = |plaintext: Vec<u8>| {
        let request = us.encrypt().key_id(&key).plaintext(Blob::new(plaintext));
        request
            .encryption_algorithm(EncryptionAlgorithmSpec::RsaesOaepSha256)
            .send()
    };
    let sealed = bytes(encrypt(b"secret".to_vec()).await.unwrap().ciphertext_blob());
    assert_eq!(sealed.len(), 256);
    assert_eq!(
        decrypt(&us, &key, sealed).await.as_deref(),
        Ok(&b"secret"[..])
    );
    assert_eq!(code(encrypt(vec![0; 191]).await), "ValidationException");
    let garbage = decrypt(&us, &key, vec![0; 256]).await;
    assert_eq!(garbage, Err("InvalidCiphertextException".to_owned()));
}

#[tokio::test]
async fn decrypts_what_was_encrypted_with_the_public_key() {
    let cloud = Cloud::start([US]).await.unwrap();
    let us = cloud.kms(US);
    let key = create(&us, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    let public = PublicEncryptingKey::from_der(&public_key(&us, &key).await).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let mut out = vec![0; public.ciphertext_size()];
    let sealed = public
        .encrypt(&OAEP_SHA256_MGF1SHA256, b"local", &mut out, None)
        .unwrap();
    assert_eq!(
        decrypt(&us, &key, sealed.to_vec()).await.as_deref(),
        Ok(&b"local"[..])
    );
}

#[tokio::test]
async fn agrees_on_the_secret_that_the_peer_derives() {
    let cloud = Cloud::start([US]).await.unwrap();
    let us = cloud.kms(US);
    let key = create(&us, KeySpec::EccNistP256, KeyUsageType::KeyAgreement).await;
    let ours = agreement::PrivateKey::generate(&ECDH_P256).unwrap();
    let public: PublicKeyX509Der<'_> = ours.compute_public_key().unwrap().as_der().unwrap();
    let derive = |public: &[u8]| {
        let request = us
            .derive_shared_secret()
            .key_id(&key)
            .public_key(Blob::new(public));
        request
            .key_agreement_algorithm(KeyAgreementAlgorithmSpec::Ecdh)
            .send()
    };
    let theirs = bytes(derive(public.as_ref()).await.unwrap().shared_secret());

    let peer = UnparsedPublicKey::new(&ECDH_P256, public_key(&us, &key).await);
    let local = agreement::agree(&ours, peer, (), |secret| Ok(secret.to_vec()));
    assert_eq!(local, Ok(theirs));
    assert_eq!(code(derive(b"no key").await), "ValidationException");
}

#[tokio::test]
async fn shows_no_public_key_of_a_symmetric_key() {
    let (cloud, key) = cloud_with_key().await;
    let shown = cloud.kms(US).get_public_key().key_id(key.id()).send().await;
    assert_eq!(code(shown), "UnsupportedOperationException");
}
