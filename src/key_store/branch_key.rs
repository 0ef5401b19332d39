//! One version of a branch key, in clear.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::names::VERSION_PREFIX;
use crate::crypto::random::{Random, RandomFailure};
use crate::secret::KmsPlaintext;

/// A version of a branch key: a UUID, which is what it prints.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BranchKeyVersion([u8; Self::LEN]);

impl BranchKeyVersion {
    pub(crate) const LEN: usize = 16;

    pub(crate) fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The type of its record, by which a branch key goes wherever it is shown: its id may be a tenant.
    pub(crate) fn record_type(&self) -> String {
        format!("{VERSION_PREFIX}{self}")
    }

    /// A random UUID, version 4.
    pub(crate) fn random(random: &dyn Random) -> Result<Self, RandomFailure> {
        let mut bytes = [0; Self::LEN];
        random.fill(&mut bytes)?;
        let bits = u128::from_be_bytes(bytes);
        let version = bits & !(0xf << 76) | 0x4 << 76;
        let variant = version & !(0x3 << 62) | 0x2 << 62;
        Ok(Self(variant.to_be_bytes()))
    }

    /// Parses the text form: 32 hex digits in groups of 8, 4, 4, 4 and 12.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
        let groups: Vec<&str> = text.split('-').collect();
        let lengths = groups.iter().map(|group| group.len());
        if !lengths.eq(GROUPS) {
            return None;
        }
        let digits: Option<Vec<u8>> = groups.concat().chars().map(hex_digit).collect();
        let digits = digits?;
        let mut version = [0; Self::LEN];
        for (byte, pair) in version.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Some(Self(version))
    }
}

fn hex_digit(digit: char) -> Option<u8> {
    digit.to_digit(16).and_then(|digit| digit.try_into().ok())
}

impl fmt::Display for BranchKeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, byte) in self.0.iter().enumerate() {
            let dash = if matches!(n, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for BranchKeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One version of a branch key, in clear.
#[derive(Clone)]
pub(crate) struct BranchKey {
    id: String,
    version: BranchKeyVersion,
    key: KmsPlaintext,
    created: SystemTime,
    custom_context: BTreeMap<String, String>,
}

impl BranchKey {
    pub(crate) fn new(id: String, version: BranchKeyVersion, key: KmsPlaintext) -> Self {
        Self {
            id,
            version,
            key,
            created: SystemTime::UNIX_EPOCH,
            custom_context: BTreeMap::new(),
        }
    }

    /// The same, with what else its record says.
    pub(crate) fn with_facts(
        mut self,
        created: SystemTime,
        custom_context: BTreeMap<String, String>,
    ) -> Self {
        self.created = created;
        self.custom_context = custom_context;
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn version(&self) -> BranchKeyVersion {
        self.version
    }

    /// When this version was made.
    pub(crate) fn created(&self) -> SystemTime {
        self.created
    }

    /// The custom context of the branch key, without the prefix of its names.
    pub(crate) fn custom_context(&self) -> &BTreeMap<String, String> {
        &self.custom_context
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.key.expose()
    }
}

/// Shows no key, and no id, which may be a tenant.
impl fmt::Debug for BranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchKey")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    #[test]
    fn makes_random_uuids_of_version_four() {
        let make = || BranchKeyVersion::random(&SystemRandom).unwrap();
        for version in std::iter::repeat_with(make).take(100) {
            let text = version.to_string();
            assert_eq!(text.as_bytes()[14], b'4', "{text}");
            assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
            assert_eq!(BranchKeyVersion::parse(&text), Some(version));
        }
        assert_ne!(make(), make());
    }

    #[test]
    fn parses_uuids_and_writes_them_back() {
        let text = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
        assert_eq!(BranchKeyVersion::parse(text).unwrap().to_string(), text);
        for text in [
            "",
            "e9ce18a3edb542729f861cacb7997ff6",
            "e9ce18a3-edb5-4272-9f86-1cacb7997ff",
            "e9ce18a3-edb5-4272-9f86-1cacb7997ffg",
            "e9ce18a3-edb5-4272-9f861-cacb7997ff6",
            "e9ce18a3-edb5-4272-9f86-1cacb7997ff6-",
        ] {
            assert!(BranchKeyVersion::parse(text).is_none(), "{text}");
        }
    }
}
