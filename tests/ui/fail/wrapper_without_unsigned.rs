use dynaseal::{Seal, Unsigned};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[seal(sign)]
    views: Unsigned<u64>,
    likes: dynaseal::Unsigned<u64>,
}

fn main() {}
