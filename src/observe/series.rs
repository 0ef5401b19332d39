//! Rows by labels, and never more of them than a limit, whatever names are used.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::sample::{Kind, Label, MAX_LABELS};

/// Rows of a counter. What comes with labels that would need another one is counted with all names
/// replaced by [`OTHER`].
pub(super) const MAX_ROWS: usize = 1_024;

/// The length in bytes of the longest name that is kept, as long as DynamoDB's longest table name. A
/// longer one is replaced by [`OTHER`].
pub(super) const MAX_NAME_LEN: usize = 255;

/// In place of names that are too long or too many.
pub(super) const OTHER: &str = "(other)";

pub(super) type Labels = [Cow<'static, str>; MAX_LABELS];

/// The rows of one counter, by labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rows<V>(
    // Sorted, and not a map: a map of owned names cannot be asked for borrowed ones.
    Vec<(Labels, V)>,
);

impl<V> Rows<V> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Labels, &V)> {
        self.0.iter().map(|(labels, value)| (labels, value))
    }

    pub(super) fn get(&self, labels: &Labels) -> Option<&V> {
        let index = self.0.binary_search_by(|(have, _)| have.cmp(labels)).ok()?;
        self.0.get(index).map(|(_, value)| value)
    }

    /// The row with these labels, or the one that it is counted in, which is made if need be. There is
    /// always one. Allocates for a new row alone.
    fn slot(
        &mut self,
        labels: [Label<'_>; MAX_LABELS],
        new: impl FnOnce(&Labels) -> V,
    ) -> Option<&mut V> {
        let mut labels = labels.map(bounded);
        if self.0.len() >= MAX_ROWS && self.find(labels).is_err() {
            labels = labels.map(folded);
        }
        let index = match self.find(labels) {
            Ok(index) => index,
            Err(index) => {
                let owned = labels.map(owned);
                let value = new(&owned);
                self.0.insert(index, (owned, value));
                index
            }
        };
        self.0.get_mut(index).map(|(_, value)| value)
    }

    fn find(&self, labels: [Label<'_>; MAX_LABELS]) -> Result<usize, usize> {
        self.0.binary_search_by(|(have, _)| {
            let have = have.iter().map(AsRef::<str>::as_ref);
            have.cmp(labels.into_iter().map(Label::as_str))
        })
    }

    /// The same labels with other values, without the rows for which there is none.
    fn filter_map<W>(&self, mut map: impl FnMut(&Labels, &V) -> Option<W>) -> Rows<W> {
        let mapped = self.0.iter();
        let mapped =
            mapped.filter_map(|(labels, value)| Some((labels.clone(), map(labels, value)?)));
        Rows(mapped.collect())
    }
}

/// The rows of all counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series<V>(BTreeMap<Kind, Rows<V>>);

impl<V> Default for Series<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V> Series<V> {
    pub(super) fn rows(&self, kind: Kind) -> Option<&Rows<V>> {
        self.0.get(&kind)
    }

    /// See [`Rows::slot`].
    pub(super) fn slot(
        &mut self,
        kind: Kind,
        labels: [Label<'_>; MAX_LABELS],
        new: impl FnOnce(&Labels) -> V,
    ) -> Option<&mut V> {
        let rows = self.0.entry(kind).or_insert_with(|| Rows(Vec::new()));
        rows.slot(labels, new)
    }

    /// The same labels with other values, without the rows for which there is none.
    pub(super) fn filter_map<W>(
        &self,
        mut map: impl FnMut(Kind, &Labels, &V) -> Option<W>,
    ) -> Series<W> {
        let kinds = self.0.iter();
        let kinds = kinds.map(|(kind, rows)| {
            let rows = rows.filter_map(|labels, value| map(*kind, labels, value));
            (*kind, rows)
        });
        Series(kinds.filter(|(_, rows)| !rows.0.is_empty()).collect())
    }
}

fn bounded(label: Label<'_>) -> Label<'_> {
    match label {
        Label::Name(name) if name.len() > MAX_NAME_LEN => Label::Fixed(OTHER),
        kept => kept,
    }
}

fn folded(label: Label<'_>) -> Label<'_> {
    match label {
        Label::Name(_) => Label::Fixed(OTHER),
        word @ Label::Fixed(_) => word,
    }
}

fn owned(label: Label<'_>) -> Cow<'static, str> {
    match label {
        Label::Fixed(word) => Cow::Borrowed(word),
        Label::Name(name) => Cow::Owned(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::test_support::{call, counted};
    use crate::observe::{Event, PlaintextEvent, Service, Snapshot};

    fn plaintext(table: &str) -> Event<'_> {
        Event::Plaintext(PlaintextEvent { table })
    }

    fn total(snapshot: &Snapshot) -> u64 {
        snapshot.rows().map(|row| row.count()).sum()
    }

    #[test]
    fn keeps_rows_within_the_limit_and_counts_the_rest_together() {
        let names: Vec<_> = (0..3 * MAX_ROWS).map(|n| format!("table-{n}")).collect();
        let events: Vec<_> = names.iter().map(|name| plaintext(name)).collect();
        let snapshot = counted(&[&events[..], &[plaintext("table-7")]].concat());
        assert_eq!(snapshot.rows().count(), MAX_ROWS + 1);
        assert_eq!(total(&snapshot), events.len() as u64 + 1);
        assert_eq!(snapshot.plaintext_reads("table-7"), 2);
        assert_eq!(snapshot.plaintext_reads(OTHER), 2 * MAX_ROWS as u64);
    }

    #[test]
    fn keeps_the_words_of_closed_lists_beyond_the_limit() {
        let names: Vec<_> = (0..2 * MAX_ROWS).map(|n| n.to_string()).collect();
        let kms = names
            .iter()
            .map(|name| call(Service::Kms, "eu-west-1", name));
        let dynamodb = names
            .iter()
            .map(|name| call(Service::DynamoDb, name, "GetItem"));
        let snapshot = counted(&kms.chain(dynamodb).collect::<Vec<_>>());
        assert_eq!(snapshot.rows().count(), MAX_ROWS + 2);
        assert_eq!(snapshot.calls_everywhere(Service::Kms), 2 * MAX_ROWS as u64);
        assert_eq!(
            snapshot.calls_of(Service::Kms, OTHER, OTHER),
            MAX_ROWS as u64
        );
        assert_eq!(
            snapshot.calls(Service::DynamoDb, OTHER),
            2 * MAX_ROWS as u64
        );
    }

    #[test]
    fn counts_a_name_that_is_too_long_under_another() {
        let (longest, too_long) = ("a".repeat(MAX_NAME_LEN), "a".repeat(MAX_NAME_LEN + 1));
        let snapshot = counted(&[plaintext(&longest), plaintext(&too_long)]);
        assert_eq!(snapshot.plaintext_reads(&longest), 1);
        assert_eq!(snapshot.plaintext_reads(OTHER), 1);
        assert_eq!(snapshot.rows().count(), 2);
    }

    #[test]
    fn sorts_rows_by_labels_whatever_came_first() {
        let snapshot = counted(&["b", "a", "c", "ab"].map(plaintext));
        let tables: Vec<_> = snapshot
            .rows()
            .filter_map(|row| row.label("table"))
            .collect();
        assert_eq!(tables, ["a", "ab", "b", "c"]);
    }
}
