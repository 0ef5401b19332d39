use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
struct Sort {
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
    sort: Sort,
}

fn main() {}
