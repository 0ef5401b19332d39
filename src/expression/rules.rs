//! Which attributes an expression may name, and where.
//!
//! The reference client looks for words in the text, and misses nested paths, names that begin with a
//! keyword, what follows a tab, and attributes that the schema does not know. Here the tree is
//! asked, and what the schema does not know is refused.

use std::fmt;

use super::condition::Node;
use super::operand::{Operand, OperandKind};
use super::path::Attribute;
use crate::action::CryptoAction;
use crate::format::{REPLICATION_PREFIX, RESERVED_PREFIX};
use crate::item::ItemSchema;

/// What is done with the attributes of a table.
pub(crate) trait AttributeRules {
    /// The action of an attribute; `None` if the schema does not know it.
    fn action(&self, name: &str) -> Option<CryptoAction>;
    /// Whether the signature covers the attribute, or would if an item had it.
    fn is_in_signature_scope(&self, name: &str) -> bool;
}

impl AttributeRules for ItemSchema {
    fn action(&self, name: &str) -> Option<CryptoAction> {
        self.action(name)
    }

    fn is_in_signature_scope(&self, name: &str) -> bool {
        self.is_in_signature_scope(name)
    }
}

/// An attribute that an expression names and may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    attribute: String,
    why: &'static str,
}

impl Refusal {
    fn new(path: &Attribute, why: &'static str) -> Self {
        Self {
            attribute: path.name().to_owned(),
            why,
        }
    }

    /// The name of the attribute.
    pub(crate) fn attribute(&self) -> &str {
        &self.attribute
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "attribute `{}` {}",
            self.attribute.escape_debug(),
            self.why
        )
    }
}

const RESERVED: &str = "belongs to the item format; expressions leave it to the table";
const REPLICATION: &str = "belongs to DynamoDB's replication, and nobody vouches for it";
const UNKNOWN: &str = "has no action in the schema, so it may be encrypted, or its name is \
                       misspelt; give it an action";
const ENCRYPTED: &str = "is encrypted, so DynamoDB would see its ciphertext; use it in \
                         `attribute_exists` and `attribute_not_exists` only, or compare it after reading";
const INSIDE_ENCRYPTED: &str = "is encrypted as a whole, so DynamoDB cannot look inside it; compare \
                                it after reading";
const SIGNED: &str = "is covered by the item's signature, which only a reader of the whole item can \
                      check and renew; use `update` to change it, and read the whole item to see it";

/// Whether DynamoDB can evaluate a condition on sealed items.
pub(super) fn check_condition(node: &Node, rules: &dyn AttributeRules) -> Result<(), Refusal> {
    let check = |operands: &[&Operand]| {
        let mut operands = operands.iter();
        operands.try_for_each(|operand| check_operand(operand, rules))
    };
    match node {
        Node::Compare(left, _, right) => check(&[left, right]),
        Node::Between(operand, low, high) => check(&[operand, low, high]),
        Node::BeginsWith(operand, other) | Node::Contains(operand, other) => {
            check(&[operand, other])
        }
        Node::In(operand, list) => {
            let mut operands = std::iter::once(operand).chain(list);
            operands.try_for_each(|operand| check_operand(operand, rules))
        }
        Node::Exists(path) | Node::NotExists(path) => check_existence(path, rules),
        Node::HasType(path, _) => check_compared(path, rules),
        Node::And(parts) | Node::Or(parts) => parts
            .iter()
            .try_for_each(|part| check_condition(part, rules)),
        Node::Not(negated) => check_condition(negated, rules),
    }
}

fn check_operand(operand: &Operand, rules: &dyn AttributeRules) -> Result<(), Refusal> {
    match &operand.0 {
        OperandKind::Value(_) => Ok(()),
        OperandKind::Path(path) | OperandKind::Size(path) => check_compared(path, rules),
    }
}

/// An attribute whose value counts.
fn check_compared(path: &Attribute, rules: &dyn AttributeRules) -> Result<(), Refusal> {
    if is_encrypted(path, rules)? {
        let why = if path.is_nested() {
            INSIDE_ENCRYPTED
        } else {
            ENCRYPTED
        };
        return Err(Refusal::new(path, why));
    }
    Ok(())
}

/// An attribute of which only the presence counts, which everybody sees.
fn check_existence(path: &Attribute, rules: &dyn AttributeRules) -> Result<(), Refusal> {
    if is_encrypted(path, rules)? && path.is_nested() {
        return Err(Refusal::new(path, INSIDE_ENCRYPTED));
    }
    Ok(())
}

fn is_encrypted(path: &Attribute, rules: &dyn AttributeRules) -> Result<bool, Refusal> {
    check_reserved(path)?;
    match rules.action(path.name()) {
        Some(action) => Ok(action == CryptoAction::EncryptAndSign),
        None => Err(Refusal::new(path, UNKNOWN)),
    }
}

/// An attribute that is written in place: no signature may cover it.
pub(super) fn check_unsigned(path: &Attribute, rules: &dyn AttributeRules) -> Result<(), Refusal> {
    check_reserved(path)?;
    if rules.is_in_signature_scope(path.name()) {
        return Err(Refusal::new(path, SIGNED));
    }
    Ok(())
}

/// Names that nobody's schema can give an action.
fn check_reserved(path: &Attribute) -> Result<(), Refusal> {
    for (prefix, why) in [
        (RESERVED_PREFIX, RESERVED),
        (REPLICATION_PREFIX, REPLICATION),
    ] {
        if path.name().starts_with(prefix) {
            return Err(Refusal::new(path, why));
        }
    }
    Ok(())
}
