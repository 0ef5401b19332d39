//! Algorithm suites: how an item is committed to, signed, and who can forge it.

use std::fmt;

/// An algorithm suite of the DB-ESDK item format.
///
/// Both encrypt with AES-256-GCM under keys derived by HKDF-SHA-512, commit to the data key, and
/// carry an HMAC-SHA-384 tag per recipient. Suites are ordered by strength: a later one protects
/// against more.
#[expect(clippy::exhaustive_enums, reason = "the item format closes this list")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlgorithmSuite {
    /// 0x6700: recipient tags only. Whoever can open an item can forge one.
    SymsigHmacSha384,
    /// 0x6701: also an ECDSA P-384 signature by a key made for this one item. The default under
    /// KMS keyrings, where it keeps principals that may only `kms:Decrypt` from forging.
    EcdsaP384,
}

impl AlgorithmSuite {
    /// The suite's number in the specification.
    ///
    /// ```
    /// assert_eq!(dynaseal::AlgorithmSuite::EcdsaP384.id(), 0x6701);
    /// ```
    #[must_use]
    pub const fn id(self) -> u16 {
        match self {
            Self::SymsigHmacSha384 => 0x6700,
            Self::EcdsaP384 => 0x6701,
        }
    }

    /// The suite with this number, if the item format knows it.
    #[must_use]
    pub const fn from_id(id: u16) -> Option<Self> {
        match id {
            0x6700 => Some(Self::SymsigHmacSha384),
            0x6701 => Some(Self::EcdsaP384),
            _ => None,
        }
    }

    /// The header's flavor byte.
    pub(crate) const fn flavor(self) -> u8 {
        match self {
            Self::SymsigHmacSha384 => 0,
            Self::EcdsaP384 => 1,
        }
    }

    pub(crate) const fn from_flavor(flavor: u8) -> Option<Self> {
        match flavor {
            0 => Some(Self::SymsigHmacSha384),
            1 => Some(Self::EcdsaP384),
            _ => None,
        }
    }

    pub(crate) const fn is_signing(self) -> bool {
        matches!(self, Self::EcdsaP384)
    }
}

impl fmt::Display for AlgorithmSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.id())
    }
}

/// What a keyring's wrapping ties an intermediate key to, weakest first.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyBinding {
    /// Anybody who has a public key can wrap (RSA, ephemeral ECDH).
    PublicKey,
    /// Whoever can unwrap can also wrap (raw AES, hierarchical, table key).
    SharedSecret,
    /// KMS binds the whole encryption context, the item's public key included, and wrapping is a
    /// permission of its own.
    KmsContext,
}

/// Who could have made an item that opened.
///
/// It follows from the keyring and the suite, not from the item.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authenticity {
    /// Everybody who has the recipient's public key.
    PublicKeyHolders,
    /// Everybody who can open items.
    Openers,
    /// Only principals that may `kms:GenerateDataKey`, `kms:Encrypt` or `kms:ReEncrypt*` with the key.
    KmsEncryptors,
}

impl Authenticity {
    /// Who can forge items of `suite` under a keyring with this binding.
    #[must_use]
    pub const fn of(binding: KeyBinding, suite: AlgorithmSuite) -> Self {
        match (binding, suite) {
            (KeyBinding::PublicKey, _) => Self::PublicKeyHolders,
            (KeyBinding::KmsContext, AlgorithmSuite::EcdsaP384) => Self::KmsEncryptors,
            (KeyBinding::KmsContext | KeyBinding::SharedSecret, _) => Self::Openers,
        }
    }
}

impl KeyBinding {
    /// The suite that is worth its cost under this binding: a signature where KMS binds its public
    /// key, none where whoever opens could forge it as well.
    #[must_use]
    pub const fn default_suite(self) -> AlgorithmSuite {
        match self {
            Self::KmsContext => AlgorithmSuite::EcdsaP384,
            Self::SharedSecret | Self::PublicKey => AlgorithmSuite::SymsigHmacSha384,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_helps_only_where_kms_binds_the_public_key() {
        use AlgorithmSuite::{EcdsaP384, SymsigHmacSha384};
        let table = [
            (
                KeyBinding::KmsContext,
                EcdsaP384,
                Authenticity::KmsEncryptors,
            ),
            (
                KeyBinding::KmsContext,
                SymsigHmacSha384,
                Authenticity::Openers,
            ),
            (KeyBinding::SharedSecret, EcdsaP384, Authenticity::Openers),
            (
                KeyBinding::PublicKey,
                EcdsaP384,
                Authenticity::PublicKeyHolders,
            ),
        ];
        for (binding, suite, expected) in table {
            assert_eq!(Authenticity::of(binding, suite), expected);
        }
    }

    #[test]
    fn numbers_and_flavors_round_trip() {
        for suite in [AlgorithmSuite::SymsigHmacSha384, AlgorithmSuite::EcdsaP384] {
            assert_eq!(AlgorithmSuite::from_id(suite.id()), Some(suite));
            assert_eq!(AlgorithmSuite::from_flavor(suite.flavor()), Some(suite));
        }
        assert_eq!(AlgorithmSuite::from_flavor(2), None);
    }
}
