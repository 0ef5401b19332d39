//! Random expressions, and random ways to write one down.

use std::fmt;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::condition::{AttributeType, Comparator, Node};
use super::super::lexer;
use super::super::operand::{Operand, OperandKind, UpdateOperandKind, UpdateValueKind};
use super::super::path::Step;
use super::super::printer;
use super::super::{
    Attribute, Condition, KeyCondition, Projection, SortKeyCondition, UpdateExpression, attribute,
    validity,
};
use super::corpus;
use crate::item::Item;

/// Failing properties are shown as text, without values.
macro_rules! debug_as_text {
    ($($type:ty),+) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&printer::redacted(|printer| printer.print(self)))
            }
        }
    )+};
}
debug_as_text!(Node, OperandKind, UpdateOperandKind, UpdateValueKind);

/// The tokens of a text, as they are written.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let starts: Vec<_> = lexer::tokens(text)
        .expect("tokens")
        .iter()
        .map(|token| token.at)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let spans = starts.iter().zip(ends);
    spans
        .map(|(start, end)| text[*start..end].trim().to_owned())
        .collect()
}

fn name() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        prop::char::range('a', 'z'),
        any::<char>(),
        select(vec!['.', '#', ':', '[', ' ', '`']),
    ];
    prop_oneof![
        vec(character, 1..6).prop_map(String::from_iter),
        select(vec![
            "and", "or", "size", "SET", "orders", "ttl", "#0", ":0"
        ])
        .prop_map(str::to_owned),
    ]
}

pub(super) fn path() -> impl Strategy<Value = Attribute> {
    let step = prop_oneof![
        name().prop_map(Step::Field),
        any::<u32>().prop_map(Step::Index)
    ];
    (name(), vec(step, 0..4)).prop_map(|(name, steps)| Attribute { name, steps })
}

fn scalar() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        "[a-c]{0,3}".prop_map(AttributeValue::S),
        (-5..5).prop_map(|number: i32| AttributeValue::N(number.to_string())),
        vec(0_u8..3, 0..3).prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
    ]
}

fn number() -> impl Strategy<Value = AttributeValue> {
    (-5..5).prop_map(|number: i32| AttributeValue::N(number.to_string()))
}

fn list() -> impl Strategy<Value = AttributeValue> {
    vec(scalar(), 0..3).prop_map(AttributeValue::L)
}

fn set() -> impl Strategy<Value = AttributeValue> {
    btree_set("[a-c]{1,2}", 1..4).prop_map(|set| AttributeValue::Ss(set.into_iter().collect()))
}

fn value() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        4 => scalar(),
        1 => any::<bool>().prop_map(AttributeValue::Bool),
        1 => Just(AttributeValue::Null(true)),
        1 => list(),
        1 => set(),
    ]
}

/// One comparison or function on these paths and values, if there is such a thing.
fn predicate<P, V>(path: P, value: V) -> impl Strategy<Value = Node>
where
    P: Strategy<Value = Attribute> + Clone + 'static,
    V: Strategy<Value = AttributeValue> + Clone + 'static,
{
    use Comparator::{Eq, Ge, Gt, Le, Lt, Ne};
    let operand = || {
        let (path, value) = (path.clone(), value.clone());
        prop_oneof![
            3 => path.clone().prop_map(OperandKind::Path),
            3 => value.prop_map(OperandKind::Value),
            1 => path.prop_map(OperandKind::Size),
        ]
        .prop_map(Operand)
    };
    let comparator = select(vec![Eq, Ne, Lt, Le, Gt, Ge]);
    let any_type = select(AttributeType::ALL.to_vec());
    let node = prop_oneof![
        4 => (operand(), comparator, operand()).prop_map(|(l, c, r)| Node::Compare(l, c, r)),
        1 => (operand(), operand(), operand()).prop_map(|(o, l, h)| Node::Between(o, l, h)),
        1 => (operand(), vec(operand(), 1..4)).prop_map(|(o, list)| Node::In(o, list)),
        1 => path.clone().prop_map(Node::Exists),
        1 => path.clone().prop_map(Node::NotExists),
        1 => (path.clone(), any_type).prop_map(|(p, t)| Node::HasType(p, t)),
        1 => (operand(), operand()).prop_map(|(o, p)| Node::BeginsWith(o, p)),
        1 => (operand(), operand()).prop_map(|(o, p)| Node::Contains(o, p)),
    ];
    node.prop_filter("operands that do not go together", |node| {
        validity::predicate(node).is_ok()
    })
}

fn composed(predicate: impl Strategy<Value = Node> + 'static) -> impl Strategy<Value = Condition> {
    let condition = predicate.prop_map(Condition);
    condition.prop_recursive(5, 24, 3, |part| {
        prop_oneof![
            vec(part.clone(), 2..4).prop_map(|parts| joined(parts, Condition::and)),
            vec(part.clone(), 2..4).prop_map(|parts| joined(parts, Condition::or)),
            part.prop_map(|part| !part),
        ]
    })
}

fn joined(parts: Vec<Condition>, join: fn(Condition, Condition) -> Condition) -> Condition {
    parts.into_iter().reduce(join).expect("two at least")
}

pub(super) fn condition() -> impl Strategy<Value = Condition> {
    composed(predicate(path().boxed(), value().boxed()))
}

pub(super) fn key_condition() -> impl Strategy<Value = KeyCondition> {
    let prefix = prop_oneof![
        "[a-c]{0,3}".prop_map(AttributeValue::S),
        vec(0_u8..3, 0..3).prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
    ];
    let sort = prop_oneof![
        scalar().prop_map(SortKeyCondition::eq),
        scalar().prop_map(SortKeyCondition::lt),
        scalar().prop_map(SortKeyCondition::le),
        scalar().prop_map(SortKeyCondition::gt),
        scalar().prop_map(SortKeyCondition::ge),
        (number(), number()).prop_map(|(low, high)| SortKeyCondition::between(low, high)),
        prefix.prop_map(SortKeyCondition::begins_with),
    ];
    let sort = proptest::option::of((name(), sort));
    (name(), scalar(), sort).prop_map(|(partition, value, sort)| match sort {
        Some((name, sort)) if name != partition => {
            KeyCondition::new(partition, value).sort(name, sort)
        }
        _ => KeyCondition::new(partition, value),
    })
}

fn update_operand(
    value: impl Strategy<Value = AttributeValue> + 'static,
) -> impl Strategy<Value = UpdateOperandKind> {
    let leaf = prop_oneof![
        path().prop_map(UpdateOperandKind::Path),
        value.prop_map(UpdateOperandKind::Value),
    ];
    leaf.prop_recursive(3, 6, 2, |other| {
        (path(), other)
            .prop_map(|(path, other)| UpdateOperandKind::IfNotExists(path, Box::new(other)))
    })
}

pub(super) fn update() -> impl Strategy<Value = UpdateExpression> {
    let numbers = || (update_operand(number()), update_operand(number()));
    let lists = (update_operand(list()), update_operand(list()));
    let assigned =
        prop_oneof![
            update_operand(value()).prop_map(UpdateValueKind::Operand),
            numbers().prop_map(|(left, right)| UpdateValueKind::Plus(left, right)),
            numbers().prop_map(|(left, right)| UpdateValueKind::Minus(left, right)),
            lists.prop_map(|(first, second)| UpdateValueKind::Operand(
                UpdateOperandKind::ListAppend(Box::new(first), Box::new(second))
            )),
        ];
    let clauses = (
        vec((path(), assigned), 0..4),
        vec(path(), 0..3),
        vec((path(), prop_oneof![number(), set()]), 0..3),
        vec((path(), set()), 0..3),
    );
    clauses
        .prop_map(|(set, remove, add, delete)| UpdateExpression {
            set,
            remove,
            add,
            delete,
        })
        .prop_filter("empty, or paths that conflict", |update| {
            validity::update(update).is_ok()
        })
}

pub(super) fn projection() -> impl Strategy<Value = Projection> {
    vec(path(), 1..6)
        .prop_map(Projection::new)
        .prop_filter("paths that conflict", |projection| {
            validity::projection(projection).is_ok()
        })
}

/// Items that conditions of [`spelled`] tell apart.
pub(super) fn small_items() -> Vec<Item> {
    let value = |key: &str| corpus::values_of(key)[0].1.clone();
    let attribute_sets: [&[(&str, &str)]; 10] = [
        &[],
        &[("n", ":n")],
        &[("n", ":n1"), ("s", ":s")],
        &[("n", ":n"), ("s", ":s1"), ("l", ":l")],
        &[("n", ":s"), ("s", ":s")],
        &[("s", ":s"), ("m", ":m")],
        &[("n", ":n1"), ("l", ":l"), ("m", ":m")],
        &[("l", ":ss"), ("n", ":n"), ("m", ":m")],
        &[("n", ":z"), ("s", ":b")],
        &[("n", ":n"), ("s", ":s"), ("l", ":l"), ("m", ":m")],
    ];
    let items = attribute_sets.into_iter().enumerate();
    items
        .map(|(at, attributes)| {
            let attributes = attributes
                .iter()
                .map(|(name, key)| ((*name).to_owned(), value(key)));
            let mut item: Item = attributes.collect();
            item.insert("pk".to_owned(), AttributeValue::S("p".to_owned()));
            item.insert("sk".to_owned(), AttributeValue::S(format!("k{at}")));
            item
        })
        .collect()
}

/// A condition on [`small_items`], and one of the many ways to write it.
pub(super) fn spelled() -> impl Strategy<Value = (Condition, String)> {
    let path = prop_oneof![
        4 => select(vec!["n", "s", "l", "m"]).prop_map(attribute),
        1 => Just(attribute("m").field("f")),
        1 => Just(attribute("l").index(0)),
    ];
    let value = select(vec![
        ":n", ":n1", ":s", ":s1", ":b", ":t", ":z", ":l", ":m", ":ss",
    ])
    .prop_map(|key| corpus::values_of(key)[0].1.clone());
    let condition = composed(predicate(path.boxed(), value.boxed()));
    (condition, vec(any::<u8>(), 1..64)).prop_map(|(condition, choices)| {
        let text = Scribe { choices, next: 0 }.spell(&condition.0).text;
        (condition, text)
    })
}

/// Writes a condition as somebody else would: other groupings, spaces and letters.
struct Scribe {
    choices: Vec<u8>,
    next: usize,
}

struct Spelled {
    text: String,
    /// Whether it is enclosed in parentheses already.
    is_group: bool,
}

impl Scribe {
    fn choose(&mut self, of: usize) -> usize {
        self.next += 1;
        usize::from(self.choices[self.next % self.choices.len()]) % of
    }

    fn space(&mut self) -> &'static str {
        [" ", "\t", "\n", "  ", "\r\n "][self.choose(5)]
    }

    fn keyword(&mut self, word: &str) -> String {
        let word = match self.choose(3) {
            0 => word.to_owned(),
            1 => word.to_lowercase(),
            _ => format!("{}{}", &word[..1].to_lowercase(), &word[1..]),
        };
        format!("{}{word}{}", self.space(), self.space())
    }

    /// In parentheses, if that must be or somebody likes it.
    fn enclosed(&mut self, part: Spelled, must: bool) -> String {
        if !part.is_group && (must || self.choose(3) == 0) {
            format!("({}{})", part.text, self.space())
        } else {
            part.text
        }
    }

    fn spell(&mut self, node: &Node) -> Spelled {
        match node {
            Node::And(parts) => self.chain(parts, "AND", |part| matches!(part, Node::Or(_))),
            Node::Or(parts) => self.chain(parts, "OR", |_| false),
            Node::Not(negated) => {
                let must = matches!(**negated, Node::And(_) | Node::Or(_));
                let part = self.spell(negated);
                let text = format!("{}{}", self.keyword("NOT"), self.enclosed(part, must));
                self.finished(text)
            }
            predicate => {
                let text = self.predicate(predicate);
                self.finished(text)
            }
        }
    }

    fn finished(&mut self, text: String) -> Spelled {
        let is_group = self.choose(4) == 0;
        let text = if is_group { format!("({text})") } else { text };
        Spelled { text, is_group }
    }

    /// A chain, cut in two anywhere: the halves are the same operator once more.
    fn chain(&mut self, parts: &[Node], operator: &str, must: fn(&Node) -> bool) -> Spelled {
        if let [part] = parts {
            let spelled = self.spell(part);
            let was_group = spelled.is_group;
            let text = self.enclosed(spelled, must(part));
            let is_group = was_group || (text.starts_with('(') && must(part));
            return Spelled { text, is_group };
        }
        let cut = 1 + self.choose(parts.len() - 1);
        let half = |scribe: &mut Self, parts: &[Node]| {
            let spelled = scribe.chain(parts, operator, must);
            // One part was enclosed as it needs to be; more of them may be.
            if parts.len() > 1 {
                scribe.enclosed(spelled, false)
            } else {
                spelled.text
            }
        };
        let (left, right) = (half(self, &parts[..cut]), half(self, &parts[cut..]));
        let text = format!("{left}{}{right}", self.keyword(operator));
        self.finished(text)
    }

    fn predicate(&mut self, node: &Node) -> String {
        let operand = |operand: &Operand| match &operand.0 {
            OperandKind::Path(path) => bare(path),
            OperandKind::Size(path) => format!("size({})", bare(path)),
            OperandKind::Value(value) => placeholder(value),
        };
        let operands = |list: &[&Operand]| {
            let list: Vec<_> = list.iter().map(|one| operand(one)).collect();
            list.join(" ,")
        };
        match node {
            Node::Compare(left, comparator, right) => {
                format!(
                    "{}{}{}{}",
                    operand(left),
                    self.space(),
                    comparator.as_str(),
                    operand(right)
                )
            }
            Node::Between(one, low, high) => {
                let (between, and) = (self.keyword("BETWEEN"), self.keyword("AND"));
                format!(
                    "{}{between}{}{and}{}",
                    operand(one),
                    operand(low),
                    operand(high)
                )
            }
            Node::In(one, list) => {
                let list: Vec<_> = list.iter().collect();
                format!(
                    "{}{}({})",
                    operand(one),
                    self.keyword("IN"),
                    operands(&list)
                )
            }
            Node::Exists(path) => format!("attribute_exists{}({})", self.space(), bare(path)),
            Node::NotExists(path) => format!("attribute_not_exists({})", bare(path)),
            Node::HasType(path, of) => {
                let of = match of {
                    AttributeType::N => ":type_n",
                    AttributeType::S => ":type_s",
                    AttributeType::M => ":type_m",
                    AttributeType::L => ":type_l",
                    AttributeType::Ss => ":type_ss",
                    AttributeType::Bool => ":type_bool",
                    AttributeType::Null => ":type_null",
                    AttributeType::B => ":type_b",
                    AttributeType::Ns => ":type_ns",
                    AttributeType::Bs => ":type_bs",
                };
                format!("attribute_type({},{of})", bare(path))
            }
            Node::BeginsWith(one, prefix) => format!("begins_with({})", operands(&[one, prefix])),
            Node::Contains(one, part) => format!("contains({})", operands(&[one, part])),
            Node::And(_) | Node::Or(_) | Node::Not(_) => unreachable!("not a predicate"),
        }
    }
}

/// The path as it is; names of [`small_items`] need no placeholder.
fn bare(path: &Attribute) -> String {
    let steps = path.steps.iter().map(|step| match step {
        Step::Field(name) => format!(".{name}"),
        Step::Index(index) => format!("[{index}]"),
    });
    std::iter::once(path.name.clone()).chain(steps).collect()
}

fn placeholder(value: &AttributeValue) -> String {
    let keys = [
        ":n", ":n1", ":s", ":s1", ":b", ":t", ":z", ":l", ":m", ":ss",
    ];
    let key = keys
        .into_iter()
        .find(|key| corpus::values_of(key)[0].1 == *value);
    key.expect("a value of the dictionary").to_owned()
}
