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
/// Beacons of searchable encryption, which are neither signed nor encrypted.
pub(crate) const BEACON_PREFIX: &str = "aws_dbe_b_";
