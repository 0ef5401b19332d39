use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[seal(others = "sign")]
    #[serde(flatten)]
    a: std::collections::BTreeMap<String, String>,
    #[seal(others = "encrypt")]
    #[serde(flatten)]
    b: std::collections::BTreeMap<String, String>,
}

fn main() {}
