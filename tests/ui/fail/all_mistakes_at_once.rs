use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "none")]
struct Model {
    #[seal(partition_key, encrypt)]
    id: Option<String>,
    #[seal(unsigned)]
    views: u64,
    #[seal(secret)]
    name: String,
    #[serde(alias = "x")]
    plan: String,
}

fn main() {}
