//! What tells the entity types of one table apart: keys, or a type attribute.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Item, ItemSchema};
use crate::error::ConfigError;

/// What an item's keys, or its type attribute, must be for it to be of one entity type.
///
/// Only strings are compared, byte by byte. What it looks at is signed and in clear in every item of
/// the table, so nobody but a writer with keys can turn an item into one of another type.
///
/// ```
/// use dynaseal::item::Discriminator;
///
/// // Customer: pk = CUSTOMER#1, sk = PROFILE. Order: pk = CUSTOMER#1, sk = ORDER#7.
/// let customer = Discriminator::partition_key_prefix("CUSTOMER#").and(Discriminator::sort_key("PROFILE"));
/// let order = Discriminator::sort_key_prefix("ORDER#");
/// ```
#[derive(Clone, Debug)]
pub struct Discriminator {
    tests: Vec<(Place, Pattern)>,
}

#[derive(Clone, Debug)]
enum Place {
    PartitionKey,
    SortKey,
    Attribute(String),
}

#[derive(Clone, Debug)]
enum Pattern {
    Exact(String),
    Prefix(String),
}

impl Discriminator {
    /// The partition key starts like this.
    #[must_use]
    pub fn partition_key_prefix(prefix: impl Into<String>) -> Self {
        Self::new(Place::PartitionKey, Pattern::Prefix(prefix.into()))
    }

    /// The sort key starts like this.
    #[must_use]
    pub fn sort_key_prefix(prefix: impl Into<String>) -> Self {
        Self::new(Place::SortKey, Pattern::Prefix(prefix.into()))
    }

    /// The sort key is this.
    #[must_use]
    pub fn sort_key(value: impl Into<String>) -> Self {
        Self::new(Place::SortKey, Pattern::Exact(value.into()))
    }

    /// An attribute is this. Every entity type of the table must have it signed and in clear.
    #[must_use]
    pub fn attribute(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(Place::Attribute(name.into()), Pattern::Exact(value.into()))
    }

    /// Both hold.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.tests.extend(other.tests);
        self
    }

    fn new(place: Place, pattern: Pattern) -> Self {
        Self {
            tests: vec![(place, pattern)],
        }
    }

    /// The same, with the names that keys have in the table.
    pub(super) fn in_table(self, schema: &ItemSchema) -> Result<Selector, ConfigError> {
        let mut tests = Vec::with_capacity(self.tests.len());
        for (place, pattern) in self.tests {
            if pattern.text().is_empty() {
                return Err(ConfigError::new(
                    "a discriminator needs a value or prefix that is not empty",
                ));
            }
            let name: Arc<str> = match place {
                Place::PartitionKey => schema.partition_key_name().into(),
                Place::SortKey => schema.sort_key_name().map(Into::into).ok_or_else(|| {
                    ConfigError::new(
                        "a discriminator looks at the sort key, and the table has none",
                    )
                })?,
                Place::Attribute(name) => name.into(),
            };
            tests.push((name, pattern));
        }
        Ok(Selector(tests))
    }
}

/// A discriminator by attribute names.
#[derive(Clone, Debug)]
pub(super) struct Selector(Vec<(Arc<str>, Pattern)>);

impl Selector {
    /// Whether an item is selected. As trustworthy as the item is.
    pub(super) fn selects(&self, item: &Item) -> bool {
        self.0.iter().all(|(name, pattern)| {
            let value = item.get(&**name);
            matches!(value, Some(AttributeValue::S(text)) if pattern.matches(text))
        })
    }

    /// The attributes that it looks at.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// Whether no item at all is selected by both: some attribute cannot satisfy the two.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        self.0.iter().any(|(name, pattern)| {
            let same = other.0.iter().filter(|(other, _)| other == name);
            same.into_iter().any(|(_, other)| pattern.excludes(other))
        })
    }

    /// Whether no item at all is selected.
    pub(super) fn selects_nothing(&self) -> bool {
        self.excludes(self)
    }
}

impl Pattern {
    fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Prefix(text) => text,
        }
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Exact(text) => value == text,
            Self::Prefix(prefix) => value.starts_with(prefix),
        }
    }

    /// Whether no value matches both.
    fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(a), Self::Prefix(b)) => !a.starts_with(b) && !b.starts_with(a),
            (Self::Exact(value), other) | (other, Self::Exact(value)) => !other.matches(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schema() -> ItemSchema {
        let schema = ItemSchema::builder("app", "pk").sort_key_name("sk");
        schema.build().unwrap()
    }

    fn selector(discriminator: Discriminator) -> Selector {
        discriminator.in_table(&schema()).unwrap()
    }

    fn discriminators() -> impl Strategy<Value = Discriminator> {
        let one = (0..4_u8, "[ab]{1,3}").prop_map(|(kind, text)| match kind {
            0 => Discriminator::partition_key_prefix(text),
            1 => Discriminator::sort_key_prefix(text),
            2 => Discriminator::sort_key(text),
            _ => Discriminator::attribute("kind", text),
        });
        proptest::collection::vec(one, 1..3)
            .prop_map(|all| all.into_iter().reduce(Discriminator::and).unwrap())
    }

    fn items() -> impl Strategy<Value = Item> {
        ["[ab]{1,4}", "[ab]{1,4}", "[ab]{1,4}"].prop_map(|[pk, sk, kind]| {
            let named = [("pk", pk), ("sk", sk), ("kind", kind)];
            let named = named.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
            Item::from(named)
        })
    }

    proptest! {
        /// Exclusion is a proof: no item is selected by two that exclude each other.
        #[test]
        fn selects_no_item_with_two_that_exclude_each_other(
            [a, b] in [discriminators(), discriminators()],
            items in proptest::collection::vec(items(), 64),
        ) {
            let [a, b] = [selector(a), selector(b)];
            prop_assert_eq!(a.excludes(&b), b.excludes(&a));
            if a.excludes(&b) {
                prop_assert!(!items.iter().any(|item| a.selects(item) && b.selects(item)));
            }
            if a.selects_nothing() {
                prop_assert!(!items.iter().any(|item| a.selects(item)));
            }
        }
    }

    #[test]
    fn tells_values_and_prefixes_of_one_attribute_apart() {
        use Discriminator as D;
        let apart = [
            (D::sort_key_prefix("A#"), D::sort_key_prefix("B#")),
            (D::sort_key("A"), D::sort_key("AB")),
            (D::sort_key("A"), D::sort_key_prefix("AB")),
            (D::attribute("kind", "a"), D::attribute("kind", "b")),
            // By whatever name: `sk` is the sort key.
            (D::attribute("sk", "a"), D::sort_key_prefix("b")),
            (
                D::partition_key_prefix("P").and(D::sort_key("X")),
                D::partition_key_prefix("Q").and(D::sort_key("X")),
            ),
        ];
        for (a, b) in apart {
            assert!(
                selector(a.clone()).excludes(&selector(b.clone())),
                "{a:?} {b:?}"
            );
        }
        let together = [
            (D::sort_key_prefix("A"), D::sort_key_prefix("AB")),
            (D::sort_key("AB"), D::sort_key_prefix("A")),
            (D::sort_key("A"), D::sort_key("A")),
            (D::sort_key_prefix("A"), D::partition_key_prefix("B")),
            (D::sort_key_prefix("A"), D::attribute("kind", "a")),
            (D::attribute("kind", "a"), D::attribute("type", "b")),
        ];
        for (a, b) in together {
            assert!(
                !selector(a.clone()).excludes(&selector(b.clone())),
                "{a:?} {b:?}"
            );
        }
        assert!(selector(D::sort_key("A").and(D::sort_key("B"))).selects_nothing());
        assert!(!selector(D::sort_key("A").and(D::sort_key_prefix("A"))).selects_nothing());
    }

    #[test]
    fn compares_strings_alone() {
        let prefix = selector(Discriminator::sort_key_prefix("7"));
        let item = |value| Item::from([("sk".to_owned(), value)]);
        assert!(prefix.selects(&item(AttributeValue::S("7up".to_owned()))));
        assert!(!prefix.selects(&item(AttributeValue::N("7".to_owned()))));
        assert!(!prefix.selects(&Item::default()));
    }
}
