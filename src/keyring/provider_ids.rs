//! What encrypted data keys say that they are of, but those of raw keys, which say what the caller likes.

pub(crate) use super::branch_key::PROVIDER_ID as BRANCH_KEY;
pub(crate) use super::ecdh_wrapping::{KMS_PROVIDER_ID as KMS_ECDH, RAW_PROVIDER_ID as RAW_ECDH};
pub(crate) use super::kms::PROVIDER_ID as KMS;
pub(crate) use super::kms_rsa::PROVIDER_ID as KMS_RSA;
pub(crate) use super::table_key::PROVIDER_ID as TABLE_KEY;
