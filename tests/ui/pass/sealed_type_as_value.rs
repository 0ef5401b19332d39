use dynaseal::{CryptoAction, Seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "addresses", default = "encrypt")]
struct Address {
    #[seal(partition_key)]
    id: String,
    street: String,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "customers")]
struct Customer {
    #[seal(partition_key)]
    id: String,
    #[seal(encrypt, as_value)]
    homes: Option<Vec<Address>>,
}

fn main() {
    let homes = Customer::SCHEMA.attribute("homes").unwrap();
    assert_eq!(homes.action(), CryptoAction::EncryptAndSign);
}
