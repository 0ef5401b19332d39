// Nothing of the prelude is needed, and marks may stand in several attributes.
use dynaseal::Seal;

type Result<T> = std::result::Result<T, ()>;
#[allow(non_camel_case_types, dead_code)]
enum Option {}

#[derive(serde::Serialize, serde::Deserialize, dynaseal::Seal)]
#[seal(table = "t")]
#[seal(default = "encrypt")]
struct Model {
    #[seal(partition_key)]
    #[seal(context)]
    id: std::string::String,
    both: (u8, [std::vec::Vec<u8>; 2]),
}

fn main() {
    let _: Result<u8> = Ok(1);
    assert_eq!(Model::SCHEMA.attributes().count(), 2);
}
