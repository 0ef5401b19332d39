use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
#[serde(rename_all = "kebab-case")]
struct Model {
    #[seal(partition_key)]
    id: String,
    aws_crypto_note: String,
}

fn main() {}
