use std::collections::BTreeMap;

use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

fn main() {}
