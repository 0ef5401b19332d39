use dynaseal::Seal;
use dynaseal::item::{IntoKey, Model};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "t")]
struct Order {
    #[seal(partition_key)]
    id: String,
    #[seal(sort_key)]
    line: u64,
}

fn get<T: Model>(_: impl IntoKey<T::KeyShape>) {}

fn main() {
    get::<Order>("o-1");
}
