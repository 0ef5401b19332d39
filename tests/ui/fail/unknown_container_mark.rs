use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", name = "x")]
struct Model {
    #[seal(partition_key)]
    id: String,
}

fn main() {}
