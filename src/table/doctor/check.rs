//! The names of the checks. They are part of the interface.

pub(super) const REGION_SET: &str = "region-set";
pub(super) const LOGICAL_TABLE_NAME: &str = "logical-table-name";
pub(super) const SUITE: &str = "suite";
pub(super) const KEYRING: &str = "keyring";
pub(super) const KEY_ARN: &str = "key-arn";
pub(super) const SAMPLE: &str = "sample";

pub(super) const KEY_EXISTS: &str = "key-exists";
pub(super) const KEY_REPLICA: &str = "key-replica";
pub(super) const KEY_STATE: &str = "key-state";
pub(super) const KEY_USAGE: &str = "key-usage";
pub(super) const GENERATE_DATA_KEY: &str = "generate-data-key";
pub(super) const DECRYPT: &str = "decrypt";

pub(super) const TABLE_EXISTS: &str = "table-exists";
pub(super) const TABLE_STATUS: &str = "table-status";
pub(super) const TABLE_REPLICAS: &str = "table-replicas";
pub(super) const TABLE_KEYS: &str = "table-keys";
pub(super) const TABLE_ENCRYPTION: &str = "table-encryption";
pub(super) const INDEX_KEYS: &str = "index-keys";

pub(super) const KEY_STORE: &str = "key-store";
pub(super) const KEY_STORE_EXISTS: &str = "key-store-exists";
pub(super) const KEY_STORE_STATUS: &str = "key-store-status";
pub(super) const KEY_STORE_REPLICAS: &str = "key-store-replicas";
pub(super) const KEY_STORE_KEYS: &str = "key-store-keys";
pub(super) const KEY_STORE_PROTECTION: &str = "key-store-protection";

pub(super) const STORED_ITEMS: &str = "stored-items";
pub(super) const STORED_TABLE_KEYS: &str = "stored-table-keys";
pub(super) const STORED_FOREIGN_KEYS: &str = "stored-foreign-keys";

/// The checks whose errors say that a region has no replica, of table, key store or key, that can be used.
pub(super) const OF_REPLICAS: [&str; 14] = [
    KEY_EXISTS,
    KEY_REPLICA,
    KEY_STATE,
    KEY_USAGE,
    GENERATE_DATA_KEY,
    DECRYPT,
    TABLE_EXISTS,
    TABLE_STATUS,
    TABLE_REPLICAS,
    TABLE_KEYS,
    KEY_STORE_EXISTS,
    KEY_STORE_STATUS,
    KEY_STORE_REPLICAS,
    KEY_STORE_KEYS,
];
