//! Attributes of the item, read back out of its encryption context.

use std::borrow::Cow;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ATTRIBUTE_PREFIX, EncryptionContext, LEGEND};

/// What the item format writes before the bytes of a string.
const STRING_TYPE_ID: [u8; 2] = [0x00, 0x01];
/// The letter of the legend for a string.
const STRING: char = 'S';

impl EncryptionContext {
    /// The value of an attribute of the item, if it is in the context and of type S.
    ///
    /// For keyrings that choose a key by what an item says, such as its tenant. It reads the context of
    /// either header version: under version 1 the keys of the item alone are in it. A number never answers
    /// for a string of the same digits, and a context whose parts contradict each other answers nothing.
    ///
    /// ```
    /// # use dynaseal::keyring::DecryptRequest;
    /// fn tenant(request: &DecryptRequest<'_>) -> Option<String> {
    ///     let tenant = request.context().string_attribute("tenant")?;
    ///     Some(tenant.into_owned())
    /// }
    /// ```
    #[must_use]
    pub fn string_attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.get(LEGEND) {
            Some(legend) => self.readable_string(legend, name).map(Cow::Borrowed),
            None => self.typed_string(name).map(Cow::Owned),
        }
    }

    /// Whether it is the context of an item of header version 2: included attributes are in it,
    /// readable, and a legend says of which type they are.
    #[must_use]
    pub fn has_legend(&self) -> bool {
        self.entries.contains_key(LEGEND)
    }

    /// Whether an attribute of this name is in it, of whatever type.
    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.attributes().any(|(own, _)| own == name)
    }

    fn readable_string(&self, legend: &str, name: &str) -> Option<&str> {
        // A letter too many or too few, and no letter can be trusted to be that of its attribute.
        if legend.chars().count() != self.attributes().count() {
            return None;
        }
        let mut lettered = self.attributes().zip(legend.chars());
        let ((_, value), letter) = lettered.find(|((own, _), _)| *own == name)?;
        (letter == STRING).then_some(value)
    }

    fn typed_string(&self, name: &str) -> Option<String> {
        let (_, value) = self.attributes().find(|(own, _)| *own == name)?;
        let bytes = STANDARD.decode(value).ok()?;
        let text = bytes.strip_prefix(&STRING_TYPE_ID)?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// Names and entries of attributes, in the legend's order.
    fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let from = (Bound::Included(ATTRIBUTE_PREFIX), Bound::Unbounded);
        let entries = self.entries.range::<str, _>(from);
        entries.map_while(|(key, value)| Some((key.strip_prefix(ATTRIBUTE_PREFIX)?, &**value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        let entries = pairs
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect();
        EncryptionContext::new(entries).unwrap()
    }

    fn typed(type_id: [u8; 2], value: &[u8]) -> String {
        STANDARD.encode([&type_id, value].concat())
    }

    /// Entries of every letter, between others that are no attributes.
    fn version_2(legend: &str) -> EncryptionContext {
        context(&[
            ("aws-crypto-attr.a", "7"),
            ("aws-crypto-attr.b", "7"),
            ("aws-crypto-attr.c", "true"),
            ("aws-crypto-attr.d", "AAEx"),
            ("aws-crypto-attr.é", "text"),
            ("aws-crypto-legend", legend),
            ("aws-crypto-partition-name", "a"),
            ("aws-crypto-table-name", "t"),
            ("a-custom-entry", "x"),
        ])
    }

    #[test]
    fn reads_strings_of_version_2_by_the_legend() {
        let context = version_2("SNLBS");
        assert!(context.has_legend());
        assert_eq!(context.string_attribute("a").as_deref(), Some("7"));
        assert_eq!(context.string_attribute("é").as_deref(), Some("text"));
        for other in ["b", "c", "d", "e", "", "table-name", "a-custom-entry"] {
            assert_eq!(context.string_attribute(other), None, "{other}");
        }
    }

    #[test]
    fn answers_nothing_by_a_legend_of_another_length() {
        for legend in ["", "S", "SSSS", "SSSSSS"] {
            assert_eq!(version_2(legend).string_attribute("a"), None, "{legend}");
        }
    }

    #[test]
    fn answers_nothing_for_a_letter_that_is_none() {
        assert_eq!(version_2("sé?Xß").string_attribute("a"), None);
    }

    #[test]
    fn reads_keys_of_version_1_by_their_type() {
        let context = context(&[
            ("aws-crypto-attr.empty", &typed([0, 1], b"")),
            ("aws-crypto-attr.number", &typed([0, 2], b"7")),
            ("aws-crypto-attr.text", &typed([0, 1], b"7")),
            ("aws-crypto-partition-name", "text"),
        ]);
        assert!(!context.has_legend());
        assert_eq!(context.string_attribute("text").as_deref(), Some("7"));
        assert_eq!(context.string_attribute("empty").as_deref(), Some(""));
        assert_eq!(context.string_attribute("number"), None);
        assert_eq!(context.string_attribute("partition-name"), None);
        assert!(context.has_attribute("number") && !context.has_attribute("missing"));
    }

    #[test]
    fn answers_nothing_for_version_1_entries_that_are_no_values() {
        for broken in [
            "",
            "7",
            "AA==",
            "AAE",
            "not base64!",
            &typed([0, 1], b"\xff"),
        ] {
            let context = context(&[("aws-crypto-attr.a", broken)]);
            assert_eq!(context.string_attribute("a"), None, "{broken}");
        }
    }
}
