use dynaseal::item::{AnyKey, IntoKey, Key, PartitionAndSortKey, PartitionKeyOnly};
use dynaseal::{Item, Seal};

fn get<T: dynaseal::item::Model>(key: impl IntoKey<T::KeyShape>) -> Key {
    key.into_key()
}

#[derive(serde::Serialize, serde::Deserialize, Seal)]
#[seal(table = "t")]
struct One {
    #[seal(partition_key)]
    id: String,
}

#[derive(serde::Serialize, serde::Deserialize, Seal)]
#[seal(table = "t")]
struct Two {
    #[seal(partition_key)]
    id: String,
    #[seal(sort_key)]
    number: u64,
}

fn main() {
    assert!(get::<One>("a").sort_value().is_none());
    assert!(get::<Two>(("a", 1_u64)).sort_value().is_some());
    assert_eq!(get::<Item>("a"), get::<Item>(get::<One>("a")));
    assert_eq!(get::<Item>(("a", 1)), get::<Two>(("a", 1)));
    assert_eq!(One::SCHEMA.attributes().count() + Two::SCHEMA.attributes().count(), 3);
    fn shapes<T: IntoKey<PartitionKeyOnly> + IntoKey<AnyKey>>() {}
    shapes::<String>();
    shapes::<Vec<u8>>();
    fn pair<T: IntoKey<PartitionAndSortKey> + IntoKey<AnyKey>>() {}
    pair::<(&str, [u8; 4])>();
}
