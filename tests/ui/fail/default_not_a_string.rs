use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = 1)]
struct Model {
    #[seal(partition_key)]
    id: String,
}

fn main() {}
