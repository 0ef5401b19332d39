use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Number {
    #[seal(partition_key)]
    id: String,
    #[seal(tenant)]
    tenant: u64,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t", default = "encrypt")]
struct Bytes {
    #[seal(partition_key)]
    id: String,
    #[seal(tenant)]
    tenant: std::vec::Vec<u8>,
}

fn main() {}
