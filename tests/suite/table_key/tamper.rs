//! An administrator of the table changes the encrypted data key.

use dynaseal::keyring::KeyringErrorKind;

use super::*;
use crate::support::header::{Edk, edks, with_edks};

/// The wrapped data key, before the body.
const WRAPPED: usize = 48;
/// Where the length of the KMS ciphertext stands in the body.
const LENGTH: usize = 97;

fn changed(sealed: &Item, change: impl FnOnce(&mut Vec<u8>)) -> Item {
    let mut keys = edks(sealed);
    change(&mut keys[0].0[2]);
    with_edks(sealed, &keys)
}

#[tokio::test]
async fn every_byte_of_the_encrypted_data_key_counts() {
    let world = World::start().await;
    let process = world.process(US);
    let sealed = world.seal(&process, note(0)).await;
    assert!(world.opens(&process, &sealed).await);
    let Edk([_, _, ciphertext]) = edks(&sealed).remove(0);
    for at in 0..ciphertext.len() {
        let before = world.calls(US);
        let flipped = changed(&sealed, |ciphertext| ciphertext[at] ^= 1);
        let error = world.refusal(&process, &flipped).await;
        let kind = error.last_attempt().kind();
        // What KMS vouches for, the id of the key and its ciphertext, costs one call; the rest none.
        let (expected, calls) = match at.checked_sub(WRAPPED) {
            Some(0) => (KeyringErrorKind::UnknownVersion, 0),
            Some(1..17 | 99..) => (kind, 1),
            _ => (KeyringErrorKind::InvalidEncryptedDataKey, 0),
        };
        assert_eq!(kind, expected, "byte {at}");
        assert_eq!(world.calls(US), [before[0], before[1] + calls], "byte {at}");
    }
    assert!(
        world.opens(&process, &sealed).await,
        "the key is still there"
    );
}

#[tokio::test]
async fn an_encrypted_data_key_that_is_cut_or_longer_is_refused_without_a_call() {
    let world = World::start().await;
    let process = world.process(US);
    let sealed = world.seal(&process, note(0)).await;
    let before = world.calls(US);
    let len = edks(&sealed)[0].0[2].len();
    for keep in [
        0,
        1,
        WRAPPED - 1,
        WRAPPED,
        WRAPPED + 1,
        WRAPPED + LENGTH,
        len - 1,
    ] {
        let cut = changed(&sealed, |ciphertext| ciphertext.truncate(keep));
        let error = world.refusal(&process, &cut).await;
        let kind = error.last_attempt().kind();
        assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey, "{keep}");
    }
    let longer = changed(&sealed, |ciphertext| ciphertext.push(0));
    world.refusal(&process, &longer).await;
    let empty = changed(&sealed, |ciphertext| {
        ciphertext.truncate(WRAPPED + LENGTH);
        ciphertext.extend([0, 0]);
    });
    world.refusal(&process, &empty).await;
    assert_eq!(world.calls(US), before);
}

#[tokio::test]
async fn the_key_of_another_item_of_the_same_table_opens_nothing() {
    let world = World::start().await;
    let process = world.process(US);
    let [one, two] = [
        world.seal(&process, note(1)).await,
        world.seal(&process, note(2)).await,
    ];
    assert_eq!(table_key_of(&process, &one), table_key_of(&process, &two));
    assert!(world.opens(&process, &one).await);
    let before = world.calls(US);
    let swapped = with_edks(&one, &edks(&two));
    let error = world.refusal(&process, &swapped).await;
    let kind = error.last_attempt().kind();
    assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey);
    assert_eq!(world.calls(US), before);
}

#[tokio::test]
async fn items_without_a_tenant_are_refused_by_name_in_both_directions() {
    let world = World::start().await;
    let builder = world.builder(US).tenant_attribute("owner");
    let process = encryptor(builder.build().unwrap());
    let error = world.time.run(process.seal(note(0))).await.unwrap_err();
    let dynaseal::SealError::Keyring(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.kind(), KeyringErrorKind::NoTenant);
    assert!(!error.to_string().contains("acme"));
    assert_eq!(world.calls(US), [0, 0]);
    let sealed = world.seal(&world.process(US), note(0)).await;
    let error = world.refusal(&process, &sealed).await;
    assert_eq!(error.last_attempt().kind(), KeyringErrorKind::NoTenant);
    assert_eq!(world.calls(US), [1, 0]);
}

#[tokio::test]
async fn a_handle_of_one_tenant_asks_nobody_about_anothers_item() {
    let world = World::start().await;
    let keyring = world
        .builder(US)
        .tenant_attribute("tenant")
        .build()
        .unwrap();
    let all = encryptor(keyring);
    let sealed = world.seal(&all, note_of("acme", 0)).await;
    let before = world.calls(US);
    let other = all.clone().tenant("other").unwrap();
    let refused = world.time.run(other.open(sealed.clone())).await;
    assert!(matches!(refused, Err(OpenError::TenantMismatch(_))));
    assert_eq!(world.calls(US), before);
    let own = all.tenant("acme").unwrap();
    assert!(world.opens(&own, &sealed).await);
}
