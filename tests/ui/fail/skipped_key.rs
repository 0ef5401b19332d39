use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[seal(sort_key)]
    #[serde(skip_serializing_if = "String::is_empty")]
    line: String,
}

fn main() {}
