use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[seal(context)]
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
}

fn main() {}
