use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
struct Keys {
    #[seal(partition_key)]
    pk: String,
    #[seal(sort_key)]
    sk: String,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[serde(flatten)]
    keys: Keys,
}

fn main() {}
