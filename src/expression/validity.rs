//! What DynamoDB demands of an expression beyond its grammar. It binds what was built as much as
//! what was parsed.

use aws_sdk_dynamodb::types::AttributeValue;

use super::condition::{Comparator, Node};
use super::error::{ExpressionError, ExpressionErrorKind as Kind};
use super::operand::{Operand, OperandKind, UpdateOperandKind, UpdateValueKind};
use super::path::{Attribute, Step};
use super::projection::Projection;
use super::update::UpdateExpression;

/// Bytes of any expression.
const MAX_LEN: usize = 4_096;
/// Operators and functions together.
const MAX_OPERATORS: usize = 300;
/// Operands in the list of `IN`.
const MAX_IN_OPERANDS: usize = 100;
/// Names and indexes of a path; values are nested no deeper.
const MAX_PATH_LEN: usize = 32;
/// An attribute name is at most this many bytes long, and at least one.
const MAX_NAME_LEN: usize = 65_535;
/// Ours, and no limit of DynamoDB's: text must not decide how deep we recurse.
pub(super) const MAX_NESTING: usize = 64;

type Valid = Result<(), ExpressionError>;

/// Refuses what is longer than DynamoDB takes. For an expression that is not rendered here, too.
pub(crate) fn check_len(text: &str) -> Valid {
    if text.len() <= MAX_LEN {
        return Ok(());
    }
    Err(ExpressionError::new(
        Kind::TooLong,
        format!(
            "an expression has at most {MAX_LEN} bytes, and this has {}",
            text.len()
        ),
    ))
}

pub(super) fn too_deep() -> ExpressionError {
    ExpressionError::new(
        Kind::TooDeep,
        format!("parentheses, `NOT` and functions nest at most {MAX_NESTING} levels deep"),
    )
}

fn check_operators(count: usize) -> Valid {
    if count <= MAX_OPERATORS {
        return Ok(());
    }
    Err(ExpressionError::new(
        Kind::TooManyOperators,
        format!(
            "an expression has at most {MAX_OPERATORS} operators and functions, and this has {count}"
        ),
    ))
}

/// Checks a whole condition.
pub(super) fn condition(node: &Node) -> Valid {
    let mut operators = 0;
    walk(node, 0, &mut operators)?;
    check_operators(operators)
}

fn walk(node: &Node, depth: usize, operators: &mut usize) -> Valid {
    if depth > MAX_NESTING {
        return Err(too_deep());
    }
    match node {
        Node::And(parts) | Node::Or(parts) => {
            *operators += parts.len().saturating_sub(1);
            parts
                .iter()
                .try_for_each(|part| walk(part, depth + 1, operators))
        }
        Node::Not(negated) => {
            *operators += 1;
            walk(negated, depth + 1, operators)
        }
        predicate => {
            *operators += 1;
            for operand in operands(predicate) {
                *operators += usize::from(matches!(operand.0, OperandKind::Size(_)));
            }
            self::predicate(predicate)
        }
    }
}

fn operands(node: &Node) -> Vec<&Operand> {
    match node {
        Node::Compare(left, _, right) => vec![left, right],
        Node::Between(operand, low, high) => vec![operand, low, high],
        Node::In(operand, list) => std::iter::once(operand).chain(list).collect(),
        Node::BeginsWith(operand, other) | Node::Contains(operand, other) => vec![operand, other],
        Node::Exists(_) | Node::NotExists(_) | Node::HasType(..) => Vec::new(),
        Node::And(_) | Node::Or(_) | Node::Not(_) => Vec::new(),
    }
}

/// Checks one comparison or function; what is composed of others, its parts answer for.
pub(super) fn predicate(node: &Node) -> Valid {
    for operand in operands(node) {
        if let OperandKind::Path(path) | OperandKind::Size(path) = &operand.0 {
            self::path(path)?;
        }
    }
    match node {
        Node::Compare(left, Comparator::Eq | Comparator::Ne, right) => distinct("=", left, right),
        Node::Compare(left, comparator, right) => {
            ordered(comparator.as_str(), [left, right])?;
            distinct(comparator.as_str(), left, right)
        }
        Node::Between(operand, low, high) => between(operand, low, high),
        Node::In(_, list) => in_list(list),
        Node::Exists(path) | Node::NotExists(path) | Node::HasType(path, _) => self::path(path),
        Node::BeginsWith(operand, prefix) => {
            begins_with(operand)?;
            begins_with(prefix)?;
            distinct("begins_with", operand, prefix)
        }
        // Equal values share a placeholder, so here they are the same operand as well.
        Node::Contains(operand, part) if operand == part => Err(repeated("contains")),
        Node::Contains(..) => Ok(()),
        Node::And(_) | Node::Or(_) | Node::Not(_) => Ok(()),
    }
}

/// DynamoDB refuses to compare an attribute with itself.
fn distinct(operator: &str, first: &Operand, second: &Operand) -> Valid {
    match (&first.0, &second.0) {
        (OperandKind::Path(first), OperandKind::Path(second)) if first == second => {
            Err(repeated(operator))
        }
        _ => Ok(()),
    }
}

fn repeated(operator: &str) -> ExpressionError {
    ExpressionError::new(
        Kind::RepeatedOperand,
        format!("the operands of `{operator}` must not be the same"),
    )
}

/// Whether a value is of one of the types that have an order, and that keys can have.
pub(super) fn is_scalar(value: &AttributeValue) -> bool {
    matches!(
        value,
        AttributeValue::S(_) | AttributeValue::N(_) | AttributeValue::B(_)
    )
}

fn wrong_type(operator: &str, expected: &str) -> ExpressionError {
    ExpressionError::new(Kind::OperandType, format!("`{operator}` takes {expected}"))
}

/// Values that are compared by order must have one.
fn ordered<'o>(operator: &str, operands: impl IntoIterator<Item = &'o Operand>) -> Valid {
    let mut operands = operands.into_iter();
    let is_ordered = |operand: &Operand| match &operand.0 {
        OperandKind::Value(value) => is_scalar(value),
        OperandKind::Path(_) | OperandKind::Size(_) => true,
    };
    if operands.all(is_ordered) {
        Ok(())
    } else {
        Err(wrong_type(operator, "strings, numbers and binary only"))
    }
}

fn between(operand: &Operand, low: &Operand, high: &Operand) -> Valid {
    ordered("BETWEEN", [operand, low, high])?;
    match (&low.0, &high.0) {
        (OperandKind::Value(low), OperandKind::Value(high))
            if std::mem::discriminant(low) != std::mem::discriminant(high) =>
        {
            Err(wrong_type("BETWEEN", "two bounds of the same type"))
        }
        _ => Ok(()),
    }
}

fn in_list(list: &[Operand]) -> Valid {
    if (1..=MAX_IN_OPERANDS).contains(&list.len()) {
        return Ok(());
    }
    Err(ExpressionError::new(
        Kind::OperandCount,
        format!(
            "`IN` takes 1 to {MAX_IN_OPERANDS} operands, and has {}",
            list.len()
        ),
    ))
}

fn begins_with(operand: &Operand) -> Valid {
    match &operand.0 {
        OperandKind::Path(_) | OperandKind::Value(AttributeValue::S(_) | AttributeValue::B(_)) => {
            Ok(())
        }
        _ => Err(wrong_type("begins_with", "strings and binary only")),
    }
}

/// Checks a document path.
pub(super) fn path(path: &Attribute) -> Valid {
    let fields = path.steps.iter().filter_map(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        Step::Index(_) => None,
    });
    let mut names = std::iter::once(path.name()).chain(fields);
    if !names.all(|name| (1..=MAX_NAME_LEN).contains(&name.len())) {
        return Err(ExpressionError::new(
            Kind::AttributeName,
            format!("an attribute name has 1 to {MAX_NAME_LEN} bytes"),
        ));
    }
    if path.steps.len() >= MAX_PATH_LEN {
        return Err(ExpressionError::new(
            Kind::PathTooDeep,
            format!("a document path has at most {MAX_PATH_LEN} elements"),
        ));
    }
    Ok(())
}

/// Checks a whole update.
pub(super) fn update(update: &UpdateExpression) -> Valid {
    let targets: Vec<_> = update.targets().collect();
    if targets.is_empty() {
        return Err(ExpressionError::new(Kind::Empty, "the update does nothing"));
    }
    targets.iter().try_for_each(|path| self::path(path))?;
    let mut operators = 0;
    for (_, value) in &update.set {
        assigned(value, &mut operators)?;
    }
    update.add.iter().try_for_each(|(_, value)| added(value))?;
    let mut deleted = update.delete.iter();
    deleted.try_for_each(|(_, value)| self::deleted(value))?;
    check_operators(operators)?;
    compatible(targets)
}

/// What `SET` assigns.
fn assigned(value: &UpdateValueKind, operators: &mut usize) -> Valid {
    let (left, operator, right) = match value {
        UpdateValueKind::Operand(operand) => return read(operand, 0, operators),
        UpdateValueKind::Plus(left, right) => (left, "+", right),
        UpdateValueKind::Minus(left, right) => (left, "-", right),
    };
    *operators += 1;
    for operand in [left, right] {
        if matches!(operand, UpdateOperandKind::Value(value) if !value.is_n()) {
            return Err(wrong_type(operator, "numbers only"));
        }
        read(operand, 0, operators)?;
    }
    Ok(())
}

fn read(operand: &UpdateOperandKind, depth: usize, operators: &mut usize) -> Valid {
    if depth > MAX_NESTING {
        return Err(too_deep());
    }
    match operand {
        UpdateOperandKind::Value(_) => Ok(()),
        UpdateOperandKind::Path(path) => self::path(path),
        UpdateOperandKind::IfNotExists(path, other) => {
            *operators += 1;
            self::path(path)?;
            read(other, depth + 1, operators)
        }
        UpdateOperandKind::ListAppend(first, second) => {
            *operators += 1;
            for list in [first, second] {
                if matches!(&**list, UpdateOperandKind::Value(value) if !value.is_l()) {
                    return Err(wrong_type("list_append", "lists only"));
                }
                read(list, depth + 1, operators)?;
            }
            Ok(())
        }
    }
}

fn is_set(value: &AttributeValue) -> bool {
    matches!(
        value,
        AttributeValue::Ss(_) | AttributeValue::Ns(_) | AttributeValue::Bs(_)
    )
}

fn added(value: &AttributeValue) -> Valid {
    if value.is_n() || is_set(value) {
        Ok(())
    } else {
        Err(wrong_type("ADD", "a number or a set"))
    }
}

fn deleted(value: &AttributeValue) -> Valid {
    if is_set(value) {
        Ok(())
    } else {
        Err(wrong_type("DELETE", "a set"))
    }
}

/// Checks a whole projection.
pub(super) fn projection(projection: &Projection) -> Valid {
    let paths: Vec<_> = projection.paths.iter().collect();
    if paths.is_empty() {
        return Err(ExpressionError::new(
            Kind::Empty,
            "the projection has no attribute",
        ));
    }
    paths.iter().try_for_each(|path| self::path(path))?;
    compatible(paths)
}

/// Refuses two paths of which one leads to or into the other, and two that could not both be there:
/// `a.b` makes a map of `a`, and `a[0]` a list.
fn compatible(mut paths: Vec<&Attribute>) -> Valid {
    // In this order, a path's neighbour conflicts if any other path does.
    paths.sort_by(|a, b| (&a.name, &a.steps).cmp(&(&b.name, &b.steps)));
    for pair in paths.windows(2) {
        if let [first, second] = pair
            && conflict(first, second)
        {
            return Err(ExpressionError::new(
                Kind::PathConflict,
                format!(
                    "two document paths of `{}` overlap or exclude each other",
                    first.name().escape_debug()
                ),
            ));
        }
    }
    Ok(())
}

fn conflict(first: &Attribute, second: &Attribute) -> bool {
    let mut steps = first.steps.iter().zip(&second.steps);
    first.name == second.name
        && match steps.find(|(first, second)| first != second) {
            Some((first, second)) => {
                std::mem::discriminant(first) != std::mem::discriminant(second)
            }
            None => true,
        }
}
