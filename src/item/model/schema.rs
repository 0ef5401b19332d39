//! The static tree that the derive emits. It knows actions and roles, and nothing of serde.

use crate::action::CryptoAction;

/// The attributes of a model, as a tree: a flattened struct keeps its own schema.
#[derive(Debug)]
pub struct ModelSchema {
    logical_table_name: Option<&'static str>,
    parts: &'static [Part],
}

/// One entry of a [`ModelSchema`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Part {
    /// One attribute.
    Attribute(AttributeSchema),
    /// The attributes of a flattened struct.
    Flatten(&'static ModelSchema),
    /// A flattened map: every attribute that nothing else names.
    Others(CryptoAction),
}

/// One attribute of a model: its name in the table, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeSchema {
    name: &'static str,
    action: CryptoAction,
    role: Role,
    start: VersionStart,
}

/// Where the version of a new item starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionStart {
    /// At the clock of the DynamoDB client, in microseconds since 1970. An item that is deleted and put
    /// again is above its predecessor, as long as no clock is set back by more than the item lived.
    #[default]
    Clock,
    /// At 1.
    One,
}

/// What an attribute is to the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The partition key.
    PartitionKey,
    /// The sort key.
    SortKey,
    /// The tenant whose keys protect the item.
    Tenant,
    /// The signed counter that every write advances.
    Version,
    /// None of these.
    Plain,
}

impl AttributeSchema {
    /// Describes one attribute.
    #[must_use]
    pub const fn new(name: &'static str, action: CryptoAction, role: Role) -> Self {
        Self {
            name,
            action,
            role,
            start: VersionStart::Clock,
        }
    }

    /// The same, but a new item starts there. Of a version; nothing else has a start.
    #[must_use]
    pub const fn starting_at(mut self, start: VersionStart) -> Self {
        self.start = start;
        self
    }

    /// The attribute's name in the table.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What is done with the attribute.
    #[must_use]
    pub const fn action(&self) -> CryptoAction {
        self.action
    }

    /// What the attribute is to the item.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Where a new item starts, if this is its version.
    #[must_use]
    pub const fn version_start(&self) -> VersionStart {
        self.start
    }
}

impl ModelSchema {
    /// Describes a model. The derive calls this; by hand it is for types that cannot derive.
    #[must_use]
    pub const fn new(logical_table_name: Option<&'static str>, parts: &'static [Part]) -> Self {
        Self {
            logical_table_name,
            parts,
        }
    }

    /// The table name that is bound into every item, if the model states one.
    #[must_use]
    pub const fn logical_table_name(&self) -> Option<&'static str> {
        self.logical_table_name
    }

    /// The entries of this struct, in the order of its fields, unresolved. Most users want
    /// [`attributes`](Self::attributes).
    #[must_use]
    pub const fn parts(&self) -> &'static [Part] {
        self.parts
    }

    /// Every attribute of the tree, in the order of the fields.
    ///
    /// Keys come with the action they really get: as soon as one attribute of the tree is part of
    /// the encryption context, the format wants the keys there as well.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        Attributes {
            has_context: self.has_context(),
            stack: vec![self.parts.iter()],
        }
    }

    /// The attribute of this name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<AttributeSchema> {
        self.attributes().find(|attribute| attribute.name == name)
    }

    /// The partition key. Without one the struct is only ever flattened into others.
    #[must_use]
    pub fn partition_key(&self) -> Option<AttributeSchema> {
        self.with_role(Role::PartitionKey)
    }

    /// The sort key, if there is one.
    #[must_use]
    pub fn sort_key(&self) -> Option<AttributeSchema> {
        self.with_role(Role::SortKey)
    }

    /// The tenant attribute, if there is one.
    #[must_use]
    pub fn tenant(&self) -> Option<AttributeSchema> {
        self.with_role(Role::Tenant)
    }

    /// The version attribute, if there is one.
    #[must_use]
    pub fn version(&self) -> Option<AttributeSchema> {
        self.with_role(Role::Version)
    }

    /// What is done with attributes that a flattened map catches; `None` without such a map.
    #[must_use]
    pub const fn others(&self) -> Option<CryptoAction> {
        let mut parts = self.parts;
        while let [part, rest @ ..] = parts {
            match part {
                Part::Others(action) => return Some(*action),
                Part::Flatten(schema) => {
                    if let Some(action) = schema.others() {
                        return Some(action);
                    }
                }
                Part::Attribute(_) => {}
            }
            parts = rest;
        }
        None
    }

    /// Whether any attribute is part of the encryption context (header version 2).
    #[must_use]
    pub const fn has_context(&self) -> bool {
        let mut parts = self.parts;
        while let [part, rest @ ..] = parts {
            let found = match part {
                Part::Attribute(attribute) => {
                    matches!(
                        attribute.action,
                        CryptoAction::SignAndIncludeInEncryptionContext
                    )
                }
                Part::Flatten(schema) => schema.has_context(),
                Part::Others(_) => false,
            };
            if found {
                return true;
            }
            parts = rest;
        }
        false
    }

    /// How many attributes of the tree are a partition key.
    #[must_use]
    pub const fn count_partition_keys(&self) -> usize {
        self.count(Role::PartitionKey)
    }

    /// How many attributes of the tree are a sort key.
    #[must_use]
    pub const fn count_sort_keys(&self) -> usize {
        self.count(Role::SortKey)
    }

    /// How many attributes of the tree are a tenant.
    #[must_use]
    pub const fn count_tenants(&self) -> usize {
        self.count(Role::Tenant)
    }

    /// How many attributes of the tree are a version.
    #[must_use]
    pub const fn count_versions(&self) -> usize {
        self.count(Role::Version)
    }

    /// How many flattened maps there are in the tree.
    #[must_use]
    pub const fn count_others(&self) -> usize {
        let mut count = 0;
        let mut parts = self.parts;
        while let [part, rest @ ..] = parts {
            count += match part {
                Part::Others(_) => 1,
                Part::Flatten(schema) => schema.count_others(),
                Part::Attribute(_) => 0,
            };
            parts = rest;
        }
        count
    }

    /// Whether two attributes of the tree have the same name.
    #[must_use]
    pub const fn has_duplicates(&self) -> bool {
        repeats_a_name(self, self)
    }

    const fn count(&self, role: Role) -> usize {
        let mut count = 0;
        let mut parts = self.parts;
        while let [part, rest @ ..] = parts {
            count += match part {
                Part::Attribute(attribute) => (attribute.role as u8 == role as u8) as usize,
                Part::Flatten(schema) => schema.count(role),
                Part::Others(_) => 0,
            };
            parts = rest;
        }
        count
    }

    const fn count_name(&self, name: &str) -> usize {
        let mut count = 0;
        let mut parts = self.parts;
        while let [part, rest @ ..] = parts {
            count += match part {
                Part::Attribute(attribute) => same(attribute.name, name) as usize,
                Part::Flatten(schema) => schema.count_name(name),
                Part::Others(_) => 0,
            };
            parts = rest;
        }
        count
    }

    fn with_role(&self, role: Role) -> Option<AttributeSchema> {
        self.attributes().find(|attribute| attribute.role == role)
    }
}

/// The attributes of a [`ModelSchema`], from [`ModelSchema::attributes`].
#[derive(Clone, Debug)]
pub struct Attributes {
    has_context: bool,
    stack: Vec<std::slice::Iter<'static, Part>>,
}

impl Iterator for Attributes {
    type Item = AttributeSchema;

    fn next(&mut self) -> Option<AttributeSchema> {
        loop {
            match self.stack.last_mut()?.next() {
                None => {
                    self.stack.pop();
                }
                Some(Part::Attribute(attribute)) => return Some(self.resolve(*attribute)),
                Some(Part::Flatten(schema)) => self.stack.push(schema.parts.iter()),
                Some(Part::Others(_)) => {}
            }
        }
    }
}

impl Attributes {
    fn resolve(&self, mut attribute: AttributeSchema) -> AttributeSchema {
        if self.has_context && matches!(attribute.role, Role::PartitionKey | Role::SortKey) {
            attribute.action = CryptoAction::SignAndIncludeInEncryptionContext;
        }
        attribute
    }
}

const fn repeats_a_name(root: &ModelSchema, branch: &ModelSchema) -> bool {
    let mut parts = branch.parts;
    while let [part, rest @ ..] = parts {
        let repeated = match part {
            Part::Attribute(attribute) => root.count_name(attribute.name) > 1,
            Part::Flatten(schema) => repeats_a_name(root, schema),
            Part::Others(_) => false,
        };
        if repeated {
            return true;
        }
        parts = rest;
    }
    false
}

// `==` on strings is not const.
const fn same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    while let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b) {
        if *x != *y {
            return false;
        }
        (a, b) = (a_rest, b_rest);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn plain(name: &'static str, action: CryptoAction) -> Part {
        Part::Attribute(AttributeSchema::new(name, action, Role::Plain))
    }

    static INNER: ModelSchema = ModelSchema::new(
        None,
        &[
            plain("city", CryptoAction::EncryptAndSign),
            plain("region", CryptoAction::SignAndIncludeInEncryptionContext),
            Part::Others(CryptoAction::EncryptAndSign),
        ],
    );
    static OUTER: ModelSchema = ModelSchema::new(
        Some("customers"),
        &[
            Part::Attribute(AttributeSchema::new(
                "id",
                CryptoAction::SignOnly,
                Role::PartitionKey,
            )),
            Part::Flatten(&INNER),
            plain("plan", CryptoAction::SignOnly),
        ],
    );
    static TWICE: ModelSchema =
        ModelSchema::new(None, &[Part::Flatten(&OUTER), Part::Flatten(&INNER)]);

    #[test]
    fn walks_flattened_structs_in_field_order() {
        let names: Vec<_> = OUTER
            .attributes()
            .map(|attribute| attribute.name())
            .collect();
        assert_eq!(names, ["id", "city", "region", "plan"]);
    }

    #[test]
    fn puts_keys_into_the_context_as_soon_as_one_attribute_is() {
        let key = OUTER.partition_key().unwrap();
        assert_eq!(
            key.action(),
            CryptoAction::SignAndIncludeInEncryptionContext
        );
        assert_eq!(
            OUTER.attribute("plan").unwrap().action(),
            CryptoAction::SignOnly
        );
    }

    #[test]
    fn finds_the_action_of_a_nested_map() {
        assert_eq!(OUTER.others(), Some(CryptoAction::EncryptAndSign));
        assert_eq!(TWICE.count_others(), 2);
    }

    #[test]
    fn finds_names_that_repeat_across_branches() {
        const { assert!(!OUTER_CONST.has_duplicates()) };
        assert!(!OUTER.has_duplicates());
        assert!(TWICE.has_duplicates());
    }

    const OUTER_CONST: &ModelSchema =
        &ModelSchema::new(None, &[plain("a", CryptoAction::SignOnly)]);

    #[test]
    fn counts_roles_over_the_tree() {
        assert_eq!(TWICE.count_partition_keys(), 1);
        assert_eq!(
            TWICE.count_sort_keys() + TWICE.count_tenants() + TWICE.count_versions(),
            0
        );
    }
}
