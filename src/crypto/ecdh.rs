//! Elliptic-curve Diffie-Hellman on the NIST curves, by way of AWS-LC, with compressed points.

mod decompress;

use aws_lc_rs::agreement::{
    self, Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, ParsedPublicKey, UnparsedPublicKey,
};
use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyCompressedBin};
use zeroize::Zeroizing;

use super::Unauthentic;
use super::random::RandomFailure;

/// A curve on which two parties agree on a secret.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EcdhCurve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
}

/// X.509 `SubjectPublicKeyInfo` up to the uncompressed point.
const SPKI_P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const SPKI_P384: &[u8] =
    b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00";
const SPKI_P521: &[u8] = b"\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00";

impl EcdhCurve {
    /// As key derivation names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::P521 => "p521",
        }
    }

    /// Bytes of a coordinate, and of the secret that is agreed on.
    pub(crate) const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::P521 => &ECDH_P521,
        }
    }

    const fn spki(self) -> &'static [u8] {
        match self {
            Self::P256 => SPKI_P256,
            Self::P384 => SPKI_P384,
            Self::P521 => SPKI_P521,
        }
    }
}

/// A point that was checked to lie on its curve, compressed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EcdhPublicKey {
    curve: EcdhCurve,
    compressed: Vec<u8>,
}

impl EcdhPublicKey {
    /// Reads an X.509 `SubjectPublicKeyInfo`, or a point, compressed or not.
    pub(crate) fn parse(curve: EcdhCurve, bytes: &[u8]) -> Option<Self> {
        let point = bytes.strip_prefix(curve.spki()).unwrap_or(bytes);
        let len = curve.coordinate_len();
        let compressed = match point {
            [0x04, both @ ..] if both.len() == 2 * len => {
                let (x, y) = both.split_at_checked(len)?;
                let parity = y.last()? & 1;
                [&[0x02 | parity], x].concat()
            }
            [0x02 | 0x03, x @ ..] if x.len() == len => point.to_vec(),
            _ => return None,
        };
        // The point as it was given: a wrong y must not become a right one.
        let given = UnparsedPublicKey::new(curve.algorithm(), point);
        ParsedPublicKey::try_from(given).ok()?;
        Some(Self { curve, compressed })
    }

    pub(crate) fn compressed(&self) -> &[u8] {
        &self.compressed
    }

    /// An X.509 `SubjectPublicKeyInfo` with the uncompressed point, in DER.
    pub(crate) fn to_spki(&self) -> Option<Vec<u8>> {
        let point = decompress::decompress(self.curve, &self.compressed)?;
        let spki = [self.curve.spki(), &point].concat();
        (Self::parse(self.curve, &spki)? == *self).then_some(spki)
    }
}

/// What two parties agreed on: the x coordinate of a point.
pub(crate) struct SharedSecret(Zeroizing<Vec<u8>>);

impl SharedSecret {
    /// A secret that somebody else agreed on for us, if it has the length of a coordinate.
    pub(crate) fn agreed_elsewhere(curve: EcdhCurve, secret: Zeroizing<Vec<u8>>) -> Option<Self> {
        (secret.len() == curve.coordinate_len()).then_some(Self(secret))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// A private key, and its public half.
pub(crate) struct EcdhPrivateKey {
    key: agreement::PrivateKey,
    public: EcdhPublicKey,
}

impl EcdhPrivateKey {
    /// Generates a key with AWS-LC's own randomness: it takes none from outside.
    pub(crate) fn generate(curve: EcdhCurve) -> Result<Self, RandomFailure> {
        let key = agreement::PrivateKey::generate(curve.algorithm());
        let key = key.map_err(|_| RandomFailure)?;
        Self::new(curve, key).ok_or(RandomFailure)
    }

    /// Reads a PKCS #8 `PrivateKeyInfo` of a key on `curve`.
    pub(crate) fn from_pkcs8(curve: EcdhCurve, der: &[u8]) -> Option<Self> {
        let key = agreement::PrivateKey::from_private_key_der(curve.algorithm(), der);
        Self::new(curve, key.ok()?)
    }

    fn new(curve: EcdhCurve, key: agreement::PrivateKey) -> Option<Self> {
        let public = key.compute_public_key().ok()?;
        let compressed: EcPublicKeyCompressedBin<'_> = public.as_be_bytes().ok()?;
        let compressed = compressed.as_ref().to_vec();
        let public = EcdhPublicKey { curve, compressed };
        Some(Self { key, public })
    }

    pub(crate) fn public_key(&self) -> &EcdhPublicKey {
        &self.public
    }

    /// Agrees on a secret with whoever has the private half of `peer`.
    pub(crate) fn agree(&self, peer: &EcdhPublicKey) -> Result<SharedSecret, Unauthentic> {
        let peer = UnparsedPublicKey::new(peer.curve.algorithm(), peer.compressed());
        agreement::agree(&self.key, peer, Unauthentic, |secret| {
            Ok(SharedSecret(Zeroizing::new(secret.to_vec())))
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};

    use super::*;

    /// PKCS #8 and X.509.
    pub(crate) struct KeyPair {
        pub(crate) private: Vec<u8>,
        pub(crate) public: Vec<u8>,
    }

    pub(crate) fn generate(curve: EcdhCurve) -> KeyPair {
        let key = agreement::PrivateKey::generate(curve.algorithm()).unwrap();
        let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = key.compute_public_key().unwrap().as_der().unwrap();
        KeyPair {
            private: private.as_ref().to_vec(),
            public: public.as_ref().to_vec(),
        }
    }

    pub(crate) const CURVES: [EcdhCurve; 3] = [EcdhCurve::P256, EcdhCurve::P384, EcdhCurve::P521];

    #[test]
    fn both_parties_agree_by_compressed_points() {
        for curve in CURVES {
            let [a, b] = [0, 1].map(|_| EcdhPrivateKey::generate(curve).unwrap());
            let secret = a.agree(b.public_key()).unwrap();
            assert_eq!(secret.expose(), b.agree(a.public_key()).unwrap().expose());
            assert_eq!(secret.expose().len(), curve.coordinate_len());
            assert_eq!(
                a.public_key().compressed().len(),
                curve.coordinate_len() + 1
            );
        }
    }

    #[test]
    fn reads_one_key_in_all_its_forms() {
        for curve in CURVES {
            let key = EcdhPrivateKey::generate(curve).unwrap();
            let public = key.key.compute_public_key().unwrap();
            let spki: PublicKeyX509Der<'_> = public.as_der().unwrap();
            let forms = [spki.as_ref(), public.as_ref(), key.public.compressed()];
            for form in forms {
                let read = EcdhPublicKey::parse(curve, form).unwrap();
                assert!(read == key.public, "{curve:?}");
                assert_eq!(read.to_spki().unwrap(), spki.as_ref());
                assert!(EcdhPublicKey::parse(curve, &form[..form.len() - 1]).is_none());
            }
            for other in CURVES.into_iter().filter(|other| *other != curve) {
                assert!(
                    forms
                        .iter()
                        .all(|form| EcdhPublicKey::parse(other, form).is_none())
                );
            }
        }
    }

    #[test]
    fn decompresses_points_of_both_signs() {
        for curve in CURVES {
            for _ in 0..16 {
                let KeyPair { public, .. } = generate(curve);
                let key = EcdhPublicKey::parse(curve, &public).unwrap();
                assert_eq!(key.to_spki(), Some(public));
            }
        }
    }

    #[test]
    fn refuses_points_off_the_curve() {
        let key = EcdhPrivateKey::generate(EcdhCurve::P256).unwrap();
        let mut point = key.key.compute_public_key().unwrap().as_ref().to_vec();
        point[64] ^= 2;
        assert!(EcdhPublicKey::parse(EcdhCurve::P256, &point).is_none());
        // About half of all x belong to a point.
        let on_curve = (0..64).filter(|x| {
            let mut point = [0; 33];
            (point[0], point[32]) = (2, *x);
            EcdhPublicKey::parse(EcdhCurve::P256, &point).is_some()
        });
        assert!((8..56).contains(&on_curve.count()));
    }
}
