//! Answers after which a value may not be used any longer.

use std::convert::Infallible;

use crate::error::{KeyringError, KeyringErrorKind};

/// An error of a load.
pub(crate) trait Refusal {
    /// Whether somebody may have meant it, so that what was loaded earlier must go. Everything else is
    /// a service in trouble, which changes nothing about a value that still holds.
    fn refuses(&self) -> bool;

    /// Whether it says something of whoever began the load alone, so that those who wait for it look again.
    fn is_of_one(&self) -> bool {
        false
    }
}

/// Of a cache that loads nothing itself.
impl Refusal for Infallible {
    fn refuses(&self) -> bool {
        match *self {}
    }
}

/// Wider than [`KeyringError::is_refusal`], which decides about fallbacks: a key that no longer opens what
/// it opened before was changed, and a branch key whose record is gone from every region was deleted.
impl Refusal for KeyringError {
    fn refuses(&self) -> bool {
        matches!(
            self.kind(),
            KeyringErrorKind::Denied
                | KeyringErrorKind::Disabled
                | KeyringErrorKind::WrongKey
                | KeyringErrorKind::InvalidCiphertext
                | KeyringErrorKind::Erased
                | KeyringErrorKind::BranchKeyNotFound
                | KeyringErrorKind::NotYetReplicated
                | KeyringErrorKind::InvalidBranchKey
        ) || self.attempts().iter().any(Self::refuses)
    }

    /// The end of an item's allowance says nothing about what another item may do, and whoever writes to the
    /// table chooses which one begins.
    fn is_of_one(&self) -> bool {
        self.is_cut_short()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_for_refusals_in_every_attempt() {
        let of = KeyringError::new;
        for kind in [
            KeyringErrorKind::Denied,
            KeyringErrorKind::Disabled,
            KeyringErrorKind::WrongKey,
            KeyringErrorKind::InvalidCiphertext,
            KeyringErrorKind::Erased,
            KeyringErrorKind::BranchKeyNotFound,
            KeyringErrorKind::NotYetReplicated,
            KeyringErrorKind::InvalidBranchKey,
        ] {
            assert!(of(kind).refuses());
            let attempts = vec![of(KeyringErrorKind::Unavailable), of(kind)];
            let nested = KeyringError::from_attempts(vec![KeyringError::from_attempts(attempts)]);
            assert!(nested.refuses());
        }
    }

    #[test]
    fn takes_trouble_for_no_refusal() {
        for kind in [
            KeyringErrorKind::Unavailable,
            KeyringErrorKind::CircuitOpen,
            KeyringErrorKind::Throttled,
            KeyringErrorKind::Abandoned,
            KeyringErrorKind::ReplicaCreating,
            KeyringErrorKind::KeyStoreUnavailable,
            KeyringErrorKind::RolledBack,
        ] {
            let error = KeyringError::new(kind);
            assert!(!error.refuses());
            assert!(!KeyringError::from_attempts(vec![error]).refuses());
        }
    }
}
