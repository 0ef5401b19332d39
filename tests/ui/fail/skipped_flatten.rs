use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(default = "encrypt")]
struct Address {
    street: String,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[serde(flatten, skip_serializing)]
    address: Address,
}

fn main() {}
