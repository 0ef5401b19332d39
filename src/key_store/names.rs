//! What is called how in the records of a key store, and in the encryption contexts of their keys.

pub(crate) const ID: &str = "branch-key-id";
pub(crate) const TYPE: &str = "type";
/// In records alone; it is what KMS wrapped.
pub(super) const ENC: &str = "enc";
/// Of the record that is sealed with alone.
pub(crate) const VERSION: &str = "version";
pub(crate) const KMS_ARN: &str = "kms-arn";
pub(crate) const CREATE_TIME: &str = "create-time";
pub(crate) const HIERARCHY_VERSION: &str = "hierarchy-version";
/// Before the names of custom entries.
pub(crate) const CUSTOM_PREFIX: &str = "aws-crypto-ec:";
/// In contexts alone; no record has it.
pub(crate) const TABLE_NAME: &str = "tablename";

pub(crate) const ACTIVE: &str = "branch:ACTIVE";
pub(crate) const VERSION_PREFIX: &str = "branch:version:";
pub(super) const BEACON: &str = "beacon:ACTIVE";
/// Of the row that says that a branch key was erased.
pub(super) const ERASED: &str = "dynaseal:erased";
pub(crate) const OUR_HIERARCHY_VERSION: &str = "1";
