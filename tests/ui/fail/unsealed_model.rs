use dynaseal::item::Model;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order {
    id: String,
}

fn put<T: Model>(_: T) {}

fn main() {
    put(Order { id: String::new() });
}
