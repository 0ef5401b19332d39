//! Secondary indexes: what is declared of them, or read from DynamoDB.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::operation::describe_table::{DescribeTableError, DescribeTableInput};
use aws_sdk_dynamodb::types::{
    KeySchemaElement, KeyType, Projection, ProjectionType, TableDescription,
};

use super::call::Route;
use super::core::Core;
use super::error::{OperationError, Refused};
use crate::action::CryptoAction;
use crate::error::ConfigError;
use crate::format::RESERVED_PREFIX;
use crate::item::ItemSchema;

/// A secondary index of a table, global or local.
///
/// Declared on the builder of a table, it spares the `DescribeTable` that otherwise precedes the
/// first query of an index.
///
/// ```
/// use dynaseal::table::SecondaryIndex;
/// let by_plan = SecondaryIndex::new("by-plan", "plan").sort_key_name("created");
/// assert_eq!(by_plan.name(), "by-plan");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondaryIndex {
    name: String,
    partition_key_name: String,
    sort_key_name: Option<String>,
    projection_type: ProjectionType,
}

impl SecondaryIndex {
    /// An index of this name, with this partition key. It projects all attributes.
    pub fn new(name: impl Into<String>, partition_key_name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partition_key_name: partition_key_name.into(),
            sort_key_name: None,
            projection_type: ProjectionType::All,
        }
    }

    /// States the sort key. Default: the index has none.
    #[must_use]
    pub fn sort_key_name(mut self, name: impl Into<String>) -> Self {
        self.sort_key_name = Some(name.into());
        self
    }

    /// States what the index projects. Default: all attributes. An item verifies whole or not at all,
    /// so an index that projects anything less is read by way of the table alone (`fetch_from_table`).
    #[must_use]
    pub fn projection_type(mut self, projection_type: ProjectionType) -> Self {
        self.projection_type = projection_type;
        self
    }

    /// The name of the index.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn keys(&self) -> KeyNames<'_> {
        KeyNames {
            partition: &self.partition_key_name,
            sort: self.sort_key_name.as_deref(),
        }
    }

    pub(super) fn projects_all(&self) -> bool {
        self.projection_type == ProjectionType::All
    }

    /// Whether DynamoDB sees the keys of the index in clear.
    pub(super) fn check(&self, schema: &ItemSchema) -> Result<(), String> {
        let keys = self.keys();
        for name in std::iter::once(keys.partition).chain(keys.sort) {
            let why = match schema.action(name) {
                _ if name.starts_with(RESERVED_PREFIX) => "belongs to the item format",
                Some(CryptoAction::EncryptAndSign) => {
                    "is encrypted, so the index would sort ciphertexts; sign it only, or index \
                     something else"
                }
                None => "has no action in the schema, so it may be encrypted; give it one",
                Some(_) => continue,
            };
            return Err(format!(
                "key attribute `{}` of index `{}` {why}",
                name.escape_debug(),
                self.name.escape_debug()
            ));
        }
        Ok(())
    }

    fn described(
        name: Option<&str>,
        keys: &[KeySchemaElement],
        projection: Option<&Projection>,
    ) -> Option<Self> {
        let key = |key_type: KeyType| {
            let key = keys.iter().find(|key| *key.key_type() == key_type)?;
            Some(key.attribute_name().to_owned())
        };
        Some(Self {
            name: name?.to_owned(),
            partition_key_name: key(KeyType::Hash)?,
            sort_key_name: key(KeyType::Range),
            projection_type: projection?.projection_type()?.clone(),
        })
    }
}

/// The names of the keys that are queried: of the table, or of an index.
#[derive(Clone, Copy)]
pub(super) struct KeyNames<'a> {
    pub(super) partition: &'a str,
    pub(super) sort: Option<&'a str>,
}

/// Why an index cannot be read.
type Failure = OperationError<DescribeTableError>;

/// The indexes of a table: declared, or read once from DynamoDB.
pub(super) struct Indexes {
    declared: BTreeMap<String, Arc<SecondaryIndex>>,
    described: Mutex<BTreeMap<String, Arc<SecondaryIndex>>>,
}

impl Indexes {
    pub(super) fn new(
        declared: Vec<SecondaryIndex>,
        schema: &ItemSchema,
    ) -> Result<Self, ConfigError> {
        let mut indexes = BTreeMap::new();
        for index in declared {
            index.check(schema).map_err(ConfigError::new)?;
            let name = index.name.clone();
            if indexes.insert(name.clone(), Arc::new(index)).is_some() {
                return Err(ConfigError::new(format!(
                    "index `{}` is declared twice",
                    name.escape_debug()
                )));
            }
        }
        Ok(Self {
            declared: indexes,
            described: Mutex::default(),
        })
    }

    /// The index of this name. One that is neither declared nor known is looked up in DynamoDB; what
    /// is found there is kept, a failure is not.
    pub(super) async fn find(
        &self,
        core: &Core,
        name: &str,
        route: &Route<'_>,
    ) -> Result<Arc<SecondaryIndex>, Failure> {
        let index = match self.known(name) {
            Some(index) => index,
            None => self.look_up(core, name, route).await?,
        };
        let checked = index.check(core.schema());
        checked.map_err(Refused::new)?;
        Ok(index)
    }

    async fn look_up(
        &self,
        core: &Core,
        name: &str,
        route: &Route<'_>,
    ) -> Result<Arc<SecondaryIndex>, Failure> {
        let indexes = describe(core, route).await?;
        let indexes = indexes.map(|index| (index.name.clone(), Arc::new(index)));
        self.lock().extend(indexes);
        self.known(name).ok_or_else(|| {
            let unknown = format!("the table has no index `{}`", name.escape_debug());
            Refused::new(unknown).into()
        })
    }

    fn known(&self, name: &str) -> Option<Arc<SecondaryIndex>> {
        let declared = self.declared.get(name).cloned();
        declared.or_else(|| self.lock().get(name).cloned())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<SecondaryIndex>>> {
        self.described
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn describe(
    core: &Core,
    route: &Route<'_>,
) -> Result<impl Iterator<Item = SecondaryIndex>, Failure> {
    let describe = DescribeTableInput::builder().table_name(core.table_name());
    let described = route.ask(&describe).await?;
    let table = described.output.table;
    let indexes: Vec<_> = table.iter().flat_map(of_table).collect();
    Ok(indexes.into_iter())
}

/// The secondary indexes that DynamoDB says a table has.
pub(super) fn of_table(table: &TableDescription) -> impl Iterator<Item = SecondaryIndex> {
    let global = table.global_secondary_indexes().iter().map(|index| {
        SecondaryIndex::described(index.index_name(), index.key_schema(), index.projection())
    });
    let local = table.local_secondary_indexes().iter().map(|index| {
        SecondaryIndex::described(index.index_name(), index.key_schema(), index.projection())
    });
    global.chain(local).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(index: SecondaryIndex) -> Option<String> {
        let schema = ItemSchema::builder("t", "id")
            .action("plan", CryptoAction::SignOnly)
            .action("ssn", CryptoAction::EncryptAndSign)
            .allowed_unsigned_attribute("views");
        let indexes = Indexes::new(vec![index], &schema.build().unwrap());
        indexes.err().map(|error| error.to_string())
    }

    #[test]
    fn keys_of_an_index_are_attributes_in_clear() {
        assert_eq!(
            refusal(SecondaryIndex::new("i", "plan").sort_key_name("views")),
            None
        );
        let encrypted = refusal(SecondaryIndex::new("i", "ssn")).unwrap();
        assert!(
            encrypted.contains("`ssn`") && encrypted.contains("encrypted"),
            "{encrypted}"
        );
        let reserved = refusal(SecondaryIndex::new("i", "aws_dbe_b_ssn")).unwrap();
        assert!(reserved.contains("item format"), "{reserved}");
        let unknown = refusal(SecondaryIndex::new("i", "plan").sort_key_name("age")).unwrap();
        assert!(
            unknown.contains("`age`") && unknown.contains("no action"),
            "{unknown}"
        );
    }
}
