//! AES-GCM with 12-byte nonces and 16-byte tags (NIST SP 800-38D).

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm, AesGcm, KeyInit};

use super::Unauthentic;

pub(crate) const NONCE_LEN: usize = 12;
pub(crate) const TAG_LEN: usize = 16;

type Aes192Gcm = AesGcm<aes::Aes192, U12>;

/// An expanded AES key of 128, 192 or 256 bits; its schedule is wiped on drop.
pub(crate) struct AeadKey(Cipher);

enum Cipher {
    Aes128(Aes128Gcm),
    Aes192(Aes192Gcm),
    Aes256(Aes256Gcm),
}

/// Runs `$body` with the cipher of whatever size bound to `$cipher`.
macro_rules! with_cipher {
    ($key:expr, $cipher:ident => $body:expr) => {
        match &$key.0 {
            Cipher::Aes128($cipher) => $body,
            Cipher::Aes192($cipher) => $body,
            Cipher::Aes256($cipher) => $body,
        }
    };
}

impl AeadKey {
    pub(crate) fn aes256(key: &[u8; 32]) -> Self {
        Self(Cipher::Aes256(Aes256Gcm::new(key.into())))
    }

    /// A key of 16, 24 or 32 bytes; `None` for any other length.
    pub(crate) fn from_slice(key: &[u8]) -> Option<Self> {
        let cipher = match key.len() {
            16 => Cipher::Aes128(Aes128Gcm::new_from_slice(key).ok()?),
            24 => Cipher::Aes192(Aes192Gcm::new_from_slice(key).ok()?),
            32 => Cipher::Aes256(Aes256Gcm::new_from_slice(key).ok()?),
            _ => return None,
        };
        Some(Self(cipher))
    }

    /// Encrypts `buffer` in place and returns the tag.
    ///
    /// Fails only on lengths over 64 GiB, which nothing that fits an item reaches.
    pub(crate) fn seal_in_place(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Unauthentic> {
        with_cipher!(self, cipher => cipher
            .encrypt_inout_detached(nonce.into(), aad, InOutBuf::from(buffer))
            .map(Into::into)
            .map_err(|_| Unauthentic))
    }

    /// Appends ciphertext and tag of `plaintext` to `out`.
    pub(crate) fn seal_to(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        let start = out.len();
        out.extend_from_slice(plaintext);
        let tag = self.seal_in_place(nonce, aad, out.get_mut(start..).unwrap_or_default())?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// Decrypts `ciphertext ‖ tag` into `out`, which must be exactly as long as the ciphertext.
    ///
    /// On failure `out` is all zeros.
    pub(crate) fn open_to(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Unauthentic> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Unauthentic)?;
        let opened = InOutBuf::new(ciphertext, out)
            .map_err(|_| Unauthentic)
            .and_then(|buffer| {
                with_cipher!(self, cipher => cipher
                .decrypt_inout_detached(nonce.into(), aad, buffer, tag.into())
                .map_err(|_| Unauthentic))
            });
        if opened.is_err() {
            out.fill(0);
        }
        opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_key_lengths_that_aes_does_not_have() {
        for len in [0, 15, 17, 31, 33, 64] {
            assert!(AeadKey::from_slice(&vec![0; len]).is_none(), "{len}");
        }
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        for len in [16, 24, 32] {
            let key = AeadKey::from_slice(&vec![9; len]).unwrap();
            let mut sealed = Vec::new();
            key.seal_to(&[1; 12], b"aad", b"attack at dawn", &mut sealed)
                .unwrap();
            let mut out = [0; 14];
            key.open_to(&[1; 12], b"aad", &sealed, &mut out).unwrap();
            assert_eq!(&out, b"attack at dawn");
            assert_eq!(
                key.open_to(&[1; 12], b"dad", &sealed, &mut out),
                Err(Unauthentic)
            );
            assert_eq!(out, [0; 14], "nothing of a refused message stays");
            assert!(
                key.open_to(&[1; 12], b"aad", &sealed[..15], &mut out)
                    .is_err()
            );
        }
    }

    /// NIST GCM test case 14 (AES-256, one zero block).
    #[test]
    fn agrees_with_the_published_test_case() {
        let mut out = Vec::new();
        AeadKey::aes256(&[0; 32])
            .seal_to(&[0; 12], b"", &[0; 16], &mut out)
            .unwrap();
        let hex: String = out.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        );
    }
}
