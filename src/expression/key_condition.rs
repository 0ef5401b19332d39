//! Key conditions: which items a query reads.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use super::condition::{Comparator, Condition, Node};
use super::error::{ExpressionError, ExpressionErrorKind};
use super::operand::{Operand, OperandKind};
use super::path::{Attribute, attribute};
use super::printer::{self, Placeholders};
use super::rules::{AttributeRules, Refusal};
use super::{parser, validity};
use crate::item::KeyValue;

/// The sort key's half of a [`KeyCondition`].
///
/// ```
/// use dynaseal::expression::{KeyCondition, SortKeyCondition};
/// let orders = KeyCondition::new("customer", "c-1").sort("record", SortKeyCondition::begins_with("order#"));
/// assert_eq!(format!("{orders:?}"), "KeyCondition(`customer`=:_ AND begins_with(`record`,:_))");
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "a condition does nothing until an operation takes it"]
pub struct SortKeyCondition(Kind);

#[derive(Clone, PartialEq)]
enum Kind {
    Compare(Comparator, AttributeValue),
    Between(AttributeValue, AttributeValue),
    BeginsWith(AttributeValue),
}

impl SortKeyCondition {
    /// `=`
    pub fn eq(value: impl KeyValue) -> Self {
        Self::compare(Comparator::Eq, value)
    }

    /// `<`
    pub fn lt(value: impl KeyValue) -> Self {
        Self::compare(Comparator::Lt, value)
    }

    /// `<=`
    pub fn le(value: impl KeyValue) -> Self {
        Self::compare(Comparator::Le, value)
    }

    /// `>`
    pub fn gt(value: impl KeyValue) -> Self {
        Self::compare(Comparator::Gt, value)
    }

    /// `>=`
    pub fn ge(value: impl KeyValue) -> Self {
        Self::compare(Comparator::Ge, value)
    }

    /// `BETWEEN`: at least `low` and at most `high`.
    pub fn between(low: impl KeyValue, high: impl KeyValue) -> Self {
        Self(Kind::Between(low.into_key_value(), high.into_key_value()))
    }

    /// `begins_with`: for strings and binary.
    pub fn begins_with(prefix: impl KeyValue) -> Self {
        Self(Kind::BeginsWith(prefix.into_key_value()))
    }

    fn compare(comparator: Comparator, value: impl KeyValue) -> Self {
        Self(Kind::Compare(comparator, value.into_key_value()))
    }

    fn node(&self, name: &str) -> Node {
        let (path, value) = (operand(attribute(name)), |value: &AttributeValue| {
            operand(value.clone())
        });
        match &self.0 {
            Kind::Compare(comparator, other) => Node::Compare(path, *comparator, value(other)),
            Kind::Between(low, high) => Node::Between(path, value(low), value(high)),
            Kind::BeginsWith(prefix) => Node::BeginsWith(path, value(prefix)),
        }
    }

    fn values(&self) -> impl Iterator<Item = &AttributeValue> {
        let (first, second) = match &self.0 {
            Kind::Compare(_, value) | Kind::BeginsWith(value) => (value, None),
            Kind::Between(low, high) => (low, Some(high)),
        };
        std::iter::once(first).chain(second)
    }
}

impl fmt::Debug for SortKeyCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = printer::redacted(|printer| printer.print(&self.node("sort key")));
        write!(f, "SortKeyCondition({text})")
    }
}

/// Which items a query reads: those of one partition, and of these the ones whose sort key fulfils
/// a condition.
///
/// ```
/// use dynaseal::expression::{KeyCondition, NO_NAMES, SortKeyCondition};
/// let built = KeyCondition::new("pk", "c-1").sort("sk", SortKeyCondition::between("a", "m"));
/// let values = [(":low", "a"), (":high", "m"), (":pk", "c-1")];
/// let parsed = KeyCondition::parse("sk BETWEEN :low AND :high AND pk = :pk", NO_NAMES, values)?;
/// assert_eq!(built, parsed);
/// # Ok::<_, dynaseal::expression::ExpressionError>(())
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "a condition does nothing until an operation takes it"]
pub struct KeyCondition {
    partition: (String, AttributeValue),
    sort: Option<(String, SortKeyCondition)>,
}

impl KeyCondition {
    /// All items whose partition key, of this name, has this value.
    pub fn new(partition_key_name: impl Into<String>, value: impl KeyValue) -> Self {
        Self {
            partition: (partition_key_name.into(), value.into_key_value()),
            sort: None,
        }
    }

    /// Of these, the items whose sort key, of this name, fulfils the condition.
    pub fn sort(mut self, sort_key_name: impl Into<String>, condition: SortKeyCondition) -> Self {
        self.sort = Some((sort_key_name.into(), condition));
        self
    }

    /// Parses DynamoDB's text: an equality on the partition key, and at most one condition on the
    /// sort key, joined by `AND` in either order. Of two equalities the first is taken for the
    /// partition key's, until an operation that knows the keys says otherwise.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] if DynamoDB would refuse the text, or if a placeholder is undefined,
    /// defined twice or unused.
    ///
    /// ```
    /// use dynaseal::expression::{ExpressionErrorKind, KeyCondition, NO_NAMES};
    /// let error = KeyCondition::parse("pk > :pk", NO_NAMES, [(":pk", "c-1")]).unwrap_err();
    /// assert_eq!(error.kind(), ExpressionErrorKind::NotAKeyCondition);
    /// ```
    pub fn parse(
        text: &str,
        names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        values: impl IntoIterator<Item = (impl Into<String>, impl KeyValue)>,
    ) -> Result<Self, ExpressionError> {
        Self::of(parser::condition(text, names, values)?)
    }

    fn of(condition: Node) -> Result<Self, ExpressionError> {
        let mut clauses = match condition {
            Node::And(parts) => parts,
            one => vec![one],
        }
        .into_iter()
        .map(clause);
        let (first, second) = (clauses.next().transpose()?, clauses.next().transpose()?);
        let key_condition = match (first, second, clauses.next()) {
            (Some((name, Kind::Compare(Comparator::Eq, value))), sort, None) => Self {
                partition: (name, value),
                sort: sort.map(|(name, kind)| (name, SortKeyCondition(kind))),
            },
            (Some((sort, kind)), Some((name, Kind::Compare(Comparator::Eq, value))), None) => {
                Self {
                    partition: (name, value),
                    sort: Some((sort, SortKeyCondition(kind))),
                }
            }
            _ => {
                return Err(not_a_key_condition(
                    "a key condition is one equality on the partition key, and at most one \
                     condition on the sort key",
                ));
            }
        };
        key_condition.validate()?;
        Ok(key_condition)
    }

    /// The name of the attribute that is taken for the partition key.
    pub(crate) fn partition_name(&self) -> &str {
        &self.partition.0
    }

    /// The value of the partition key.
    pub(crate) fn partition_value(&self) -> &AttributeValue {
        &self.partition.1
    }

    /// The name of the attribute that is taken for the sort key.
    pub(crate) fn sort_name(&self) -> Option<&str> {
        self.sort.as_ref().map(|(name, _)| name.as_str())
    }

    /// Fits the condition to the keys of a table or index: of two equalities written in the other
    /// order, the one on its partition key becomes the partition key's.
    pub(crate) fn with_keys(
        self,
        partition_key_name: &str,
        sort_key_name: Option<&str>,
    ) -> Result<Self, ExpressionError> {
        let ordered = match self {
            Self {
                partition: (sort, sort_value),
                sort: Some((name, SortKeyCondition(Kind::Compare(Comparator::Eq, value)))),
            } if name == partition_key_name => Self {
                partition: (name, value),
                sort: Some((
                    sort,
                    SortKeyCondition(Kind::Compare(Comparator::Eq, sort_value)),
                )),
            },
            ordered => ordered,
        };
        if ordered.partition_name() != partition_key_name {
            return Err(not_a_key_condition(format!(
                "the partition key is `{}`, and the key condition has no equality on it",
                partition_key_name.escape_debug()
            )));
        }
        match ordered.sort_name() {
            Some(name) if Some(name) != sort_key_name => Err(not_a_key_condition(format!(
                "`{}` is no sort key here",
                name.escape_debug()
            ))),
            _ => Ok(ordered),
        }
    }

    /// The text for DynamoDB; names and values go to `placeholders`.
    pub(crate) fn render(
        &self,
        placeholders: &mut Placeholders,
    ) -> Result<String, ExpressionError> {
        self.validate()?;
        Condition(self.node()).render(placeholders)
    }

    /// Whether the keys are attributes that DynamoDB sees in clear.
    pub(crate) fn check(&self, rules: &dyn AttributeRules) -> Result<(), Refusal> {
        Condition(self.node()).check(rules)
    }

    fn node(&self) -> Node {
        let (name, value) = &self.partition;
        let partition = SortKeyCondition::compare(Comparator::Eq, value.clone()).node(name);
        match &self.sort {
            Some((name, condition)) => partition.and(condition.node(name)),
            None => partition,
        }
    }

    fn validate(&self) -> Result<(), ExpressionError> {
        let sort = self.sort.iter().flat_map(|(_, sort)| sort.values());
        let mut values = std::iter::once(self.partition_value()).chain(sort);
        if !values.all(validity::is_scalar) {
            return Err(ExpressionError::new(
                ExpressionErrorKind::OperandType,
                "the value of a key is a string, a number or binary",
            ));
        }
        if self.sort_name() == Some(self.partition_name()) {
            return Err(not_a_key_condition("two conditions on one key attribute"));
        }
        Ok(())
    }
}

impl fmt::Debug for KeyCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = printer::redacted(|printer| printer.print(&self.node()));
        write!(f, "KeyCondition({text})")
    }
}

fn operand(operand: impl Into<Operand>) -> Operand {
    operand.into()
}

fn not_a_key_condition(message: impl Into<String>) -> ExpressionError {
    ExpressionError::new(ExpressionErrorKind::NotAKeyCondition, message)
}

/// A condition on one key attribute. A comparison may have its value first.
fn clause(node: Node) -> Result<(String, Kind), ExpressionError> {
    use OperandKind::{Path, Value};
    match node {
        Node::Compare(Operand(Path(path)), comparator, Operand(Value(value)))
            if comparator != Comparator::Ne =>
        {
            Ok((key(path)?, Kind::Compare(comparator, value)))
        }
        Node::Compare(Operand(Value(value)), comparator, Operand(Path(path)))
            if comparator != Comparator::Ne =>
        {
            Ok((key(path)?, Kind::Compare(turned(comparator), value)))
        }
        Node::Between(Operand(Path(path)), Operand(Value(low)), Operand(Value(high))) => {
            Ok((key(path)?, Kind::Between(low, high)))
        }
        Node::BeginsWith(Operand(Path(path)), Operand(Value(prefix))) => {
            Ok((key(path)?, Kind::BeginsWith(prefix)))
        }
        _ => Err(not_a_key_condition(
            "a key is compared with values by `=`, `<`, `<=`, `>`, `>=`, `BETWEEN` or \
             `begins_with`, and by nothing else",
        )),
    }
}

fn key(path: Attribute) -> Result<String, ExpressionError> {
    if path.is_nested() {
        return Err(not_a_key_condition(
            "a key is a top-level attribute; give a name with dots in it as a `#name`",
        ));
    }
    Ok(path.name)
}

/// The comparator with its sides exchanged.
fn turned(comparator: Comparator) -> Comparator {
    match comparator {
        Comparator::Lt => Comparator::Gt,
        Comparator::Le => Comparator::Ge,
        Comparator::Gt => Comparator::Lt,
        Comparator::Ge => Comparator::Le,
        Comparator::Eq | Comparator::Ne => comparator,
    }
}
