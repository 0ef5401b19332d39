//! DynamoDB's expressions: conditions, filters, key conditions, projections and updates.
//!
//! An expression is built from named attributes, or parsed from DynamoDB's own text. Either way it is
//! a tree, and the tree is what an operation checks and what it sends: rendered anew, with a
//! placeholder for every name and every value. So nothing is sent that was not checked, no reserved
//! word bites, and a condition can be joined with another one.
//!
//! ```
//! use dynaseal::expression::{Condition, NO_NAMES, attribute};
//!
//! let built = attribute("plan").eq("gold").and(attribute("orders").index(0).field("open").exists());
//! let parsed = Condition::parse(
//!     "plan = :plan AND attribute_exists(orders[0].open)",
//!     NO_NAMES,
//!     [(":plan", "gold")],
//! )?;
//! assert_eq!(built, parsed);
//! # Ok::<_, dynaseal::expression::ExpressionError>(())
//! ```
//!
//! # What is accepted
//!
//! The grammar of the developer guide, with its limits: 4,096 bytes, 300 operators and functions, 100
//! operands of `IN`, 32 levels of a document path; placeholders that are undefined or unused are errors.
//! Two things differ from DynamoDB on purpose. A reserved word may stand as a name, since it is sent as
//! a placeholder. And parentheses, `NOT` and functions nest at most 64 levels deep.
//!
//! What an expression *may name* depends on the schema, and is checked by the operation that takes it.

mod condition;
mod error;
mod key_condition;
mod lexer;
mod operand;
mod parser;
mod path;
mod printer;
mod projection;
mod rules;
mod update;
mod validity;

use aws_sdk_dynamodb::types::AttributeValue;

pub use condition::{AttributeType, Condition};
pub use error::{ExpressionError, ExpressionErrorKind};
pub use key_condition::{KeyCondition, SortKeyCondition};
pub use operand::{Operand, Size, UpdateOperand, UpdateValue};
pub use path::{Attribute, attribute};
pub(crate) use printer::Placeholders;
pub use projection::Projection;
pub(crate) use rules::Refusal;
pub use update::UpdateExpression;

/// For an expression that uses no `#name`.
pub const NO_NAMES: [(&str, &str); 0] = [];

/// For an expression that uses no `:value`.
pub const NO_VALUES: [(&str, AttributeValue); 0] = [];

#[cfg(test)]
mod tests;
