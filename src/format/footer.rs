//! The footer: one tag per recipient, and under 0x6701 a signature.

use crate::crypto::signature::SIGNATURE_LEN;
use crate::cursor::Cursor;
use crate::error::Malformed;
use crate::suite::AlgorithmSuite;

pub(crate) const TAG_LEN: usize = 48;

const PART: &str = "footer";

/// HMAC-SHA-384 of the canonical hash under one recipient's key.
pub(crate) type RecipientTag = [u8; TAG_LEN];

/// A footer as it was received.
pub(crate) struct Footer<'a> {
    tags: &'a [RecipientTag],
    signature: Option<&'a [u8; SIGNATURE_LEN]>,
}

impl<'a> Footer<'a> {
    /// Reads a footer that must hold `recipients` tags, and a signature if the suite has one.
    pub(crate) fn parse(
        bytes: &'a [u8],
        suite: AlgorithmSuite,
        recipients: usize,
    ) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(PART, bytes);
        let (tags, rest) = cursor.take(recipients * TAG_LEN)?.as_chunks();
        debug_assert!(rest.is_empty(), "a multiple of the tag length was taken");
        let signature = if suite.is_signing() {
            Some(cursor.array()?)
        } else {
            None
        };
        cursor.finish()?;
        Ok(Self { tags, signature })
    }

    /// The tag of the recipient at this place among the encrypted data keys.
    pub(crate) fn tag(&self, recipient: usize) -> Option<&'a RecipientTag> {
        self.tags.get(recipient)
    }

    pub(crate) fn signature(&self) -> Option<&'a [u8; SIGNATURE_LEN]> {
        self.signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AlgorithmSuite::{EcdsaP384, SymsigHmacSha384};

    #[test]
    fn has_exactly_one_length_per_suite_and_recipients() {
        for (suite, recipients, len) in [
            (SymsigHmacSha384, 1, 48),
            (SymsigHmacSha384, 3, 144),
            (EcdsaP384, 1, 151),
            (EcdsaP384, 2, 199),
        ] {
            assert!(Footer::parse(&vec![0; len], suite, recipients).is_ok());
            assert!(Footer::parse(&vec![0; len - 1], suite, recipients).is_err());
            assert!(Footer::parse(&vec![0; len + 1], suite, recipients).is_err());
        }
        assert!(Footer::parse(&[0; 151], SymsigHmacSha384, 1).is_err());
    }
}
