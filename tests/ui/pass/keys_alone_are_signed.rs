use dynaseal::item::{Model, PartitionKeyOnly};
use dynaseal::{CryptoAction, Seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "sign")]
struct Simple {
    #[seal(partition_key)]
    id: u64,
    note: Option<String>,
}

fn is_model<T: Model<KeyShape = PartitionKeyOnly>>() {}

fn main() {
    is_model::<Simple>();
    let key = Simple::SCHEMA.partition_key().unwrap();
    assert_eq!((key.name(), key.action()), ("id", CryptoAction::SignOnly));
    assert_eq!(Simple::SCHEMA.attribute("note").unwrap().action(), CryptoAction::SignOnly);
    assert!(Simple::SCHEMA.sort_key().is_none());

    let item = Simple { id: 7, note: None }.to_item().unwrap();
    let back = Simple::from_item(item).unwrap();
    assert_eq!((back.id, back.note), (7, None));
}
