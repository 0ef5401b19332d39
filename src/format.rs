//! The bytes of a sealed item: header, footer, canonical paths. Pure; knows no keys.

pub(crate) mod canonical_path;
pub(crate) mod encrypted_data_key;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod legend;

pub use encrypted_data_key::EncryptedDataKey;

/// The attribute that holds the header.
pub(crate) const HEADER_ATTRIBUTE: &str = "aws_dbe_head";
/// The attribute that holds the footer.
pub(crate) const FOOTER_ATTRIBUTE: &str = "aws_dbe_foot";
/// Attributes with this prefix belong to the format.
pub(crate) const RESERVED_PREFIX: &str = "aws_dbe_";
/// Attributes with this prefix belong to DynamoDB, which adds them where it replicates.
pub(crate) const REPLICATION_PREFIX: &str = "aws:rep:";
/// Beacons of searchable encryption, which are neither signed nor encrypted.
pub(crate) const BEACON_PREFIX: &str = "aws_dbe_b_";

/// Whether an item that is sealed may not bring an attribute of this name.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED_PREFIX) || name.starts_with(REPLICATION_PREFIX)
}

/// Whether global tables of the version of 2017 write this attribute into every item: it is nobody's who
/// seals, and no signature covers it. Others with the prefix are not known, and not tolerated.
pub(crate) fn is_replication_attribute(name: &str) -> bool {
    let own = name.strip_prefix(REPLICATION_PREFIX);
    matches!(own, Some("deleting" | "updatetime" | "updateregion"))
}
