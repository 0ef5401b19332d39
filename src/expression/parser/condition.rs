//! The grammar of conditions: `OR` binds least, then `AND`, then `NOT`.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Parsed, Parser};
use crate::expression::condition::{AttributeType, Comparator, Node};
use crate::expression::error::{ExpressionError, ExpressionErrorKind as Kind};
use crate::expression::lexer::TokenKind;
use crate::expression::operand::{Operand, OperandKind};
use crate::expression::path::Attribute;
use crate::expression::validity;

pub(super) const KEYWORDS: &[&str] = &["AND", "OR", "NOT", "BETWEEN", "IN"];

const OPERAND: &str = "an attribute, a `:value` or `size(…)`";

/// Functions of which a condition can consist.
const CONDITIONS: [&str; 5] = [
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
];

impl Parser<'_> {
    pub(super) fn condition(&mut self) -> Parsed<Node> {
        let mut node = self.conjunction()?;
        while self.eat_keyword("OR") {
            node = node.or(self.conjunction()?);
        }
        Ok(node)
    }

    fn conjunction(&mut self) -> Parsed<Node> {
        let mut node = self.negation()?;
        while self.eat_keyword("AND") {
            node = node.and(self.negation()?);
        }
        Ok(node)
    }

    fn negation(&mut self) -> Parsed<Node> {
        if self.eat_keyword("NOT") {
            let negated = self.nested(Self::negation)?;
            return Ok(Node::Not(Box::new(negated)));
        }
        if self.is_symbol("(") {
            return self.nested(Self::group);
        }
        self.predicate()
    }

    /// A condition in parentheses, which must not be all that another pair encloses.
    fn group(&mut self) -> Parsed<Node> {
        let open = self.next;
        let at = self.at();
        self.expect_symbol("(")?;
        let node = self.condition()?;
        let is_redundant = self.last_group == Some((open + 1, self.next.saturating_sub(1)));
        self.expect_symbol(")")?;
        if is_redundant {
            let message = "two pairs of parentheses enclose the same condition";
            return Err(ExpressionError::new(Kind::RedundantParentheses, message).at(at));
        }
        self.last_group = Some((open, self.next.saturating_sub(1)));
        Ok(node)
    }

    /// One comparison or function.
    fn predicate(&mut self) -> Parsed<Node> {
        let at = self.at();
        let node = match self.peek() {
            Some(TokenKind::Word(name)) if self.is_call() && CONDITIONS.contains(&name) => {
                self.skip();
                let operands = self.operands()?;
                function(name, operands).map_err(|error| error.at(at))?
            }
            _ => self.comparison()?,
        };
        validity::predicate(&node).map_err(|error| error.at(at))?;
        Ok(node)
    }

    fn comparison(&mut self) -> Parsed<Node> {
        let left = self.operand()?;
        if let Some(comparator) = self.comparator() {
            self.skip();
            return Ok(Node::Compare(left, comparator, self.operand()?));
        }
        if self.eat_keyword("BETWEEN") {
            let low = self.operand()?;
            if !self.eat_keyword("AND") {
                return Err(self.expected("`AND` and the upper bound"));
            }
            return Ok(Node::Between(left, low, self.operand()?));
        }
        if self.eat_keyword("IN") {
            return Ok(Node::In(left, self.operands()?));
        }
        Err(self.expected("a comparator, `BETWEEN` or `IN`"))
    }

    fn comparator(&self) -> Option<Comparator> {
        let Some(TokenKind::Symbol(symbol)) = self.peek() else {
            return None;
        };
        match symbol {
            "=" => Some(Comparator::Eq),
            "<>" => Some(Comparator::Ne),
            "<" => Some(Comparator::Lt),
            "<=" => Some(Comparator::Le),
            ">" => Some(Comparator::Gt),
            ">=" => Some(Comparator::Ge),
            _ => None,
        }
    }

    /// Operands in parentheses.
    fn operands(&mut self) -> Parsed<Vec<Operand>> {
        self.expect_symbol("(")?;
        let operands = self.list(Self::operand)?;
        self.expect_symbol(")")?;
        Ok(operands)
    }

    fn operand(&mut self) -> Parsed<Operand> {
        if let Some(value) = self.value()? {
            return Ok(Operand(OperandKind::Value(value)));
        }
        if self.is_call() {
            return self.size();
        }
        Ok(Operand(OperandKind::Path(self.path(OPERAND)?)))
    }

    /// The only function that is an operand.
    fn size(&mut self) -> Parsed<Operand> {
        let at = self.at();
        match self.peek() {
            Some(TokenKind::Word("size")) => self.skip(),
            Some(TokenKind::Word(name)) => return Err(misplaced(name).at(at)),
            _ => return Err(self.expected(OPERAND)),
        }
        let operands = self.nested(Self::operands)?;
        let path = unary("size", operands).and_then(|operand| document_path("size", operand));
        let path = path.map_err(|error| error.at(at))?;
        Ok(Operand(OperandKind::Size(path)))
    }
}

/// Why a function cannot be an operand.
fn misplaced(name: &str) -> ExpressionError {
    let message = if CONDITIONS.contains(&name) {
        format!("`{name}` is a condition, and can be no operand")
    } else if super::update::FUNCTIONS.contains(&name) {
        format!("`{name}` is a function of update expressions")
    } else {
        let shown = TokenKind::Word(name).shown();
        format!("there is no function {shown}; functions are written in lower case")
    };
    ExpressionError::new(Kind::UnknownFunction, message)
}

fn function(name: &str, operands: Vec<Operand>) -> Parsed<Node> {
    match name {
        "attribute_exists" => {
            let operand = unary(name, operands)?;
            document_path(name, operand).map(Node::Exists)
        }
        "attribute_not_exists" => {
            let operand = unary(name, operands)?;
            document_path(name, operand).map(Node::NotExists)
        }
        "attribute_type" => {
            let (operand, of) = binary(name, operands)?;
            Ok(Node::HasType(
                document_path(name, operand)?,
                attribute_type(&of)?,
            ))
        }
        "begins_with" => {
            let (operand, prefix) = binary(name, operands)?;
            Ok(Node::BeginsWith(operand, prefix))
        }
        "contains" => {
            let (operand, part) = binary(name, operands)?;
            Ok(Node::Contains(operand, part))
        }
        _ => Err(misplaced(name)),
    }
}

fn unary(name: &str, operands: Vec<Operand>) -> Parsed<Operand> {
    let [operand] = exactly(name, operands)?;
    Ok(operand)
}

fn binary(name: &str, operands: Vec<Operand>) -> Parsed<(Operand, Operand)> {
    let [first, second] = exactly(name, operands)?;
    Ok((first, second))
}

/// The operands of a function that takes a fixed number of them.
pub(super) fn exactly<T, const N: usize>(name: &str, operands: Vec<T>) -> Parsed<[T; N]> {
    let found = operands.len();
    <[T; N]>::try_from(operands).map_err(|_| {
        let message = format!("`{name}` takes {N} operands, and has {found}");
        ExpressionError::new(Kind::OperandCount, message)
    })
}

fn document_path(name: &str, operand: Operand) -> Parsed<Attribute> {
    match operand.0 {
        OperandKind::Path(path) => Ok(path),
        OperandKind::Value(_) | OperandKind::Size(_) => Err(path_expected(name)),
    }
}

pub(super) fn path_expected(name: &str) -> ExpressionError {
    ExpressionError::new(
        Kind::OperandType,
        format!("`{name}` takes an attribute or a path into one"),
    )
}

fn attribute_type(operand: &Operand) -> Parsed<AttributeType> {
    let named = match &operand.0 {
        OperandKind::Value(AttributeValue::S(name)) => AttributeType::ALL
            .into_iter()
            .find(|attribute_type| attribute_type.as_str() == name),
        _ => None,
    };
    named.ok_or_else(|| {
        ExpressionError::new(
            Kind::OperandType,
            "`attribute_type` takes a `:value` that is S, SS, N, NS, B, BS, BOOL, NULL, L or M",
        )
    })
}
