//! A keyring whose table key and random bytes are fixed, for frozen vectors.

use std::sync::Arc;

use super::TableKeyKeyring;
use crate::crypto::random::Random;
use crate::keyring::test_support::FakeKms;

/// Its table key is 32 times 07, the KMS ciphertext of it 32 times f8, the key is `mrk-frozen`.
/// It draws the id of the table key first; then, for each item, key and salt.
pub(crate) fn table_key_keyring(
    random: Arc<dyn Random>,
    tenant_attribute: Option<&str>,
) -> TableKeyKeyring {
    let regions = FakeKms::default().regions("eu-west-1", &[]);
    let arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-frozen";
    let builder = TableKeyKeyring::builder(arn, &regions).random(random);
    let builder = match tenant_attribute {
        Some(name) => builder.tenant_attribute(name),
        None => builder,
    };
    builder.build().expect("a keyring")
}
