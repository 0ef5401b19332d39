//! The branch key of the vector suite in a key store of the test cloud, as an administrator would restore it.

use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{HierarchicalKeyring, Keyring};
use dynaseal::testkit::Cloud;
use dynaseal::{Item, RegionSet};

use super::{BRANCH_KEY_ID, BRANCH_KEY_VERSION, branch_key_bytes};
use crate::support::stack::{US, key_store_table, n, s};

const TABLE: &str = "restored-branch-keys";
const LOGICAL: &str = "branch-keys";

/// A hierarchical keyring, and the cloud in which its key store is.
pub(super) async fn keyring() -> (Cloud, Arc<dyn Keyring>) {
    let cloud = Cloud::start([US]).await.unwrap();
    let key = cloud.create_multi_region_key(US, [""; 0]).await.unwrap();
    let table = key_store_table(TABLE);
    cloud.create_global_table(&table).await.unwrap();
    let version = format!("branch:version:{BRANCH_KEY_VERSION}");
    restore(&cloud, &key.arn(US), &[("type", &version)]).await;
    let active = [("type", "branch:ACTIVE"), ("version", &version)];
    restore(&cloud, &key.arn(US), &active).await;

    let regions = RegionSet::builder(&cloud.sdk_config(US)).local(US);
    let kms = KeyStoreKms::mrk_arn(key.arn(US));
    let store = KeyStore::builder(TABLE, LOGICAL, kms, &regions.build().unwrap());
    let keyring = HierarchicalKeyring::builder(&store.build().unwrap());
    let keyring = keyring.branch_key_id(BRANCH_KEY_ID).build().unwrap();
    (cloud, Arc::new(keyring))
}

/// Writes a record of the branch key, which KMS wraps under all that the record says.
async fn restore(cloud: &Cloud, kms_arn: &str, place: &[(&str, &str)]) {
    let fixed = [
        ("branch-key-id", BRANCH_KEY_ID),
        ("kms-arn", kms_arn),
        ("create-time", "2023-06-03T19:03:29.358000Z"),
        ("hierarchy-version", "1"),
    ];
    let strings = || fixed.iter().chain(place);
    let encrypt = cloud.kms(US).encrypt().key_id(kms_arn);
    let encrypt = encrypt.plaintext(Blob::new(branch_key_bytes()));
    let encrypt = strings().fold(encrypt, |call, (k, v)| call.encryption_context(*k, *v));
    let encrypt = encrypt.encryption_context("tablename", LOGICAL);
    let wrapped = encrypt.send().await.unwrap().ciphertext_blob.unwrap();

    let mut record: Item = strings().map(|(k, v)| ((*k).into(), s(v))).collect();
    record.insert("hierarchy-version".into(), n("1"));
    record.insert("enc".into(), AttributeValue::B(wrapped));
    let put = cloud.dynamodb(US).put_item().table_name(TABLE);
    put.set_item(Some(record)).send().await.unwrap();
}
