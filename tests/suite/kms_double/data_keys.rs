//! Data keys and direct encryption.

use super::*;

#[tokio::test]
async fn makes_a_data_key_of_32_bytes_that_the_ciphertext_does_not_show() {
    let (cloud, key) = cloud_with_key().await;
    let (plaintext, ciphertext) = data_key(&cloud.kms(US), &key.arn(US), TENANT).await;
    assert_eq!(plaintext.len(), 32);
    assert!(!ciphertext.windows(32).any(|window| window == plaintext));
}

#[tokio::test]
async fn makes_a_fresh_data_key_each_time() {
    let (cloud, key) = cloud_with_key().await;
    let first = data_key(&cloud.kms(US), &key.arn(US), TENANT).await;
    let second = data_key(&cloud.kms(US), &key.arn(US), TENANT).await;
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
}

#[tokio::test]
async fn opens_a_data_key_with_and_without_naming_the_key() {
    let (cloud, key) = cloud_with_key().await;
    let (us, arn) = (cloud.kms(US), key.arn(US));
    let (plaintext, ciphertext) = data_key(&us, &arn, TENANT).await;
    let expected = Ok((plaintext, arn.clone()));
    assert_eq!(open(&us, &ciphertext, TENANT, Some(&arn)).await, expected);
    assert_eq!(open(&us, &ciphertext, TENANT, None).await, expected);
    assert_eq!(
        open(&us, &ciphertext, TENANT, Some(key.id())).await,
        expected
    );
}

#[tokio::test]
async fn makes_a_data_key_without_its_plaintext() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let made = us
        .generate_data_key_without_plaintext()
        .key_id(key.id())
        .key_spec(DataKeySpec::Aes256)
        .send()
        .await
        .unwrap();
    let opened = open(&us, &bytes(made.ciphertext_blob()), NO_CONTEXT, None)
        .await
        .unwrap();
    assert_eq!(opened.0.len(), 32);
}

#[tokio::test]
async fn makes_data_keys_of_the_length_that_is_asked_for() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    for len in [1, 64, 1024] {
        let made = us
            .generate_data_key()
            .key_id(key.id())
            .number_of_bytes(len)
            .send()
            .await;
        assert_eq!(
            bytes(made.unwrap().plaintext()).len(),
            usize::try_from(len).unwrap()
        );
    }
    let made = us
        .generate_data_key()
        .key_id(key.id())
        .key_spec(DataKeySpec::Aes128)
        .send()
        .await;
    assert_eq!(bytes(made.unwrap().plaintext()).len(), 16);
}

#[tokio::test]
async fn refuses_a_data_key_of_no_or_two_or_too_great_lengths() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let request = || us.generate_data_key().key_id(key.id());
    let both = request().key_spec(DataKeySpec::Aes256).number_of_bytes(32);
    for wrong in [
        request(),
        both,
        request().number_of_bytes(0),
        request().number_of_bytes(1025),
    ] {
        assert_eq!(code(wrong.send().await), "ValidationException");
    }
}

#[tokio::test]
async fn refuses_a_key_that_does_not_exist() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let missing = "mrk-00000000000000000000000000000000";
    let answer = us
        .generate_data_key()
        .key_id(missing)
        .key_spec(DataKeySpec::Aes256)
        .send()
        .await;
    assert!(
        answer
            .unwrap_err()
            .into_service_error()
            .is_not_found_exception()
    );

    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    assert_eq!(
        open(&us, &ciphertext, TENANT, Some(missing)).await,
        refused("NotFoundException")
    );
}

#[tokio::test]
async fn refuses_a_ciphertext_under_the_name_of_another_key() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let other = single_region_key(&us).await;
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    let opened = open(&us, &ciphertext, TENANT, Some(&other)).await;
    assert_eq!(opened, refused("IncorrectKeyException"));
}

#[tokio::test]
async fn refuses_a_ciphertext_with_any_byte_changed() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    for at in 0..ciphertext.len() {
        let mut changed = ciphertext.clone();
        changed[at] ^= 1;
        let opened = open(&us, &changed, TENANT, Some(&key.arn(US))).await;
        assert_eq!(opened, refused("InvalidCiphertextException"), "byte {at}");
    }
}

#[tokio::test]
async fn refuses_truncated_ciphertexts_and_garbage() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    for blob in [
        &ciphertext[..20],
        &ciphertext[..ciphertext.len() - 1],
        b"garbage",
        &[1],
    ] {
        for named in [Some(key.id()), None] {
            let opened = open(&us, blob, TENANT, named).await;
            assert_eq!(opened, refused("InvalidCiphertextException"));
        }
    }
}

#[tokio::test]
async fn encrypts_up_to_4096_bytes() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let encrypt = |len| {
        us.encrypt()
            .key_id(key.id())
            .plaintext(Blob::new(vec![7; len]))
            .send()
    };
    let sealed = bytes(encrypt(4096).await.unwrap().ciphertext_blob());
    assert_eq!(
        open(&us, &sealed, NO_CONTEXT, None).await,
        Ok((vec![7; 4096], key.arn(US)))
    );
    assert_eq!(code(encrypt(4097).await), "ValidationException");
    assert_eq!(code(encrypt(0).await), "ValidationException");
}

#[tokio::test]
async fn re_encrypts_under_another_key_and_context() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let other = single_region_key(&us).await;
    let (plaintext, ciphertext) = data_key(&us, key.id(), &[("v", "1")]).await;
    let moved = us
        .re_encrypt()
        .ciphertext_blob(Blob::new(ciphertext))
        .source_encryption_context("v", "1")
        .destination_key_id(&other)
        .destination_encryption_context("v", "2")
        .send()
        .await
        .unwrap();
    assert_eq!(moved.source_key_id(), Some(&*key.arn(US)));
    let sealed = bytes(moved.ciphertext_blob());
    let opened = open(&us, &sealed, &[("v", "2")], Some(&other)).await;
    assert_eq!(opened, Ok((plaintext, other.clone())));
    let opened = open(&us, &sealed, &[("v", "1")], Some(&other)).await;
    assert_eq!(opened, refused("InvalidCiphertextException"));
}

#[tokio::test]
async fn does_not_re_encrypt_from_another_context() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (_, ciphertext) = data_key(&us, key.id(), &[("v", "1")]).await;
    let moved = us
        .re_encrypt()
        .ciphertext_blob(Blob::new(ciphertext))
        .source_encryption_context("v", "2")
        .destination_key_id(key.id())
        .send()
        .await;
    assert_eq!(code(moved), "InvalidCiphertextException");
}

#[tokio::test]
async fn makes_random_bytes() {
    let cloud = Cloud::start([US]).await.unwrap();
    let us = cloud.kms(US);
    let made = us
        .generate_random()
        .number_of_bytes(32)
        .send()
        .await
        .unwrap();
    assert_eq!(bytes(made.plaintext()).len(), 32);
    let made = us.generate_random().number_of_bytes(1025).send().await;
    assert_eq!(code(made), "ValidationException");
}

#[tokio::test]
async fn does_nothing_in_a_dry_run_but_say_that_it_would_succeed() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let request = || {
        us.generate_data_key()
            .key_spec(DataKeySpec::Aes256)
            .dry_run(true)
    };
    assert_eq!(
        code(request().key_id(key.id()).send().await),
        "DryRunOperationException"
    );
    assert_eq!(
        code(request().key_id("nothing").send().await),
        "NotFoundException"
    );
}
