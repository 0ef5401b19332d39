use std::collections::BTreeMap;

use dynaseal::item::Model;
use dynaseal::{CryptoAction, Seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t")]
struct Open {
    #[seal(partition_key)]
    id: String,
    #[seal(others = "encrypt")]
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

fn main() {
    assert_eq!(Open::SCHEMA.others(), Some(CryptoAction::EncryptAndSign));
    let rest = BTreeMap::from([("colour".to_owned(), "red".to_owned())]);
    let item = Open { id: "x".into(), rest }.to_item().unwrap();
    assert_eq!(Open::from_item(item).unwrap().rest["colour"], "red");
}
