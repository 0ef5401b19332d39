//! Known secrets, and every form in which a text could give one away.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Shorter ones than these would be found by chance.
const MIN_LEN: usize = 6;

pub(super) struct Secrets(Vec<Needle>);

struct Needle {
    form: &'static str,
    text: String,
}

impl Secrets {
    pub(super) fn new(secrets: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(
            secrets
                .into_iter()
                .flat_map(|secret| forms(&secret))
                .collect(),
        )
    }

    /// These, and more.
    pub(super) fn and(mut self, secrets: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.0.extend(Self::new(secrets).0);
        self
    }

    /// The form and the text of the first secret in there, if there is any.
    pub(super) fn find_in(&self, text: &str) -> Option<String> {
        // Lists of bytes are compared without their white space, as `{:#?}` breaks lines.
        let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let is_in = |needle: &&Needle| match needle.form {
            "list" => dense.contains(&needle.text),
            _ => text.contains(&needle.text),
        };
        let found = self.0.iter().find(is_in);
        found.map(|needle| format!("{}: {}", needle.form, needle.text))
    }
}

fn forms(secret: &[u8]) -> Vec<Needle> {
    assert!(
        secret.len() >= MIN_LEN,
        "too short to be found with certainty"
    );
    let mut forms = vec![
        ("escaped", secret.escape_ascii().to_string()),
        ("lower hex", hex(secret, |byte| format!("{byte:02x}"))),
        ("upper hex", hex(secret, |byte| format!("{byte:02X}"))),
    ];
    // As `Debug` lists them, in decimal and in hex, from either end.
    let (head, tail) = (&secret[..MIN_LEN], &secret[secret.len() - MIN_LEN..]);
    let dense = |text: String| {
        let text = text.replace(|c: char| c.is_whitespace() || "[]".contains(c), "");
        text.trim_end_matches(',').to_owned()
    };
    for end in [head, tail] {
        forms.push(("list", dense(format!("{end:?}"))));
        forms.push(("list", dense(format!("{end:x?}"))));
        forms.push(("list", dense(format!("{end:X?}"))));
        forms.push(("list", dense(format!("{end:02x?}"))));
        forms.push(("list", dense(format!("{end:02X?}"))));
        forms.push(("list", dense(format!("{end:#x?}"))));
        forms.push(("list", dense(format!("{end:#04x?}"))));
    }
    // What is no text shows with replacements, and quoted text with escapes.
    let text = String::from_utf8_lossy(secret);
    let quoted = format!("{text:?}");
    forms.push(("quoted", quoted[1..quoted.len() - 1].to_owned()));
    forms.push(("raw", text.into_owned()));
    for at in 0..3 {
        forms.push(("base64", within_base64(&STANDARD, secret, at)));
        forms.push(("base64", within_base64(&URL_SAFE, secret, at)));
    }
    forms
        .into_iter()
        .map(|(form, text)| Needle { form, text })
        .collect()
}

fn hex(bytes: &[u8], digits: impl Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| digits(*byte)).collect()
}

/// The digits that the secret alone decides when it stands this many bytes after a multiple of 3.
fn within_base64(engine: &impl base64::Engine, secret: &[u8], at: usize) -> String {
    let whole = (secret.len() + at) / 3 * 3 - at;
    let padded = [&[0].repeat(at)[..], &secret[..whole]].concat();
    let digits = engine.encode(padded);
    digits[(at * 8).div_ceil(6)..].to_owned()
}

#[test]
fn finds_a_planted_secret_in_each_form() {
    let secret: Vec<u8> = b"\x01\x02\xfe\x80 a \"key\" \xff of bytes".to_vec();
    let text: Vec<u8> = "not b\u{e9}nign\n".as_bytes().to_vec();
    for secret in [secret, text] {
        let secrets = Secrets::new([secret.clone()]);
        let mut planted = vec![
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{:?}", &secret[..secret.len() - 1]),
            format!("{:?}", &secret[1..]),
            format!("{:02x?}", &secret).replace(", ", ""),
            format!("{secret:02x?}"),
            format!("{secret:X?}"),
            format!("{:#04x?}", &secret[1..]),
            hex(&secret, |byte| format!("{byte:02X}")),
            secret.escape_ascii().to_string(),
            format!(
                "{:?}",
                aws_sdk_dynamodb::primitives::Blob::new(secret.clone())
            ),
            String::from_utf8_lossy(&secret).into_owned(),
            format!("{:?}", String::from_utf8_lossy(&secret)),
        ];
        for before in 0..4 {
            let longer = [&b"abcd"[..before], &secret, &b"xyz"[..before % 3]].concat();
            planted.push(STANDARD.encode(&longer));
            planted.push(URL_SAFE.encode(&longer));
        }
        for text in planted {
            let text = format!("an innocent error: {text}; and more");
            assert!(secrets.find_in(&text).is_some(), "{text}");
        }
        for innocent in ["", "item failed authentication", "[1, 2, 3]", "01 02"] {
            assert_eq!(secrets.find_in(innocent), None);
        }
    }
}
