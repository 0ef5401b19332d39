use dynaseal::{Redacted, Seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: Redacted<String>,
}

fn main() {}
