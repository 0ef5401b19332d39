use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[serde(rename = "aws_dbe_head")]
    head: String,
    aws_dbe_b_name: String,
}

fn main() {}
