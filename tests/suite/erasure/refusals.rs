//! What is refused before anything is asked.

use aws_sdk_kms::types::MacAlgorithmSpec;
use dynaseal::keyring::{MultiKeyring, TableKeyKeyring};
use dynaseal::table::ReceiptKey;
use dynaseal::{EncryptionContext, KmsMrkKeyring, RawAesKeyring};

use super::*;

impl World {
    async fn assert_refuses(&self, erase: EraseTenant) -> EraseTenantError {
        let before = self.cloud.stored(US, KEYS).unwrap();
        self.cloud.reset_calls();
        let error = self.send(erase).await.unwrap_err();
        assert_eq!(self.calls(), [0, 0], "{error}");
        assert_eq!(self.cloud.stored(US, KEYS).unwrap(), before);
        error
    }

    async fn assert_refuses_keyring(&self, keyring: impl Keyring + 'static) {
        let erase = self.table_under(US, keyring).erase_tenant("north");
        let error = self.assert_refuses(erase).await;
        assert!(
            matches!(&error, EraseTenantError::NotErasable(why) if why.to_string().contains("alone")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn refuses_keyrings_that_have_other_recipients() {
    let world = World::start().await;
    let kms = || KmsMrkKeyring::new(world.key.arn(US), &world.regions(US)).unwrap();
    let hierarchical = || world.keyring(US);
    world
        .assert_refuses_keyring(MultiKeyring::new(hierarchical()).child(kms()))
        .await;
    world
        .assert_refuses_keyring(MultiKeyring::new(kms()).child(hierarchical()))
        .await;
    // Nobody says of a list with one member that it is one.
    world
        .assert_refuses_keyring(MultiKeyring::new(hierarchical()))
        .await;
}

#[tokio::test]
async fn refuses_keyrings_without_a_branch_key_for_each_tenant() {
    let world = World::start().await;
    let regions = world.regions(US);
    let kms = KmsMrkKeyring::new(world.key.arn(US), &regions).unwrap();
    world.assert_refuses_keyring(kms).await;
    let table_key = TableKeyKeyring::builder(world.key.arn(US), &regions);
    world
        .assert_refuses_keyring(table_key.build().unwrap())
        .await;
    let raw = RawAesKeyring::new("patients", "key-1", [7; 32]).unwrap();
    world.assert_refuses_keyring(raw).await;

    let store = world.store(US);
    let fixed = HierarchicalKeyring::builder(&store).branch_key_id("north");
    world.assert_refuses_keyring(fixed.build().unwrap()).await;
    let supplier = |_: &EncryptionContext| Ok("north".to_owned());
    let supplied = HierarchicalKeyring::builder(&store).branch_key_id_supplier(supplier);
    world
        .assert_refuses_keyring(supplied.build().unwrap())
        .await;
}

#[tokio::test]
async fn refuses_names_that_no_tenant_can_have() {
    let world = World::start().await;
    for name in [String::new(), "n".repeat(2049)] {
        let erase = world.table(US).erase_tenant(name);
        let error = world.assert_refuses(erase).await;
        assert!(
            matches!(&error, EraseTenantError::NotErasable(why) if why.to_string().contains("name")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn refuses_keys_that_cannot_sign_the_receipt() {
    let world = World::start().await;
    let keys = [
        "",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "alias/receipts",
        "arn:aws:kms:us-east-1:111122223333:alias/receipts",
        "arn:aws:kms:ap-south-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    ];
    for key in keys {
        let key = ReceiptKey::mac(key, MacAlgorithmSpec::HmacSha256);
        let erase = world.table(US).erase_tenant("north").signed_by(key);
        let error = world.assert_refuses(erase).await;
        assert!(matches!(error, EraseTenantError::Config(_)), "{error:?}");
    }
}

/// A handle that is limited to one tenant ends no other one.
#[tokio::test]
async fn refuses_other_tenants_than_that_of_a_handle() {
    let world = World::start().await;
    let north = world.table(US).tenant("north").unwrap();
    let error = world.assert_refuses(north.erase_tenant("south")).await;
    assert!(
        matches!(&error, EraseTenantError::NotErasable(why) if why.to_string().contains("limited")),
        "{error:?}"
    );
    let receipt = world.send(north.erase_tenant("north")).await.unwrap();
    assert_eq!(receipt.sample().of_tenant, 1);
    world.assert_opens(&world.table(US), "s-1", "south").await;
}
