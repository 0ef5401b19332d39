//! The contexts that permissions are tried with: those of items, of table keys, and of the records of
//! a key store.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

use super::Powers;
use super::check;
use crate::context::{Entries, TABLE_NAME};
use crate::item::{ContextShape, HeaderVersion, Item};
use crate::key_store::names;
use crate::keyring::table_key_context::{PURPOSE, TABLE_KEY_ID, TABLE_KEY_PURPOSE, TENANT};
use crate::keyring::{KmsContext, KmsKeyUse};

/// What the context of each record has beside the key store's name, its type and its id.
pub(super) const OF_EACH_RECORD: [&str; 3] =
    [names::CREATE_TIME, names::HIERARCHY_VERSION, names::KMS_ARN];

/// What a context has where nobody gave a value.
const PLACEHOLDER: &str = "dynaseal-doctor";
const NO_KEY_ID: &str = "00000000000000000000000000000000";
const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";
const NO_TIME: &str = "1970-01-01T00:00:00.000000Z";

/// One context, of a sample or of made-up values.
#[derive(Clone)]
pub(super) struct Try {
    pub(super) of: Tried,
    /// Counted from 1; `None` if its values are made up.
    pub(super) sample: Option<usize>,
}

/// Whose context it is.
#[derive(Clone)]
pub(super) enum Tried {
    Item(ContextShape),
    TableKey(Tenanted),
    Record(Record, Tenanted),
}

/// A context that samples can say the tenant of.
#[derive(Clone)]
pub(super) struct Tenanted {
    entries: Entries,
    has_tenant: bool,
}

/// Which record of a branch key: one is sealed with, any is opened with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    Active,
    Version,
}

/// What there is to try with a key, if requests have the context of something other than items.
pub(super) fn beside_items(
    key: &KmsKeyUse,
    logical_table_name: &str,
    samples: &[(usize, Item)],
) -> Option<Vec<Try>> {
    match key.context() {
        KmsContext::Item => None,
        KmsContext::TableKey { tenant_attribute } => {
            let tenants = tenants(tenant_attribute.as_deref(), samples);
            let has_tenant = tenant_attribute.is_some();
            let tried = tenants.into_iter().map(|(sample, tenant)| Try {
                of: Tried::TableKey(Tenanted {
                    entries: of_table_key(logical_table_name, has_tenant.then_some(tenant)),
                    has_tenant,
                }),
                sample,
            });
            Some(tried.collect())
        }
        KmsContext::KeyStore {
            logical_name,
            branch_key_id,
            tenant_attribute,
        } => {
            let tenants = match branch_key_id.as_deref() {
                Some(id) => vec![(None, id)],
                None => tenants(tenant_attribute.as_deref(), samples),
            };
            let tried = |record: Record, tenant: &str| {
                let context = Tenanted {
                    entries: of_record(record, key, logical_name, tenant),
                    has_tenant: branch_key_id.is_none() && tenant_attribute.is_some(),
                };
                Tried::Record(record, context)
            };
            let both = |(sample, tenant): (Option<usize>, &str)| {
                [Record::Active, Record::Version].map(|record| Try {
                    of: tried(record, tenant),
                    sample,
                })
            };
            Some(tenants.into_iter().flat_map(both).collect())
        }
    }
}

/// Each tenant once, with the first sample of it. One that is made up, if no sample has any.
fn tenants<'a>(
    attribute: Option<&str>,
    samples: &'a [(usize, Item)],
) -> Vec<(Option<usize>, &'a str)> {
    let mut found: Vec<(Option<usize>, &str)> = Vec::new();
    for (number, sample) in samples {
        let value = attribute.and_then(|name| sample.get(name));
        let Some(AttributeValue::S(tenant)) = value else {
            continue;
        };
        if !found.iter().any(|(_, known)| known == tenant) {
            found.push((Some(*number), tenant));
        }
    }
    if found.is_empty() {
        found.push((None, PLACEHOLDER));
    }
    found
}

fn of_table_key(logical_table_name: &str, tenant: Option<&str>) -> Entries {
    let mut entries = entries([
        (TABLE_NAME, logical_table_name),
        (PURPOSE, TABLE_KEY_PURPOSE),
        (TABLE_KEY_ID, NO_KEY_ID),
    ]);
    entries.extend(tenant.map(|tenant| (Arc::from(TENANT), Arc::from(tenant))));
    entries
}

fn of_record(record: Record, key: &KmsKeyUse, logical_name: &str, branch_key_id: &str) -> Entries {
    let version = format!("{}{NO_UUID}", names::VERSION_PREFIX);
    let arn = key.key_arn().unwrap_or_default();
    let mut entries = entries([
        (names::TABLE_NAME, logical_name),
        (names::ID, branch_key_id),
        (names::CREATE_TIME, NO_TIME),
        (names::HIERARCHY_VERSION, names::OUR_HIERARCHY_VERSION),
        (names::KMS_ARN, &arn),
    ]);
    if record == Record::Active {
        entries.insert(Arc::from(names::TYPE), Arc::from(names::ACTIVE));
        entries.insert(Arc::from(names::VERSION), Arc::from(version));
    } else {
        entries.insert(Arc::from(names::TYPE), Arc::from(version));
    }
    entries
}

fn entries<const N: usize>(entries: [(&str, &str); N]) -> Entries {
    let entry = |(key, value): (&str, &str)| (Arc::from(key), Arc::from(value));
    entries.into_iter().map(entry).collect()
}

impl Try {
    /// Whether a handle of these powers does this under the context.
    pub(super) fn is_for(&self, check: &'static str, powers: Powers) -> bool {
        let decrypts = check == check::DECRYPT;
        match &self.of {
            Tried::Item(_) | Tried::TableKey(_) if decrypts => powers.opens,
            Tried::Item(shape) => powers.seals && shape.is_sealed,
            Tried::TableKey(_) => powers.seals,
            Tried::Record(Record::Active, _) => decrypts && powers.seals,
            Tried::Record(Record::Version, _) => decrypts && powers.opens,
        }
    }

    pub(super) fn context(&self) -> Vec<(&str, &str)> {
        let entries = match &self.of {
            Tried::Item(shape) => return shape.context.iter().collect(),
            Tried::TableKey(context) | Tried::Record(_, context) => context.entries.iter(),
        };
        entries.map(|(key, value)| (&**key, &**value)).collect()
    }

    /// Whether there are items as it would be for: nobody knows of those from before anything was in
    /// the context.
    pub(super) fn is_certain(&self) -> bool {
        !matches!(&self.of, Tried::Item(shape) if !shape.is_sealed)
    }

    /// Whether a sample would have values that are made up now.
    pub(super) fn wants_sample(&self) -> bool {
        let has_tenant = match &self.of {
            Tried::Item(_) => true,
            Tried::TableKey(context) | Tried::Record(_, context) => context.has_tenant,
        };
        self.sample.is_none() && has_tenant
    }
}

/// Which context it was, without any value in it.
impl fmt::Display for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Tried::Item(shape) => write_shape(f, shape)?,
            Tried::TableKey(_) => f.write_str("table key context")?,
            Tried::Record(Record::Active, _) => {
                f.write_str("key store context, of a record that is sealed with")?;
            }
            Tried::Record(Record::Version, _) => {
                f.write_str("key store context, of a record that is opened with")?;
            }
        }
        match (&self.of, self.sample) {
            (_, None) => f.write_str(", made-up values"),
            (Tried::Item(_), Some(number)) => write!(f, ", sample {number}"),
            (_, Some(number)) => {
                write!(f, ", tenant of sample {number}, other values made up")
            }
        }
    }
}

fn write_shape(f: &mut fmt::Formatter<'_>, shape: &ContextShape) -> fmt::Result {
    f.write_str(match (shape.version, shape.is_sealed) {
        (HeaderVersion::V1, true) => "header version 1",
        (HeaderVersion::V1, false) => {
            "header version 1, of items sealed before any attribute was in the context"
        }
        (HeaderVersion::V2, _) => "header version 2",
    })?;
    match &shape.entity {
        Some(entity) => write!(f, ", entity `{}`", entity.escape_debug()),
        None => Ok(()),
    }
}
