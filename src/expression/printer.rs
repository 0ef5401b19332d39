//! Expressions as text: for DynamoDB with placeholders, for people with names and without values.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::condition::{Comparator, Node};
use super::operand::{OperandKind, UpdateOperandKind, UpdateValueKind};
use super::path::{Attribute, Step};
use super::projection::Projection;
use super::update::UpdateExpression;

/// What names and values look like in the text.
pub(super) trait Symbols {
    fn name(&mut self, name: &str) -> String;
    fn value(&mut self, value: &AttributeValue) -> String;
}

/// The placeholders of one request: `#0`, `#1`, … for names, `:0`, `:1`, … for values.
///
/// Render all expressions of a request with the same ones: DynamoDB takes one map of names and one
/// of values for all of them. The same name, and an equal value, gets the same placeholder.
#[derive(Default)]
pub(crate) struct Placeholders {
    names: BTreeMap<String, usize>,
    values: Vec<AttributeValue>,
}

impl Placeholders {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Names and values as the SDK's setters take them; DynamoDB refuses an empty map, so there is
    /// none.
    pub(crate) fn into_parts<N, V>(self) -> (Option<N>, Option<V>)
    where
        N: FromIterator<(String, String)>,
        V: FromIterator<(String, AttributeValue)>,
    {
        let names = (!self.names.is_empty()).then(|| {
            let names = self.names.into_iter();
            names.map(|(name, at)| (format!("#{at}"), name)).collect()
        });
        let values = (!self.values.is_empty()).then(|| {
            let values = self.values.into_iter().enumerate();
            values
                .map(|(at, value)| (format!(":{at}"), value))
                .collect()
        });
        (names, values)
    }
}

impl Symbols for Placeholders {
    fn name(&mut self, name: &str) -> String {
        let next = self.names.len();
        let at = match self.names.get(name) {
            Some(at) => *at,
            None => {
                self.names.insert(name.to_owned(), next);
                next
            }
        };
        format!("#{at}")
    }

    fn value(&mut self, value: &AttributeValue) -> String {
        let known = self.values.iter().position(|other| other == value);
        let at = known.unwrap_or_else(|| {
            self.values.push(value.clone());
            self.values.len() - 1
        });
        format!(":{at}")
    }
}

/// For `Debug`: names as they are, and no value.
struct Redacted;

impl Symbols for Redacted {
    fn name(&mut self, name: &str) -> String {
        format!("`{}`", name.escape_debug())
    }

    fn value(&mut self, _value: &AttributeValue) -> String {
        ":_".to_owned()
    }
}

/// The text that `print` prints, with names and without values.
pub(super) fn redacted(print: impl FnOnce(&mut Printer<'_>)) -> String {
    printed(&mut Redacted, print)
}

/// The text that `print` prints, with these names and values.
pub(super) fn printed(symbols: &mut dyn Symbols, print: impl FnOnce(&mut Printer<'_>)) -> String {
    let mut printer = Printer {
        symbols,
        text: String::new(),
    };
    print(&mut printer);
    printer.text
}

/// Blanks only where two words would run together: 4,096 bytes are soon spent.
pub(super) struct Printer<'s> {
    symbols: &'s mut dyn Symbols,
    text: String,
}

impl Printer<'_> {
    pub(super) fn print(&mut self, printed: &(impl Print + ?Sized)) {
        printed.print(self);
    }

    fn word(&mut self, word: &str) {
        self.text.push_str(word);
    }

    fn name(&mut self, name: &str) {
        let name = self.symbols.name(name);
        self.word(&name);
    }

    fn list<P: Print>(&mut self, items: &[P], separator: &str) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.word(separator);
            }
            self.print(item);
        }
    }

    fn call<P: Print>(&mut self, function: &str, operands: &[P]) {
        self.word(function);
        self.word("(");
        self.list(operands, ",");
        self.word(")");
    }

    /// A part of a condition, in parentheses where it binds less than what it stands in.
    fn part(&mut self, part: &Node, inside: Binding) {
        let enclosed = binding(part) < inside;
        if enclosed {
            self.word("(");
        }
        self.print(part);
        if enclosed {
            self.word(")");
        }
    }

    fn parts(&mut self, parts: &[Node], operator: &str, inside: Binding) {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.word(operator);
            }
            self.part(part, inside);
        }
    }
}

/// How strongly a condition holds together, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Predicate,
}

fn binding(node: &Node) -> Binding {
    match node {
        Node::Or(_) => Binding::Or,
        Node::And(_) => Binding::And,
        Node::Not(_) => Binding::Not,
        _ => Binding::Predicate,
    }
}

/// Part of an expression.
pub(super) trait Print {
    fn print(&self, to: &mut Printer<'_>);
}

impl<P: Print> Print for &P {
    fn print(&self, to: &mut Printer<'_>) {
        (*self).print(to);
    }
}

impl Print for Attribute {
    fn print(&self, to: &mut Printer<'_>) {
        to.name(&self.name);
        for step in &self.steps {
            match step {
                Step::Field(name) => {
                    to.word(".");
                    to.name(name);
                }
                Step::Index(index) => to.word(&format!("[{index}]")),
            }
        }
    }
}

impl Print for AttributeValue {
    fn print(&self, to: &mut Printer<'_>) {
        let value = to.symbols.value(self);
        to.word(&value);
    }
}

impl Print for OperandKind {
    fn print(&self, to: &mut Printer<'_>) {
        match self {
            Self::Path(path) => to.print(path),
            Self::Value(value) => to.print(value),
            Self::Size(path) => to.call("size", &[path]),
        }
    }
}

impl Print for super::Operand {
    fn print(&self, to: &mut Printer<'_>) {
        to.print(&self.0);
    }
}

impl Print for Comparator {
    fn print(&self, to: &mut Printer<'_>) {
        to.word(self.as_str());
    }
}

impl Print for Node {
    fn print(&self, to: &mut Printer<'_>) {
        match self {
            Self::Compare(left, comparator, right) => {
                to.print(left);
                to.print(comparator);
                to.print(right);
            }
            Self::Between(operand, low, high) => {
                to.print(operand);
                to.word(" BETWEEN ");
                to.print(low);
                to.word(" AND ");
                to.print(high);
            }
            Self::In(operand, list) => {
                to.print(operand);
                to.call(" IN ", list);
            }
            Self::Exists(path) => to.call("attribute_exists", &[path]),
            Self::NotExists(path) => to.call("attribute_not_exists", &[path]),
            Self::HasType(path, attribute_type) => {
                to.word("attribute_type(");
                to.print(path);
                to.word(",");
                to.print(&attribute_type.to_value());
                to.word(")");
            }
            Self::BeginsWith(operand, prefix) => to.call("begins_with", &[operand, prefix]),
            Self::Contains(operand, part) => to.call("contains", &[operand, part]),
            Self::And(parts) => to.parts(parts, " AND ", Binding::Not),
            Self::Or(parts) => to.parts(parts, " OR ", Binding::And),
            Self::Not(negated) => {
                to.word("NOT ");
                to.part(negated, Binding::Predicate);
            }
        }
    }
}

impl Print for UpdateOperandKind {
    fn print(&self, to: &mut Printer<'_>) {
        match self {
            Self::Path(path) => to.print(path),
            Self::Value(value) => to.print(value),
            Self::IfNotExists(path, other) => {
                to.word("if_not_exists(");
                to.print(path);
                to.word(",");
                to.print(&**other);
                to.word(")");
            }
            Self::ListAppend(first, second) => to.call("list_append", &[&**first, &**second]),
        }
    }
}

impl Print for UpdateValueKind {
    fn print(&self, to: &mut Printer<'_>) {
        let (left, operator, right) = match self {
            Self::Operand(operand) => return to.print(operand),
            Self::Plus(left, right) => (left, "+", right),
            Self::Minus(left, right) => (left, "-", right),
        };
        to.print(left);
        to.word(operator);
        to.print(right);
    }
}

/// `path=value` of `SET`.
impl Print for (Attribute, UpdateValueKind) {
    fn print(&self, to: &mut Printer<'_>) {
        to.print(&self.0);
        to.word("=");
        to.print(&self.1);
    }
}

/// `path value` of `ADD` and `DELETE`.
impl Print for (Attribute, AttributeValue) {
    fn print(&self, to: &mut Printer<'_>) {
        to.print(&self.0);
        to.word(" ");
        to.print(&self.1);
    }
}

impl Print for UpdateExpression {
    fn print(&self, to: &mut Printer<'_>) {
        clause(to, "SET ", &self.set);
        clause(to, "REMOVE ", &self.remove);
        clause(to, "ADD ", &self.add);
        clause(to, "DELETE ", &self.delete);
    }
}

fn clause<P: Print>(to: &mut Printer<'_>, keyword: &str, actions: &[P]) {
    if actions.is_empty() {
        return;
    }
    if !to.text.is_empty() {
        to.word(" ");
    }
    to.word(keyword);
    to.list(actions, ",");
}

impl Print for Projection {
    fn print(&self, to: &mut Printer<'_>) {
        to.list(&self.paths, ",");
    }
}
