//! The grammar of updates: up to four clauses in any order.

use super::condition::{exactly, path_expected};
use super::{Parsed, Parser};
use crate::expression::error::{ExpressionError, ExpressionErrorKind as Kind};
use crate::expression::lexer::TokenKind;
use crate::expression::operand::{UpdateOperandKind, UpdateValueKind};
use crate::expression::path::Attribute;
use crate::expression::update::UpdateExpression;
use aws_sdk_dynamodb::types::AttributeValue;

pub(super) const KEYWORDS: &[&str] = &["SET", "REMOVE", "ADD", "DELETE"];

pub(super) const FUNCTIONS: [&str; 2] = ["if_not_exists", "list_append"];

const ATTRIBUTE: &str = "an attribute";
const OPERAND: &str = "an attribute, a `:value`, `if_not_exists(…)` or `list_append(…)`";

impl Parser<'_> {
    pub(super) fn update(&mut self) -> Parsed<UpdateExpression> {
        let mut update = UpdateExpression::new();
        loop {
            if self.eat_keyword("SET") {
                self.once("SET", &mut update.set, Self::assignment)?;
            } else if self.eat_keyword("REMOVE") {
                self.once("REMOVE", &mut update.remove, |parser| {
                    parser.path(ATTRIBUTE)
                })?;
            } else if self.eat_keyword("ADD") {
                self.once("ADD", &mut update.add, Self::path_and_value)?;
            } else if self.eat_keyword("DELETE") {
                self.once("DELETE", &mut update.delete, Self::path_and_value)?;
            } else if update.targets().next().is_none() {
                return Err(self.expected("`SET`, `REMOVE`, `ADD` or `DELETE`"));
            } else {
                return Ok(update);
            }
        }
    }

    /// A clause whose keyword was read, and must not have been read before.
    fn once<T>(
        &mut self,
        keyword: &str,
        clause: &mut Vec<T>,
        action: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<()> {
        if !clause.is_empty() {
            let message = format!("`{keyword}` can begin one clause only; there is a second");
            return Err(ExpressionError::new(Kind::RepeatedClause, message).at(self.at()));
        }
        *clause = self.list(action)?;
        Ok(())
    }

    fn assignment(&mut self) -> Parsed<(Attribute, UpdateValueKind)> {
        let path = self.path(ATTRIBUTE)?;
        self.expect_symbol("=")?;
        Ok((path, self.assigned()?))
    }

    fn path_and_value(&mut self) -> Parsed<(Attribute, AttributeValue)> {
        let path = self.path(ATTRIBUTE)?;
        match self.value()? {
            Some(value) => Ok((path, value)),
            None => Err(self.expected("a `:value`")),
        }
    }

    /// What `SET` assigns: an operand, or the sum or difference of two.
    fn assigned(&mut self) -> Parsed<UpdateValueKind> {
        let left = self.term()?;
        let operation = if self.is_symbol("+") {
            UpdateValueKind::Plus
        } else if self.is_symbol("-") {
            UpdateValueKind::Minus
        } else {
            return Ok(left);
        };
        let at = self.at();
        self.skip();
        let right = self.term()?;
        match (left, right) {
            (UpdateValueKind::Operand(left), UpdateValueKind::Operand(right)) => {
                Ok(operation(left, right))
            }
            _ => Err(ExpressionError::new(
                Kind::OperandType,
                "`+` and `-` take operands, and no sums or differences",
            )
            .at(at)),
        }
    }

    /// An operand, or something in parentheses: DynamoDB takes `(a + :b)`, which its grammar does
    /// not have.
    fn term(&mut self) -> Parsed<UpdateValueKind> {
        if !self.is_symbol("(") {
            return self.update_operand().map(UpdateValueKind::Operand);
        }
        self.nested(|parser| {
            parser.skip();
            let value = parser.assigned()?;
            parser.expect_symbol(")")?;
            Ok(value)
        })
    }

    fn update_operand(&mut self) -> Parsed<UpdateOperandKind> {
        if let Some(value) = self.value()? {
            return Ok(UpdateOperandKind::Value(value));
        }
        if self.is_call() {
            return self.nested(Self::call);
        }
        self.path(OPERAND).map(UpdateOperandKind::Path)
    }

    fn call(&mut self) -> Parsed<UpdateOperandKind> {
        let at = self.at();
        let Some(TokenKind::Word(name)) = self.peek() else {
            return Err(self.expected(OPERAND));
        };
        if !FUNCTIONS.contains(&name) {
            let shown = TokenKind::Word(name).shown();
            let message = format!("update expressions have no function {shown}");
            return Err(ExpressionError::new(Kind::UnknownFunction, message).at(at));
        }
        self.skip();
        self.expect_symbol("(")?;
        let operands = self.list(Self::update_operand)?;
        self.expect_symbol(")")?;
        function(name, operands).map_err(|error| error.at(at))
    }
}

fn function(name: &str, operands: Vec<UpdateOperandKind>) -> Parsed<UpdateOperandKind> {
    let [first, second] = exactly(name, operands)?;
    let second = Box::new(second);
    if name == "list_append" {
        return Ok(UpdateOperandKind::ListAppend(Box::new(first), second));
    }
    match first {
        UpdateOperandKind::Path(path) => Ok(UpdateOperandKind::IfNotExists(path, second)),
        _ => Err(path_expected(name)),
    }
}
