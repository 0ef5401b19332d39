//! Update expressions.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use super::error::ExpressionError;
use super::operand::{UpdateOperand, UpdateOperandKind, UpdateValue, UpdateValueKind};
use super::path::Attribute;
use super::printer::{self, Placeholders};
use super::rules::{self, AttributeRules, Refusal};
use super::{parser, validity};
use crate::item::KeyValue;

/// An update in place. DynamoDB knows no signature, so it may touch unsigned attributes only.
///
/// A string where a path is expected is the exact name of a top-level attribute; a string where a
/// value is expected is a value.
///
/// ```
/// use dynaseal::expression::{UpdateExpression, attribute};
/// let update = UpdateExpression::new()
///     .increment(":views", 1)
///     .set_if_not_exists(":firstSeen", "2026-01-01")
///     .set(attribute(":tags").index(0), "new")
///     .remove(":ttl");
/// assert_eq!(
///     format!("{update:?}"),
///     "UpdateExpression(SET `:views`=`:views`+:_,`:firstSeen`=if_not_exists(`:firstSeen`,:_),\
///      `:tags`[0]=:_ REMOVE `:ttl`)"
/// );
/// ```
#[derive(Clone, Default, PartialEq)]
#[must_use = "an update does nothing until an operation takes it"]
pub struct UpdateExpression {
    pub(super) set: Vec<(Attribute, UpdateValueKind)>,
    pub(super) remove: Vec<Attribute>,
    pub(super) add: Vec<(Attribute, AttributeValue)>,
    pub(super) delete: Vec<(Attribute, AttributeValue)>,
}

impl UpdateExpression {
    /// An update that does nothing yet; DynamoDB refuses it like that.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses DynamoDB's text. `names` defines the `#names`, `values` the `:values`; pass
    /// [`NO_NAMES`](super::NO_NAMES) and [`NO_VALUES`](super::NO_VALUES) where there are none.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] if DynamoDB would refuse the text, or if a placeholder is undefined,
    /// defined twice or unused.
    ///
    /// ```
    /// use dynaseal::expression::{NO_NAMES, UpdateExpression, attribute};
    /// let parsed = UpdateExpression::parse(
    ///     "SET hits = if_not_exists(hits, :n) - :n REMOVE old",
    ///     NO_NAMES,
    ///     [(":n", 1)],
    /// )?;
    /// let built = UpdateExpression::new()
    ///     .set("hits", attribute("hits").if_not_exists(1).minus(1))
    ///     .remove("old");
    /// assert_eq!(parsed, built);
    /// # Ok::<_, dynaseal::expression::ExpressionError>(())
    /// ```
    pub fn parse(
        text: &str,
        names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        values: impl IntoIterator<Item = (impl Into<String>, impl KeyValue)>,
    ) -> Result<Self, ExpressionError> {
        parser::update(text, names, values)
    }

    /// `SET path = value`
    pub fn set(mut self, path: impl Into<Attribute>, value: impl Into<UpdateValue>) -> Self {
        self.set.push((path.into(), value.into().0));
        self
    }

    /// `SET path = if_not_exists(path, value)`: leaves what is there.
    pub fn set_if_not_exists(
        self,
        path: impl Into<Attribute>,
        value: impl Into<UpdateOperand>,
    ) -> Self {
        let path = path.into();
        let value = path.clone().if_not_exists(value);
        self.set(path, value)
    }

    /// `SET path = list_append(path, elements)`: the list must be there.
    pub fn append_to_list(
        self,
        path: impl Into<Attribute>,
        elements: impl Into<UpdateOperand>,
    ) -> Self {
        let path = path.into();
        let value = path.clone().list_append(elements);
        self.set(path, value)
    }

    /// `SET path = path + number`: the number must be there. [`add`](Self::add) starts at 0.
    pub fn increment(self, path: impl Into<Attribute>, by: impl Into<UpdateOperand>) -> Self {
        let path = path.into();
        let value = path.clone().plus(by);
        self.set(path, value)
    }

    /// `SET path = path - number`: the number must be there.
    pub fn decrement(self, path: impl Into<Attribute>, by: impl Into<UpdateOperand>) -> Self {
        let path = path.into();
        let value = path.clone().minus(by);
        self.set(path, value)
    }

    /// `ADD path value`: adds to a number, from 0 if there is none, or elements to a set.
    pub fn add(mut self, path: impl Into<Attribute>, value: impl KeyValue) -> Self {
        self.add.push((path.into(), value.into_key_value()));
        self
    }

    /// `DELETE path value`: takes elements out of a set.
    pub fn delete(mut self, path: impl Into<Attribute>, value: impl KeyValue) -> Self {
        self.delete.push((path.into(), value.into_key_value()));
        self
    }

    /// `REMOVE path`
    pub fn remove(mut self, path: impl Into<Attribute>) -> Self {
        self.remove.push(path.into());
        self
    }

    /// The text for DynamoDB; names and values go to `placeholders`.
    pub(crate) fn render(
        &self,
        placeholders: &mut Placeholders,
    ) -> Result<String, ExpressionError> {
        validity::update(self)?;
        let text = printer::printed(placeholders, |printer| printer.print(self));
        validity::check_len(&text)?;
        Ok(text)
    }

    /// Whether the update leaves everything alone that the signature covers.
    pub(crate) fn check(&self, rules: &dyn AttributeRules) -> Result<(), Refusal> {
        self.paths()
            .try_for_each(|path| rules::check_unsigned(path, rules))
    }

    /// The paths that the update writes.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Attribute> {
        let values = self.add.iter().chain(&self.delete).map(|(path, _)| path);
        let set = self.set.iter().map(|(path, _)| path);
        set.chain(&self.remove).chain(values)
    }

    /// The paths that the update writes or reads.
    fn paths(&self) -> impl Iterator<Item = &Attribute> {
        let mut read = Vec::new();
        for (_, value) in &self.set {
            match value {
                UpdateValueKind::Operand(operand) => operand.paths(&mut read),
                UpdateValueKind::Plus(left, right) | UpdateValueKind::Minus(left, right) => {
                    left.paths(&mut read);
                    right.paths(&mut read);
                }
            }
        }
        self.targets().chain(read)
    }
}

impl UpdateOperandKind {
    fn paths<'a>(&'a self, found: &mut Vec<&'a Attribute>) {
        match self {
            Self::Path(path) => found.push(path),
            Self::Value(_) => {}
            Self::IfNotExists(path, other) => {
                found.push(path);
                other.paths(found);
            }
            Self::ListAppend(first, second) => {
                first.paths(found);
                second.paths(found);
            }
        }
    }
}

impl fmt::Debug for UpdateExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = printer::redacted(|printer| printer.print(self));
        write!(f, "UpdateExpression({text})")
    }
}
