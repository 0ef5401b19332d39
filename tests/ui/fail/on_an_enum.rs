use dynaseal::Seal;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t")]
enum Model {
    Customer { id: String },
}

fn main() {}
