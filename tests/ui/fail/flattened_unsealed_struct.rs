use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Address {
    street: String,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[serde(flatten)]
    address: Address,
}

fn main() {}
