use dynaseal::item::Model;
use dynaseal::{Redacted, Seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[serde(rename = "Something", default, deny_unknown_fields)]
#[seal(table = "t", default = "encrypt")]
#[derive(Default)]
struct Skips {
    #[seal(partition_key)]
    id: String,
    #[serde(skip)]
    cache: Option<u8>,
    #[serde(skip_serializing)]
    read_only: u8,
    #[serde(skip_deserializing)]
    write_only: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maybe: Option<String>,
    #[serde(with = "dynaseal::bytes")]
    scan: Redacted<Vec<u8>>,
    #[cfg(any())]
    gone: NoSuchType,
    #[cfg_attr(all(), seal(sign))]
    conditional: String,
}

fn main() {
    let names: Vec<_> = Skips::SCHEMA.attributes().map(|a| a.name()).collect();
    assert_eq!(names, ["id", "read_only", "write_only", "maybe", "scan", "conditional"]);
    let item = Skips::default().to_item().unwrap();
    assert!(item["scan"].is_b());
    assert!(!item.contains_key("maybe") && !item.contains_key("read_only"));
}
