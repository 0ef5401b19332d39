//! RSA encryption, by way of AWS-LC: the pure-Rust `rsa` crate is not constant in time.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
    Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use zeroize::Zeroizing;

use super::Unauthentic;
use super::random::RandomFailure;

/// How a key is padded before RSA encrypts it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RsaPadding {
    /// PKCS #1 v1.5, for items that are there already. Readers that an attacker can time or watch
    /// fail have leaked plaintexts under it for decades; seal under OAEP.
    Pkcs1,
    /// OAEP with SHA-1, and MGF1 with SHA-1.
    OaepSha1,
    /// OAEP with SHA-256, and MGF1 with SHA-256.
    OaepSha256,
    /// OAEP with SHA-384, and MGF1 with SHA-384.
    OaepSha384,
    /// OAEP with SHA-512, and MGF1 with SHA-512.
    OaepSha512,
}

impl RsaPadding {
    /// `None` for PKCS #1 v1.5.
    fn oaep(self) -> Option<&'static OaepAlgorithm> {
        match self {
            Self::Pkcs1 => None,
            Self::OaepSha1 => Some(&OAEP_SHA1_MGF1SHA1),
            Self::OaepSha256 => Some(&OAEP_SHA256_MGF1SHA256),
            Self::OaepSha384 => Some(&OAEP_SHA384_MGF1SHA384),
            Self::OaepSha512 => Some(&OAEP_SHA512_MGF1SHA512),
        }
    }
}

/// A public key of 2048 to 8192 bits.
#[derive(Clone)]
pub(crate) struct RsaPublicKey(PublicEncryptingKey);

impl RsaPublicKey {
    /// Reads an X.509 `SubjectPublicKeyInfo`.
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        PublicEncryptingKey::from_der(der).ok().map(Self)
    }

    /// Encrypts under AWS-LC's own randomness: it takes none from outside.
    pub(crate) fn encrypt(
        &self,
        padding: RsaPadding,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, RandomFailure> {
        let mut ciphertext = vec![0; self.0.key_size_bytes()];
        let key = self.0.clone();
        let written = match padding.oaep() {
            Some(oaep) => OaepPublicEncryptingKey::new(key)
                .and_then(|key| Ok(key.encrypt(oaep, plaintext, &mut ciphertext, None)?.len())),
            None => Pkcs1PublicEncryptingKey::new(key)
                .and_then(|key| Ok(key.encrypt(plaintext, &mut ciphertext)?.len())),
        };
        ciphertext.truncate(written.map_err(|_| RandomFailure)?);
        Ok(ciphertext)
    }
}

/// A private key of 2048 to 8192 bits.
pub(crate) struct RsaPrivateKey(PrivateDecryptingKey);

impl RsaPrivateKey {
    /// Reads a PKCS #8 `PrivateKeyInfo`.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        PrivateDecryptingKey::from_pkcs8(der).ok().map(Self)
    }

    /// Whether this is the private half of `public`.
    pub(crate) fn belongs_to(&self, public: &RsaPublicKey) -> bool {
        match (self.0.public_key().as_der(), public.0.as_der()) {
            (Ok(own), Ok(other)) => own.as_ref() == other.as_ref(),
            _ => false,
        }
    }

    /// Decrypts into `out`, if the plaintext has exactly that many bytes; else `out` is untouched.
    pub(crate) fn decrypt(
        &self,
        padding: RsaPadding,
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<(), Unauthentic> {
        let mut buffer = Zeroizing::new(vec![0; self.0.key_size_bytes()]);
        let key = self.0.clone();
        let plaintext = match padding.oaep() {
            Some(oaep) => OaepPrivateDecryptingKey::new(key)
                .and_then(|key| Ok(&*key.decrypt(oaep, ciphertext, &mut buffer, None)?)),
            None => Pkcs1PrivateDecryptingKey::new(key)
                .and_then(|key| Ok(&*key.decrypt(ciphertext, &mut buffer)?)),
        };
        let plaintext = plaintext.map_err(|_| Unauthentic)?;
        if plaintext.len() != out.len() {
            return Err(Unauthentic);
        }
        out.copy_from_slice(plaintext);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use aws_lc_rs::rsa::KeySize;

    use super::*;

    /// PKCS #8 and X.509. Generating takes long, so tests share two.
    pub(crate) struct KeyPair {
        pub(crate) private: Vec<u8>,
        pub(crate) public: Vec<u8>,
    }

    pub(crate) static FIRST: LazyLock<KeyPair> = LazyLock::new(generate);
    pub(crate) static SECOND: LazyLock<KeyPair> = LazyLock::new(generate);

    pub(crate) const PADDINGS: [RsaPadding; 5] = [
        RsaPadding::Pkcs1,
        RsaPadding::OaepSha1,
        RsaPadding::OaepSha256,
        RsaPadding::OaepSha384,
        RsaPadding::OaepSha512,
    ];

    fn generate() -> KeyPair {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        KeyPair {
            private: AsDer::as_der(&key).unwrap().as_ref().to_vec(),
            public: key.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    }

    #[test]
    fn decrypts_what_it_encrypted_under_the_same_padding_alone() {
        let public = RsaPublicKey::from_der(&FIRST.public).unwrap();
        let private = RsaPrivateKey::from_pkcs8(&FIRST.private).unwrap();
        for padding in PADDINGS {
            let ciphertext = public.encrypt(padding, &[7; 32]).unwrap();
            assert_eq!(ciphertext.len(), 256);
            for other in PADDINGS {
                let mut out = [0; 32];
                let opened = private.decrypt(other, &ciphertext, &mut out);
                assert_eq!(opened.is_ok(), other == padding, "{padding:?} {other:?}");
                assert_eq!(out == [7; 32], other == padding);
            }
            let mut longer = [9; 33];
            assert!(private.decrypt(padding, &ciphertext, &mut longer).is_err());
            assert_eq!(longer, [9; 33]);
        }
    }

    #[test]
    fn knows_which_halves_belong_together() {
        let private = RsaPrivateKey::from_pkcs8(&FIRST.private).unwrap();
        let own = RsaPublicKey::from_der(&FIRST.public).unwrap();
        let other = RsaPublicKey::from_der(&SECOND.public).unwrap();
        assert!(private.belongs_to(&own) && !private.belongs_to(&other));
    }

    #[test]
    fn refuses_what_is_no_key() {
        assert!(RsaPublicKey::from_der(&FIRST.private).is_none());
        assert!(RsaPrivateKey::from_pkcs8(&FIRST.public).is_none());
        let cut = &FIRST.public[..FIRST.public.len() - 1];
        assert!(RsaPublicKey::from_der(cut).is_none());
    }
}
