//! Canonical paths: the name of an attribute under its table, and the order of all fields.

use std::cmp::Ordering;

/// The part of every canonical path of one table that comes before the attribute.
///
/// `UTF8(logical table name) ‖ u64(1) ‖ '$'`: one segment, a structure key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPrefix(Vec<u8>);

impl PathPrefix {
    pub(crate) fn new(logical_table_name: &str) -> Self {
        const DEPTH: u64 = 1;
        let mut bytes = logical_table_name.as_bytes().to_vec();
        bytes.extend_from_slice(&DEPTH.to_be_bytes());
        bytes.push(b'$');
        Self(bytes)
    }

    pub(crate) fn path<'a>(&'a self, name: &'a str) -> CanonicalPath<'a> {
        CanonicalPath {
            prefix: &self.0,
            name_len: utf16_len(name),
            name,
        }
    }
}

/// `prefix ‖ u64(UTF-16 units of the name) ‖ UTF8(name)`, without the bytes being put together.
///
/// The length counts UTF-16 units, where the specification's prose leaves the unit open: any other
/// unit gives another order, another AAD and another hash than every existing implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CanonicalPath<'a> {
    prefix: &'a [u8],
    name_len: u64,
    name: &'a str,
}

impl<'a> CanonicalPath<'a> {
    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    /// Replaces the contents of `out` with the path's bytes.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.prefix);
        out.extend_from_slice(&self.name_len.to_be_bytes());
        out.extend_from_slice(self.name.as_bytes());
    }
}

/// The order of two attributes of one table: bytewise on the whole path, which is by length in
/// UTF-16 units, then by name.
pub(crate) fn canonical_order(a: &str, b: &str) -> Ordering {
    utf16_len(a)
        .cmp(&utf16_len(b))
        .then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

impl Ord for CanonicalPath<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.prefix
            .cmp(other.prefix)
            .then_with(|| canonical_order(self.name, other.name))
    }
}

impl PartialOrd for CanonicalPath<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn utf16_len(name: &str) -> u64 {
    let units = if name.is_ascii() {
        name.len()
    } else {
        name.encode_utf16().count()
    };
    units as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(path: CanonicalPath<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        path.write_to(&mut out);
        out
    }

    #[test]
    fn writes_the_worked_example() {
        let prefix = PathPrefix::new("GazelleVectorTable");
        let expected = [
            b"GazelleVectorTable".as_slice(),
            &[0, 0, 0, 0, 0, 0, 0, 1, b'$'],
            &[0, 0, 0, 0, 0, 0, 0, 4],
            b"Junk",
        ]
        .concat();
        assert_eq!(bytes(prefix.path("Junk")), expected);
    }

    #[test]
    fn counts_utf16_units_not_bytes_nor_characters() {
        let prefix = PathPrefix::new("T");
        assert_eq!(prefix.path("\u{10001}").name_len, 2);
        assert_eq!(prefix.path("\u{d7ff}").name_len, 1);
    }

    #[test]
    fn orders_as_the_bytes_do() {
        let prefix = PathPrefix::new("T");
        let mut names = [
            "RecNum",
            "Stuff",
            "Junk",
            "a",
            "\u{10001}",
            "ab",
            "\u{fe4c}",
            "",
        ];
        names.sort_by(|a, b| prefix.path(a).cmp(&prefix.path(b)));
        let by_value: Vec<_> = names.iter().map(|name| bytes(prefix.path(name))).collect();
        assert!(by_value.is_sorted(), "{names:?}");
        assert_eq!(names[4..], ["\u{10001}", "Junk", "Stuff", "RecNum"]);
    }
}
