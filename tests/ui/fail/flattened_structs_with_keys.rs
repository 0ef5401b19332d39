use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
struct A {
    #[seal(partition_key)]
    a: String,
}

#[derive(Serialize, Deserialize, Seal)]
struct B {
    #[seal(partition_key)]
    b: String,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Model {
    #[serde(flatten)]
    a: A,
    #[serde(flatten)]
    b: B,
}

fn main() {}
