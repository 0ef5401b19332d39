//! From items to fields: what is in scope, in canonical order, as bytes.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;

use super::legend::SealedActions;
use super::{Item, ItemSchema};
use crate::action::CryptoAction;
use crate::crypto::aead::TAG_LEN;
use crate::engine::{FieldBytes, SealField, StoredField};
use crate::error::{
    AttributeIssue, InvalidAttribute, OpenError, SchemaChanged, SealError, ValueError,
};
use crate::format::canonical_path::canonical_order;
use crate::format::header::Header;
use crate::format::legend::LegendByte;
use crate::format::{RESERVED_PREFIX, is_replication_attribute, is_reserved};
use crate::value::{TYPE_ID_LEN, Terminal, TypeId, encode_to, expected_len};

/// The least an encrypted attribute has: a type id and a tag.
const MIN_ENCRYPTED_LEN: usize = TYPE_ID_LEN + TAG_LEN;

/// The attributes of an item: signed ones first, in canonical order, then the unsigned ones.
///
/// Fields borrow from here; results are put back by position, so that no name is looked up twice.
pub(super) struct Attributes {
    all: Vec<(String, AttributeValue)>,
    signed: usize,
}

impl Attributes {
    /// Sorts an item into what the signature covers and what not.
    pub(super) fn split(schema: &ItemSchema, item: Item) -> Self {
        let mut all: Vec<_> = item.into_iter().collect();
        let mut signed = 0;
        for at in 0..all.len() {
            if all
                .get(at)
                .is_some_and(|(name, _)| schema.is_in_signature_scope(name))
            {
                all.swap(signed, at);
                signed += 1;
            }
        }
        let in_scope = all.get_mut(..signed).unwrap_or_default();
        in_scope.sort_unstable_by(|(a, _), (b, _)| canonical_order(a, b));
        Self { all, signed }
    }

    pub(super) fn signed(&self) -> &[(String, AttributeValue)] {
        self.all.get(..self.signed).unwrap_or_default()
    }

    pub(super) fn replace(&mut self, index: usize, value: AttributeValue) {
        if let Some((_, place)) = self.all.get_mut(index) {
            *place = value;
        }
    }

    /// The item, without what belongs to the format, and to DynamoDB's replication.
    pub(super) fn into_item(self) -> Item {
        // Room for header and footer: a map that grows hashes every name again.
        let mut item = Item::with_capacity(self.all.len() + 2);
        let own = self.all.into_iter().filter(|(name, _)| {
            !(name.starts_with(RESERVED_PREFIX) || is_replication_attribute(name))
        });
        item.extend(own);
        item
    }
}

/// Refuses items that lack a key or a context attribute, or bring what only sealing may add.
pub(super) fn check_sealable(schema: &ItemSchema, item: &Item) -> Result<(), InvalidAttribute> {
    if let Some(name) = schema
        .required_names()
        .find(|name| !item.contains_key(*name))
    {
        return Err(InvalidAttribute::new(name, AttributeIssue::Missing));
    }
    match item.keys().filter(|name| is_reserved(name)).min() {
        Some(name) => Err(InvalidAttribute::new(name, AttributeIssue::Reserved)),
        None => Ok(()),
    }
}

/// Refuses attributes that only other entity types of the table leave unsigned: they would be stored in
/// clear although this schema does not say so.
pub(super) fn check_unsigned(schema: &ItemSchema, item: &Item) -> Result<(), InvalidAttribute> {
    let foreign = item.keys().filter(|name| schema.is_foreign_unsigned(name));
    foreign.min().map_or(Ok(()), |name| {
        Err(InvalidAttribute::new(name, AttributeIssue::NoAction))
    })
}

/// Refuses context attributes that differ in case only. The schema has seen to those it names; an
/// item can bring others, if the schema includes whatever it does not name.
pub(super) fn check_case<'a>(
    included: impl Iterator<Item = &'a str>,
) -> Result<(), InvalidAttribute> {
    let mut seen = BTreeSet::new();
    for name in included {
        if !seen.insert(name.to_lowercase()) {
            return Err(InvalidAttribute::new(name, AttributeIssue::DiffersInCase));
        }
    }
    Ok(())
}

/// What is done to each attribute: what the schema says, or else what was done to it before.
struct Actions<'a> {
    schema: &'a ItemSchema,
    before: &'a SealedActions,
    includes: bool,
}

impl<'a> Actions<'a> {
    fn new(schema: &'a ItemSchema, before: &'a SealedActions, attributes: &Attributes) -> Self {
        let mut actions = Self {
            schema,
            before,
            includes: false,
        };
        actions.includes = attributes.signed().iter().any(|(name, _)| {
            actions.of(name) == Some(CryptoAction::SignAndIncludeInEncryptionContext)
        });
        actions
    }

    fn of(&self, name: &str) -> Option<CryptoAction> {
        let is_key = || self.schema.key_names().any(|key| key == name);
        // Whatever is included, the keys are too, also where the schema knows of no such attribute.
        if self.includes && is_key() {
            return Some(CryptoAction::SignAndIncludeInEncryptionContext);
        }
        let action = self.schema.action(name);
        action.or_else(|| self.before.get(name).copied())
    }
}

/// The fields of an item that is about to be sealed.
pub(super) fn to_seal<'a>(
    schema: &'a ItemSchema,
    before: &SealedActions,
    attributes: &'a Attributes,
) -> Result<Vec<SealField<'a>>, SealError> {
    let actions = Actions::new(schema, before, attributes);
    let field = |(name, value): &'a (String, AttributeValue)| {
        let issue = |issue| InvalidAttribute::new(name, issue);
        let value_issue = |cause| issue(AttributeIssue::Value(cause));
        let action = actions.of(name);
        let action = action.ok_or_else(|| issue(AttributeIssue::NoAction))?;
        let bytes = match action {
            CryptoAction::EncryptAndSign => {
                FieldBytes::Encrypt(plaintext(value).map_err(value_issue)?)
            }
            CryptoAction::SignOnly => FieldBytes::Sign(Terminal::of(value).map_err(value_issue)?),
            CryptoAction::SignAndIncludeInEncryptionContext => {
                FieldBytes::Include(Terminal::of(value).map_err(value_issue)?)
            }
            // Signed attributes alone are here: an unsigned one is out of signature scope.
            CryptoAction::DoNothing => return Err(issue(AttributeIssue::NoAction).into()),
        };
        Ok(SealField {
            path: schema.path_prefix().path(name),
            bytes,
        })
    };
    attributes.signed().iter().map(field).collect()
}

/// `type id ‖ value`, with room for the tag.
fn plaintext(value: &AttributeValue) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::with_capacity(TYPE_ID_LEN + expected_len(value) + TAG_LEN);
    out.extend_from_slice(&TypeId::of(value)?.to_bytes());
    encode_to(value, &mut out)?;
    out.reserve_exact(TAG_LEN);
    Ok(out)
}

/// The fields of a sealed item, as the header's legend says what they are.
pub(super) fn to_open<'a>(
    schema: &'a ItemSchema,
    attributes: &'a Attributes,
    header: &Header<'_>,
) -> Result<Vec<StoredField<'a>>, OpenError> {
    let signed = attributes.signed();
    if signed.len() != header.legend.len() {
        return Err(SchemaChanged::new(header.legend.len(), signed.len()).into());
    }
    let field = |((name, value), legend): (&'a (String, AttributeValue), &LegendByte)| {
        let stored = match legend {
            LegendByte::EncryptAndSign => encrypted(value),
            LegendByte::SignOnly | LegendByte::SignAndInclude => {
                Terminal::of(value).map_err(AttributeIssue::Value)
            }
        };
        let stored = stored.map_err(|issue| InvalidAttribute::new(name, issue))?;
        Ok(StoredField {
            path: schema.path_prefix().path(name),
            legend: *legend,
            stored,
        })
    };
    signed.iter().zip(&header.legend).map(field).collect()
}

fn encrypted(value: &AttributeValue) -> Result<Terminal<'_>, AttributeIssue> {
    let AttributeValue::B(blob) = value else {
        return Err(AttributeIssue::NotBinary);
    };
    if blob.as_ref().len() < MIN_ENCRYPTED_LEN {
        return Err(AttributeIssue::TooShort);
    }
    Terminal::of(value).map_err(AttributeIssue::Value)
}

/// Refuses names of the format that it does not have: only header, footer, beacons and the version
/// tags of searchable encryption may be there.
pub(super) fn check_reserved(attributes: &Attributes) -> Result<(), InvalidAttribute> {
    let unsigned = attributes.all.get(attributes.signed..).unwrap_or_default();
    let unknown = unsigned.iter().map(|(name, _)| name).find(|name| {
        let own = name.strip_prefix(RESERVED_PREFIX);
        own.is_some_and(|own| !own.starts_with("b_") && !own.starts_with('v'))
    });
    unknown.map_or(Ok(()), |name| {
        Err(InvalidAttribute::new(name, AttributeIssue::Reserved))
    })
}
