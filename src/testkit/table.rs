//! Definitions of global tables.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "DynamoDB has no other key types")]
pub enum KeyType {
    /// A string.
    S,
    /// A number.
    N,
    /// Binary.
    B,
}

impl KeyType {
    fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }
}

/// A table that has a replica in every region of a [`Cloud`](crate::testkit::Cloud).
///
/// ```
/// use dynaseal::testkit::{KeyType, SecondaryIndex, TableDefinition};
///
/// let by_email = SecondaryIndex::new("byEmail").partition_key("aws_dbe_b_email", KeyType::S);
/// let customers = TableDefinition::new("customers")
///     .partition_key("customerId", KeyType::S)
///     .sort_key("record", KeyType::N)
///     .secondary_index(by_email);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a definition does nothing until a cloud creates the table"]
pub struct TableDefinition {
    name: String,
    keys: Keys,
    indexes: Vec<SecondaryIndex>,
}

impl TableDefinition {
    /// Starts the definition of a table. It needs a [`partition_key`](Self::partition_key).
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            keys: Keys::default(),
            indexes: Vec::new(),
        }
    }

    /// Sets the partition key.
    pub fn partition_key(mut self, attribute: impl Into<String>, key_type: KeyType) -> Self {
        self.keys.partition = Some((attribute.into(), key_type));
        self
    }

    /// Sets the sort key. Default: the table has none.
    pub fn sort_key(mut self, attribute: impl Into<String>, key_type: KeyType) -> Self {
        self.keys.sort = Some((attribute.into(), key_type));
        self
    }

    /// Adds a global secondary index.
    pub fn secondary_index(mut self, index: SecondaryIndex) -> Self {
        self.indexes.push(index);
        self
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The body of a `CreateTable` request.
    pub(super) fn create_request(&self) -> Value {
        let mut request = json!({
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": self.keys.schema(),
            "AttributeDefinitions": self.attribute_definitions(),
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        if let (Some(request), false) = (request.as_object_mut(), self.indexes.is_empty()) {
            let indexes = self
                .indexes
                .iter()
                .map(SecondaryIndex::create_request)
                .collect();
            request.insert("GlobalSecondaryIndexes".to_owned(), Value::Array(indexes));
        }
        request
    }

    /// Each key attribute once, however many schemas name it.
    fn attribute_definitions(&self) -> Vec<Value> {
        let keys = std::iter::once(&self.keys).chain(self.indexes.iter().map(|index| &index.keys));
        let types: BTreeMap<&str, KeyType> = keys.flat_map(Keys::attributes).collect();
        let definition = |(name, key_type): (&str, KeyType)| json!({"AttributeName": name, "AttributeType": key_type.as_str()});
        types.into_iter().map(definition).collect()
    }
}

/// A global secondary index. It projects all attributes unless told otherwise.
#[derive(Debug, Clone)]
#[must_use = "an index does nothing until a table has it"]
pub struct SecondaryIndex {
    name: String,
    keys: Keys,
    projection: Projection,
}

#[derive(Debug, Clone)]
enum Projection {
    All,
    KeysOnly,
    Include(Vec<String>),
}

impl SecondaryIndex {
    /// Starts the definition of an index. It needs a [`partition_key`](Self::partition_key).
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            keys: Keys::default(),
            projection: Projection::All,
        }
    }

    /// Sets the partition key.
    pub fn partition_key(mut self, attribute: impl Into<String>, key_type: KeyType) -> Self {
        self.keys.partition = Some((attribute.into(), key_type));
        self
    }

    /// Sets the sort key. Default: the index has none.
    pub fn sort_key(mut self, attribute: impl Into<String>, key_type: KeyType) -> Self {
        self.keys.sort = Some((attribute.into(), key_type));
        self
    }

    /// Projects the keys of table and index, and nothing else.
    pub fn keys_only(mut self) -> Self {
        self.projection = Projection::KeysOnly;
        self
    }

    /// Projects the keys of table and index, and these attributes.
    pub fn include(mut self, attributes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let attributes = attributes.into_iter().map(Into::into);
        self.projection = Projection::Include(attributes.collect());
        self
    }

    fn create_request(&self) -> Value {
        let projection = match &self.projection {
            Projection::All => json!({"ProjectionType": "ALL"}),
            Projection::KeysOnly => json!({"ProjectionType": "KEYS_ONLY"}),
            Projection::Include(names) => {
                json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names})
            }
        };
        json!({
            "IndexName": self.name,
            "KeySchema": self.keys.schema(),
            "Projection": projection,
        })
    }
}

#[derive(Debug, Clone, Default)]
struct Keys {
    partition: Option<(String, KeyType)>,
    sort: Option<(String, KeyType)>,
}

impl Keys {
    fn schema(&self) -> Vec<Value> {
        let element = |key: &Option<(String, KeyType)>, role: &str| {
            let (name, _) = key.as_ref()?;
            Some(json!({"AttributeName": name, "KeyType": role}))
        };
        let elements = [
            element(&self.partition, "HASH"),
            element(&self.sort, "RANGE"),
        ];
        elements.into_iter().flatten().collect()
    }

    fn attributes(&self) -> impl Iterator<Item = (&str, KeyType)> {
        let keys = self.partition.iter().chain(&self.sort);
        keys.map(|(name, key_type)| (name.as_str(), *key_type))
    }
}
