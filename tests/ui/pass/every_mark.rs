use dynaseal::item::{Model, PartitionAndSortKey, Role, VersionStart};
use dynaseal::{CryptoAction, Redacted, Seal, Unsigned};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: String,
    #[seal(encrypt)]
    ssn: Redacted<String>,
    #[seal(sign)]
    plan: String,
    #[seal(context)]
    country: Option<String>,
    #[seal(tenant)]
    tenant: String,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
    #[seal(version)]
    version: u64,
    full_name: String,
}

fn is_model<T: Model<KeyShape = PartitionAndSortKey>>() {}

fn main() {
    is_model::<Customer>();
    let schema = Customer::SCHEMA;
    assert_eq!(schema.logical_table_name(), Some("customers"));
    let context = CryptoAction::SignAndIncludeInEncryptionContext;
    let expected = [
        ("customerId", context, Role::PartitionKey),
        ("record", context, Role::SortKey),
        ("ssn", CryptoAction::EncryptAndSign, Role::Plain),
        ("plan", CryptoAction::SignOnly, Role::Plain),
        ("country", context, Role::Plain),
        ("tenant", context, Role::Tenant),
        (":views", CryptoAction::DoNothing, Role::Plain),
        ("version", CryptoAction::SignOnly, Role::Version),
        ("fullName", CryptoAction::EncryptAndSign, Role::Plain),
    ];
    let found: Vec<_> =
        schema.attributes().map(|a| (a.name(), a.action(), a.role())).collect();
    assert_eq!(found, expected);
    assert_eq!(schema.tenant().unwrap().name(), "tenant");
    assert_eq!(schema.version().unwrap().name(), "version");
    assert_eq!(schema.version().unwrap().version_start(), VersionStart::Clock);
    assert_eq!(Counted::SCHEMA.version().unwrap().version_start(), VersionStart::One);
    assert_eq!(Clocked::SCHEMA.version().unwrap().version_start(), VersionStart::Clock);
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
struct Counted {
    #[seal(partition_key)]
    id: String,
    #[seal(version, start = "one")]
    version: u64,
}

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
struct Clocked {
    #[seal(partition_key)]
    id: String,
    #[seal(start = "clock")]
    #[seal(version)]
    version: u64,
}
