use dynaseal::Seal;
use serde::Serialize;

#[derive(Serialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    id: String,
    #[serde(rename = "id")]
    other: String,
}

fn main() {}
