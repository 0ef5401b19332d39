//! ECDSA keys.

use aws_sdk_kms::types::{KeySpec, KeyUsageType, SigningAlgorithmSpec};

use super::*;

async fn signing_key(client: &Client, spec: KeySpec) -> String {
    let request = client.create_key().key_spec(spec);
    let created = request.key_usage(KeyUsageType::SignVerify).send().await;
    let metadata = created.unwrap().key_metadata.unwrap();
    metadata.key_id
}

#[tokio::test]
async fn signs_and_verifies_with_both_curves() {
    let cloud = Cloud::start([US]).await.unwrap();
    let us = cloud.kms(US);
    let curves = [
        (KeySpec::EccNistP256, SigningAlgorithmSpec::EcdsaSha256),
        (KeySpec::EccNistP384, SigningAlgorithmSpec::EcdsaSha384),
    ];
    for (spec, algorithm) in curves {
        let key = signing_key(&us, spec).await;
        let request = us.sign().key_id(&key).message(Blob::new("message"));
        let signed = request.signing_algorithm(algorithm.clone()).send().await;
        let signature = bytes(signed.unwrap().signature());
        let verify = |message: &'static str| {
            let request = us.verify().key_id(&key).message(Blob::new(message));
            let request = request.signing_algorithm(algorithm.clone());
            request.signature(Blob::new(signature.clone())).send()
        };
        assert!(verify("message").await.unwrap().signature_valid());
        let wrong = code(verify("another").await);
        assert_eq!(wrong, "KMSInvalidSignatureException");
    }
}

#[tokio::test]
async fn refuses_keys_and_algorithms_that_do_not_sign_so() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let sign = async |key: &str, algorithm| {
        let request = us.sign().key_id(key).message(Blob::new("message"));
        code(request.signing_algorithm(algorithm).send().await)
    };
    let p256 = signing_key(&us, KeySpec::EccNistP256).await;
    for (key, algorithm) in [
        (key.id(), SigningAlgorithmSpec::EcdsaSha256),
        (&*p256, SigningAlgorithmSpec::EcdsaSha384),
    ] {
        assert_eq!(sign(key, algorithm).await, "InvalidKeyUsageException");
    }
}
