//! Which partition is queried.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::expression::{KeyCondition, SortKeyCondition};
use crate::item::{ItemSchema, KeyValue};
use crate::table::Refused;
use crate::table::index::KeyNames;

/// Which items a query reads: the value of the partition key, or a whole [`KeyCondition`].
#[derive(Clone)]
pub struct QueryKey(Kind);

#[derive(Clone)]
enum Kind {
    Partition(AttributeValue),
    Condition(KeyCondition),
}

/// What can say which items a query reads: the value of the partition key, or a [`KeyCondition`],
/// which also comes from DynamoDB's text.
///
/// ```no_run
/// # use dynaseal::SealedTable;
/// # fn f(table: SealedTable) -> Result<(), Box<dyn std::error::Error>> {
/// use dynaseal::expression::{KeyCondition, NO_NAMES};
/// let all = table.query("c-1");
/// let text = "customer = :c AND record > :r";
/// let some = table.query(KeyCondition::parse(text, NO_NAMES, [(":c", "c-1"), (":r", "2026")])?);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which items to query",
    label = "expected the value of the partition key, or a `KeyCondition`",
    note = "conditions on the sort key go to `.sort_key(…)`"
)]
pub trait IntoQueryKey {
    /// Turns the value into what a query takes.
    fn into_query_key(self) -> QueryKey;
}

impl<V: KeyValue> IntoQueryKey for V {
    fn into_query_key(self) -> QueryKey {
        QueryKey(Kind::Partition(self.into_key_value()))
    }
}

impl IntoQueryKey for KeyCondition {
    fn into_query_key(self) -> QueryKey {
        QueryKey(Kind::Condition(self))
    }
}

impl QueryKey {
    /// Whether the keys that the caller names are attributes in clear. It needs no look at an index.
    pub(super) fn check(&self, schema: &ItemSchema) -> Result<(), Refused> {
        match &self.0 {
            Kind::Partition(_) => Ok(()),
            Kind::Condition(condition) => Ok(condition.check(schema)?),
        }
    }

    /// The key condition on these keys.
    pub(super) fn resolve(
        self,
        keys: KeyNames<'_>,
        sort_key: Option<SortKeyCondition>,
    ) -> Result<KeyCondition, Refused> {
        let condition = match self.0 {
            Kind::Partition(value) => KeyCondition::new(keys.partition, value),
            Kind::Condition(condition) => condition.with_keys(keys.partition, keys.sort)?,
        };
        match (sort_key, keys.sort, condition.sort_name()) {
            (None, _, _) => Ok(condition),
            (Some(sort_key), Some(name), None) => Ok(condition.sort(name, sort_key)),
            (Some(_), None, _) => Err(Refused::new(
                "a sort key condition, and there is no sort key here",
            )),
            (Some(_), Some(_), Some(_)) => Err(Refused::new(
                "two conditions on the sort key: in the key condition, and in `.sort_key(…)`",
            )),
        }
    }
}

impl fmt::Debug for QueryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryKey").finish_non_exhaustive()
    }
}
