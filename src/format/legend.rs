//! The encrypt legend: one byte per signed attribute, in canonical order.

use crate::action::CryptoAction;

/// What was done to one signed attribute, as the header says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegendByte {
    EncryptAndSign,
    SignOnly,
    SignAndInclude,
}

impl LegendByte {
    pub(crate) const fn to_byte(self) -> u8 {
        match self {
            Self::EncryptAndSign => b'e',
            Self::SignOnly => b's',
            Self::SignAndInclude => b'c',
        }
    }

    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'e' => Some(Self::EncryptAndSign),
            b's' => Some(Self::SignOnly),
            b'c' => Some(Self::SignAndInclude),
            _ => None,
        }
    }

    pub(crate) const fn action(self) -> CryptoAction {
        match self {
            Self::EncryptAndSign => CryptoAction::EncryptAndSign,
            Self::SignOnly => CryptoAction::SignOnly,
            Self::SignAndInclude => CryptoAction::SignAndIncludeInEncryptionContext,
        }
    }
}
