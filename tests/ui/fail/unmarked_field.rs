use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t")]
struct Model {
    #[seal(partition_key)]
    id: String,
    name: String,
    plan: String,
}

fn main() {}
