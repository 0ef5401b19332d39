use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key, as_value)]
    id: String,
}

fn main() {}
