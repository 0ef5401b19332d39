//! Conditions and filters.

use std::fmt;
use std::ops::Not;

use aws_sdk_dynamodb::types::AttributeValue;

use super::error::ExpressionError;
use super::operand::{Operand, Size};
use super::parser;
use super::path::Attribute;
use super::printer::{self, Placeholders};
use super::rules::{self, AttributeRules, Refusal};
use super::validity;
use crate::item::KeyValue;

/// A condition of a write, or the filter of a query or scan.
///
/// DynamoDB evaluates it on what is stored, before anything is verified. So it may name attributes
/// that are signed only or unsigned; an encrypted attribute only in [`exists`](Attribute::exists) and
/// [`not_exists`](Attribute::not_exists), as a whole.
///
/// ```
/// use dynaseal::expression::attribute;
/// let condition = attribute("plan").eq("gold").or(!attribute("spent").between(100, 200));
/// // `Debug` shows names and no value.
/// let shown = format!("{condition:?}");
/// assert_eq!(shown, "Condition(`plan`=:_ OR NOT `spent` BETWEEN :_ AND :_)");
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "a condition does nothing until an operation takes it"]
pub struct Condition(pub(super) Node);

/// A condition's tree.
///
/// `And` and `Or` have two parts at least, and none of their own kind: a chain of a hundred is one
/// level deep, and each condition has one form.
#[derive(Clone, PartialEq)]
pub(super) enum Node {
    Compare(Operand, Comparator, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Attribute),
    NotExists(Attribute),
    HasType(Attribute, AttributeType),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Comparator {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "<>",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// A type of attribute values, as `attribute_type` tests it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// A string.
    S,
    /// A number.
    N,
    /// Binary.
    B,
    /// A Boolean.
    Bool,
    /// Null.
    Null,
    /// A map.
    M,
    /// A list.
    L,
    /// A set of strings.
    Ss,
    /// A set of numbers.
    Ns,
    /// A set of binary values.
    Bs,
}

impl AttributeType {
    pub(super) const ALL: [Self; 10] = [
        Self::S,
        Self::N,
        Self::B,
        Self::Bool,
        Self::Null,
        Self::M,
        Self::L,
        Self::Ss,
        Self::Ns,
        Self::Bs,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
            Self::Bool => "BOOL",
            Self::Null => "NULL",
            Self::M => "M",
            Self::L => "L",
            Self::Ss => "SS",
            Self::Ns => "NS",
            Self::Bs => "BS",
        }
    }

    pub(super) fn to_value(self) -> AttributeValue {
        AttributeValue::S(self.as_str().to_owned())
    }
}

impl Condition {
    /// Parses DynamoDB's text. `names` defines the `#names`, `values` the `:values`; pass
    /// [`NO_NAMES`](super::NO_NAMES) and [`NO_VALUES`](super::NO_VALUES) where there are none.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] if DynamoDB would refuse the text, or if a placeholder is undefined,
    /// defined twice or unused.
    ///
    /// ```
    /// use dynaseal::expression::{Condition, NO_VALUES, attribute};
    /// let names = [("#ttl", "ttl"), ("#dotted", "a.b")];
    /// let parsed = Condition::parse("size(#ttl) < size(#dotted)", names, NO_VALUES)?;
    /// assert_eq!(parsed, attribute("ttl").size().lt(attribute("a.b").size()));
    ///
    /// let error = Condition::parse("attribute_exists(#ttl)", names, NO_VALUES).unwrap_err();
    /// assert_eq!(error.to_string(), "`#dotted` is defined and not used");
    /// # Ok::<_, dynaseal::expression::ExpressionError>(())
    /// ```
    pub fn parse(
        text: &str,
        names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        values: impl IntoIterator<Item = (impl Into<String>, impl KeyValue)>,
    ) -> Result<Self, ExpressionError> {
        parser::condition(text, names, values).map(Self)
    }

    /// Both conditions.
    pub fn and(self, other: Self) -> Self {
        Self(Node::and(self.0, other.0))
    }

    /// Either condition, or both.
    pub fn or(self, other: Self) -> Self {
        Self(Node::or(self.0, other.0))
    }

    /// The text for DynamoDB; names and values go to `placeholders`.
    pub(crate) fn render(
        &self,
        placeholders: &mut Placeholders,
    ) -> Result<String, ExpressionError> {
        validity::condition(&self.0)?;
        let text = printer::printed(placeholders, |printer| printer.print(&self.0));
        validity::check_len(&text)?;
        Ok(text)
    }

    /// Whether DynamoDB can evaluate the condition on sealed items.
    pub(crate) fn check(&self, rules: &dyn AttributeRules) -> Result<(), Refusal> {
        rules::check_condition(&self.0, rules)
    }
}

/// Not the condition: `!condition`.
impl Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Box::new(self.0)))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = printer::redacted(|printer| printer.print(&self.0));
        write!(f, "Condition({text})")
    }
}

impl Node {
    pub(super) fn and(self, other: Self) -> Self {
        let parts = |node| match node {
            Self::And(parts) => parts,
            node => vec![node],
        };
        // Appended to: a long condition grows one part at a time.
        let mut all = parts(self);
        all.append(&mut parts(other));
        Self::And(all)
    }

    pub(super) fn or(self, other: Self) -> Self {
        let parts = |node| match node {
            Self::Or(parts) => parts,
            node => vec![node],
        };
        let mut all = parts(self);
        all.append(&mut parts(other));
        Self::Or(all)
    }
}

/// What can be compared, compares alike.
macro_rules! comparisons {
    ($($type:ty),+) => {$(
        impl $type {
            /// `=`
            pub fn eq(self, other: impl Into<Operand>) -> Condition {
                Condition(Node::Compare(self.into(), Comparator::Eq, other.into()))
            }

            /// `<>`. Also true where the item has no such attribute.
            pub fn ne(self, other: impl Into<Operand>) -> Condition {
                Condition(Node::Compare(self.into(), Comparator::Ne, other.into()))
            }

            /// `<`
            pub fn lt(self, other: impl Into<Operand>) -> Condition {
                Condition(Node::Compare(self.into(), Comparator::Lt, other.into()))
            }

            /// `<=`
            pub fn le(self, other: impl Into<Operand>) -> Condition {
                Condition(Node::Compare(self.into(), Comparator::Le, other.into()))
            }

            /// `>`
            pub fn gt(self, other: impl Into<Operand>) -> Condition {
                Condition(Node::Compare(self.into(), Comparator::Gt, other.into()))
            }

            /// `>=`
            pub fn ge(self, other: impl Into<Operand>) -> Condition {
                Condition(Node::Compare(self.into(), Comparator::Ge, other.into()))
            }

            /// `BETWEEN`: at least `low` and at most `high`.
            pub fn between(self, low: impl Into<Operand>, high: impl Into<Operand>) -> Condition {
                Condition(Node::Between(self.into(), low.into(), high.into()))
            }

            /// `IN`: equal to one of 1 to 100 operands.
            pub fn is_in(self, list: impl IntoIterator<Item: Into<Operand>>) -> Condition {
                let list = list.into_iter().map(Into::into).collect();
                Condition(Node::In(self.into(), list))
            }
        }
    )+};
}
comparisons!(Attribute, Size);

impl Attribute {
    /// `attribute_exists`: the item has the attribute. One of the two conditions that an encrypted
    /// attribute may stand in.
    pub fn exists(self) -> Condition {
        Condition(Node::Exists(self))
    }

    /// `attribute_not_exists`: the item does not have the attribute, or there is no item. One of
    /// the two conditions that an encrypted attribute may stand in.
    pub fn not_exists(self) -> Condition {
        Condition(Node::NotExists(self))
    }

    /// `attribute_type`: the value is of this type.
    pub fn has_type(self, attribute_type: AttributeType) -> Condition {
        Condition(Node::HasType(self, attribute_type))
    }

    /// `begins_with`: a string, or binary, that begins with another.
    pub fn begins_with(self, prefix: impl Into<Operand>) -> Condition {
        Condition(Node::BeginsWith(self.into(), prefix.into()))
    }

    /// `contains`: a string that contains another, or a list or set that contains a value.
    pub fn contains(self, part: impl Into<Operand>) -> Condition {
        Condition(Node::Contains(self.into(), part.into()))
    }
}
