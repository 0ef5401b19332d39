//! What can be wrong with an expression before any attribute's action is asked for.

use std::error::Error;
use std::fmt;

/// An expression that DynamoDB would refuse.
///
/// It shows names, placeholders and tokens of the text, which are code, and never a value.
///
/// ```
/// use dynaseal::expression::{Condition, ExpressionErrorKind, NO_NAMES};
/// let error = Condition::parse("plan == :p", NO_NAMES, [(":p", "gold")]).unwrap_err();
/// assert_eq!(error.kind(), ExpressionErrorKind::Syntax);
/// assert_eq!(error.offset(), Some(6));
/// assert_eq!(
///     error.to_string(),
///     "expected an attribute, a `:value` or `size(…)`, found `=` at byte 6"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    kind: ExpressionErrorKind,
    offset: Option<usize>,
    message: String,
}

/// What is wrong with an expression.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionErrorKind {
    /// There is nothing in it.
    Empty,
    /// It does not follow the grammar.
    Syntax,
    /// It has more than 4,096 bytes.
    TooLong,
    /// It has more than 300 operators and functions.
    TooManyOperators,
    /// Parentheses, `NOT` or functions are nested more than 64 levels deep.
    TooDeep,
    /// Two pairs of parentheses enclose the same thing.
    RedundantParentheses,
    /// A function that there is not, or that its kind of expression does not have.
    UnknownFunction,
    /// A function, `IN` or a clause with too few or too many operands.
    OperandCount,
    /// An operand that its operator or function does not take.
    OperandType,
    /// Two operands that must differ are the same.
    RepeatedOperand,
    /// A clause of an update that occurs twice.
    RepeatedClause,
    /// A `#name` or `:value` that is not defined.
    Undefined,
    /// A `#name` or `:value` that is defined and not used.
    Unused,
    /// A `#name` or `:value` that is defined twice.
    DefinedTwice,
    /// An attribute name that is empty, or longer than 65,535 bytes.
    AttributeName,
    /// A document path with more than 32 elements, or with an index above 4,294,967,295.
    PathTooDeep,
    /// Two paths of an update or projection of which one contains or excludes the other.
    PathConflict,
    /// Not what a key condition is: an equality on the partition key, and at most one condition on
    /// the sort key.
    NotAKeyCondition,
}

impl ExpressionError {
    pub(super) fn new(kind: ExpressionErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            offset: None,
            message: message.into(),
        }
    }

    /// Says where in the text, unless that is known already.
    pub(super) fn at(mut self, offset: usize) -> Self {
        self.offset.get_or_insert(offset);
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ExpressionErrorKind {
        self.kind
    }

    /// Where in the text, in bytes from its start; `None` for what is no matter of one place, or
    /// was not parsed.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.offset
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.offset {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

impl Error for ExpressionError {}
