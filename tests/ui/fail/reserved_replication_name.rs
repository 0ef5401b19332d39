use dynaseal::{Seal, Unsigned};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[seal(unsigned)]
    #[serde(rename = "aws:rep:updateregion")]
    region: Unsigned<String>,
}

fn main() {}
