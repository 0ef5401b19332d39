//! Expressions against their text, their rules, and the embedded DynamoDB.

mod corpus;
#[cfg(feature = "testkit")]
mod emulator;
mod generate;
mod limits;
mod print;
mod refusals;
