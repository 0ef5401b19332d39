//! What the type of a handle is worth.

use crate::item::ItemEncryptor;
use crate::suite::Authenticity;

/// What keeps a handle from the other power.
///
/// A type keeps a program from calling the wrong verb. Whether it also keeps whoever runs that
/// program from it depends on the keyring, and on what the principal may do with its keys.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limits {
    /// The verbs of the handle never need the permission that the other power needs, so the principal
    /// can be denied it: a handle that only seals never calls `kms:Decrypt`, one that only opens
    /// never calls `kms:GenerateDataKey` and cannot forge either.
    Permission,
    /// Only the type: with the same keyring, or what a reader learns from it, the program could do
    /// the other thing as well.
    Api,
}

impl Limits {
    /// Of a handle that only seals. The keyring knows whether to unwrap is a permission of its own.
    pub(super) fn of_sealing(encryptor: &ItemEncryptor) -> Self {
        if encryptor.can_seal_without_opening() {
            Self::Permission
        } else {
            Self::Api
        }
    }

    /// Of a handle that only opens. Under KMS, to wrap is a permission of its own; but a reader keeps
    /// the keys of what it opened, and can forge items of the suite that has no signature. So it
    /// depends on whether readers accept any.
    pub(super) fn of_opening(encryptor: &ItemEncryptor) -> Self {
        let binding = encryptor.binding();
        match Authenticity::of(binding, encryptor.schema().weakest_suite(binding)) {
            Authenticity::KmsEncryptors => Self::Permission,
            _ => Self::Api,
        }
    }
}
