use dynaseal::item::{Model, NoKey, PartitionAndSortKey};
use dynaseal::{CryptoAction, Seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
struct Keys {
    #[seal(partition_key)]
    pk: String,
    #[seal(sort_key)]
    sk: String,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(default = "encrypt")]
struct Address {
    street: String,
    #[seal(sign)]
    city: String,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "customers")]
pub struct Customer {
    #[serde(flatten)]
    keys: Keys,
    #[serde(flatten)]
    address: Address,
    #[seal(encrypt)]
    name: String,
}

fn shape<T: Model<KeyShape = PartitionAndSortKey>>() {}
fn no_shape<T: Model<KeyShape = NoKey>>() {}

fn main() {
    shape::<Customer>();
    no_shape::<Address>();
    let names: Vec<_> = Customer::SCHEMA.attributes().map(|a| a.name()).collect();
    assert_eq!(names, ["pk", "sk", "street", "city", "name"]);
    assert_eq!(Customer::SCHEMA.sort_key().unwrap().name(), "sk");
    assert_eq!(Customer::SCHEMA.attribute("street").unwrap().action(), CryptoAction::EncryptAndSign);
    assert_eq!(Address::SCHEMA.logical_table_name(), None);

    let keys = Keys { pk: "p".into(), sk: "s".into() };
    let address = Address { street: "1st".into(), city: "Rome".into() };
    let item = Customer { keys, address, name: "Ada".into() }.to_item().unwrap();
    assert_eq!(item.len(), 5);
    assert_eq!(Customer::from_item(item).unwrap().address.city, "Rome");
}
