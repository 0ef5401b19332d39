//! ECDSA P-384 with SHA-384, in the one DER length that the item format has room for.

use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyCompressedBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};

use super::Unauthentic;
use super::random::RandomFailure;

/// A compressed P-384 point.
pub(crate) const PUBLIC_KEY_LEN: usize = 49;
/// `30 65 02 30 r48 02 31 00 s48`, or with r and s the other way round.
pub(crate) const SIGNATURE_LEN: usize = 103;

/// Bytes of the P-384 group order.
const SCALAR_LEN: usize = 48;

/// The order n of the P-384 group (SEC 2, section 2.5.1).
const GROUP_ORDER: [u8; SCALAR_LEN] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

/// How often a signature with a short r or s is made again; each try is short with p < 1/64.
const MAX_TRIES: usize = 64;

/// A signing key made for one item, and used once.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    public: [u8; PUBLIC_KEY_LEN],
}

impl SigningKey {
    /// Generates a key with AWS-LC's own randomness: it takes none from outside.
    pub(crate) fn generate() -> Result<Self, RandomFailure> {
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).map_err(|_| RandomFailure)?;
        let point: EcPublicKeyCompressedBin<'_> =
            pair.public_key().as_be_bytes().map_err(|_| RandomFailure)?;
        let public = point.as_ref().try_into().map_err(|_| RandomFailure)?;
        Ok(Self { pair, public })
    }

    pub(crate) fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.public
    }

    /// Signs `message`, whose SHA-384 is what ECDSA sees.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], RandomFailure> {
        for _ in 0..MAX_TRIES {
            let der = self
                .pair
                .sign(&SystemRandom::new(), message)
                .map_err(|_| RandomFailure)?;
            if let Some(signature) = scalars(der.as_ref()).and_then(|(r, s)| fit(&r, s)) {
                return Ok(signature);
            }
        }
        Err(RandomFailure)
    }
}

/// Verifies an ASN.1 DER signature over `message` under a compressed point.
pub(crate) fn verify(
    public_key: &[u8; PUBLIC_KEY_LEN],
    message: &[u8],
    signature: &[u8; SIGNATURE_LEN],
) -> Result<(), Unauthentic> {
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, public_key)
        .verify(message, signature)
        .map_err(|_| Unauthentic)
}

/// Encodes (r, s) in exactly 103 bytes: exactly one of the two must have its top bit set, which
/// replacing s by n - s (an equally valid signature) brings about. `None` if either is short.
fn fit(r: &[u8; SCALAR_LEN], s: [u8; SCALAR_LEN]) -> Option<[u8; SIGNATURE_LEN]> {
    let s = if is_high(r) == is_high(&s) {
        negate(&s)
    } else {
        s
    };
    if is_high(r) == is_high(&s) || is_short(r) || is_short(&s) {
        return None;
    }
    let mut out = Vec::with_capacity(SIGNATURE_LEN);
    out.extend_from_slice(&[0x30, 0x65]);
    for scalar in [r, &s] {
        out.extend_from_slice(if is_high(scalar) {
            &[0x02, 0x31, 0x00]
        } else {
            &[0x02, 0x30]
        });
        out.extend_from_slice(scalar);
    }
    out.try_into().ok()
}

fn is_high(scalar: &[u8; SCALAR_LEN]) -> bool {
    scalar[0] & 0x80 != 0
}

/// Whether DER would use fewer than 48 bytes: the top nine bits are zero.
fn is_short(scalar: &[u8; SCALAR_LEN]) -> bool {
    scalar[0] == 0 && scalar[1] & 0x80 == 0
}

/// n - s. Signatures are public, so this need not be constant in time.
fn negate(s: &[u8; SCALAR_LEN]) -> [u8; SCALAR_LEN] {
    let mut out = [0; SCALAR_LEN];
    let mut borrow = false;
    for ((out, n), s) in out.iter_mut().zip(GROUP_ORDER).zip(s).rev() {
        let (first, under_first) = n.overflowing_sub(*s);
        let (second, under_second) = first.overflowing_sub(u8::from(borrow));
        *out = second;
        borrow = under_first || under_second;
    }
    out
}

/// r and s of a DER signature, left-padded to 48 bytes.
fn scalars(der: &[u8]) -> Option<([u8; SCALAR_LEN], [u8; SCALAR_LEN])> {
    let [0x30, _, body @ ..] = der else {
        return None;
    };
    let (r, rest) = scalar(body)?;
    let (s, rest) = scalar(rest)?;
    rest.is_empty().then_some((r, s))
}

fn scalar(der: &[u8]) -> Option<([u8; SCALAR_LEN], &[u8])> {
    let [0x02, len, rest @ ..] = der else {
        return None;
    };
    let (integer, rest) = rest.split_at_checked(usize::from(*len))?;
    let digits = integer.strip_prefix(&[0]).unwrap_or(integer);
    let mut padded = [0; SCALAR_LEN];
    let start = SCALAR_LEN.checked_sub(digits.len())?;
    padded.get_mut(start..)?.copy_from_slice(digits);
    Some((padded, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_in_exactly_103_bytes_that_verify() {
        for n in 0_u32..64 {
            let key = SigningKey::generate().unwrap();
            let message = n.to_be_bytes();
            let signature = key.sign(&message).unwrap();
            verify(key.public_key(), &message, &signature).unwrap();
            assert_eq!(
                verify(key.public_key(), b"other", &signature),
                Err(Unauthentic)
            );
        }
    }

    #[test]
    fn negates_s_when_both_or_neither_are_high() {
        let (mut high, mut low) = ([0x11; 48], [0x11; 48]);
        high[0] = 0x91;
        low[0] = 0x71;
        for (r, s) in [(&high, high), (&low, low), (&high, low), (&low, high)] {
            let encoded = fit(r, s).expect("fits");
            let (r2, s2) = scalars(&encoded).expect("parses");
            assert_eq!(&r2, r);
            assert!(s2 == s || s2 == negate(&s));
            assert_eq!(negate(&negate(&s)), s);
        }
    }

    #[test]
    fn refuses_short_scalars() {
        let mut short = [0x11; 48];
        short[0] = 0;
        let mut high = [0x11; 48];
        high[0] = 0x91;
        assert!(fit(&short, high).is_none());
        assert!(scalars(&[0x30, 2, 2, 0]).is_none(), "a scalar is missing");
    }
}
