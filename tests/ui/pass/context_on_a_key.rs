use dynaseal::{CryptoAction, Seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Order {
    #[seal(partition_key, context)]
    id: String,
    #[seal(sort_key, sign)]
    line: u32,
    text: String,
}

fn main() {
    let context = CryptoAction::SignAndIncludeInEncryptionContext;
    assert!(Order::SCHEMA.has_context());
    assert_eq!(Order::SCHEMA.partition_key().unwrap().action(), context);
    assert_eq!(Order::SCHEMA.sort_key().unwrap().action(), context);
}
