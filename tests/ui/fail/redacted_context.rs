use dynaseal::{Redacted, Seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[seal(context)]
    ssn: Option<Redacted<String>>,
}

fn main() {}
