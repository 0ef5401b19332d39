//! Keys of the caller, as DER or as PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The DER of a private key: PKCS #8, not encrypted.
pub(super) fn private_key(encoded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    der(encoded, "PRIVATE KEY")
}

/// The DER of a public key: an X.509 `SubjectPublicKeyInfo`.
pub(super) fn public_key(encoded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    der(encoded, "PUBLIC KEY")
}

/// What one PEM block of this label holds; what is no PEM is taken for DER.
fn der(encoded: &[u8], label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = encoded.trim_ascii_start();
    if !encoded.starts_with(b"-----") {
        return Some(Zeroizing::new(encoded.to_vec()));
    }
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let body = encoded.strip_prefix(begin.as_bytes())?;
    let body = body.trim_ascii_end().strip_suffix(end.as_bytes())?;
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    text.extend(body.iter().filter(|byte| !byte.is_ascii_whitespace()));
    STANDARD.decode(&*text).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(label: &str, body: &str) -> String {
        format!("\n-----BEGIN {label}-----\r\n{body}\r\n-----END {label}-----\n")
    }

    #[test]
    fn reads_der_and_pem_of_its_label_alone() {
        let read = |text: String| public_key(text.as_bytes()).map(|der| der.to_vec());
        assert_eq!(*public_key(b"\x30\x01").unwrap(), b"\x30\x01");
        let body = "MDEyMzQ1\n Njc4OQ==";
        assert_eq!(read(pem("PUBLIC KEY", body)).unwrap(), b"0123456789");
        assert_eq!(read(pem("PRIVATE KEY", body)), None);
        assert!(private_key(pem("PRIVATE KEY", body).as_bytes()).is_some());
        assert_eq!(read(pem("PUBLIC KEY", "MDEyMzQ1*")), None);
        assert_eq!(read("-----BEGIN PUBLIC KEY-----\nMDEy".into()), None);
        let two = pem("PUBLIC KEY", body).repeat(2);
        assert_eq!(read(two), None);
    }
}
