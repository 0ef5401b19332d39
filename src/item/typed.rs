//! Model to item and item to model.
//!
//! serde's and serde_dynamo's messages quote values, so none of their errors leaves this file: what
//! is kept is the name of the top-level attribute and a fixed cause.

mod keys;
mod read;
mod write;

use std::fmt;

pub(crate) use self::read::read;
pub(crate) use self::write::write;

/// A model and an item do not fit together.
///
/// It carries the name of the attribute where that is known, and a fixed cause; never a value, and
/// never the text of another error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelMismatch {
    attribute: Option<String>,
    cause: MismatchCause,
}

/// Why a model and an item do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MismatchCause {
    /// The item lacks an attribute that the model needs.
    Missing,
    /// The attribute, or something inside it, is of another type than the model's.
    WrongType,
    /// The attribute is of the right type, but its value is none that the model takes: out of
    /// range, of a wrong length, an unknown variant.
    InvalidValue,
    /// A map inside the attribute lacks a field, or has one that the model forbids.
    WrongFields,
    /// The item has an attribute that the model forbids (`deny_unknown_fields`).
    Unknown,
    /// Two fields of the model write the same attribute.
    Duplicate,
    /// The model does not serialize to a map.
    NotAnItem,
    /// The item is of another entity type than the model.
    AnotherModel,
    /// The field cannot be written as an attribute.
    NotWritable,
    /// The model's own code refused, for instance in a hand-written `Deserialize`.
    Refused,
}

impl ModelMismatch {
    /// The top-level attribute that does not fit, if it is known.
    #[must_use]
    pub fn attribute(&self) -> Option<&str> {
        self.attribute.as_deref()
    }

    /// Why it does not fit.
    #[must_use]
    pub const fn cause(&self) -> MismatchCause {
        self.cause
    }

    /// The item is of an entity type that has another model.
    pub(super) fn another_model() -> Self {
        Self::unnamed(MismatchCause::AnotherModel)
    }

    fn unnamed(cause: MismatchCause) -> Self {
        Self {
            attribute: None,
            cause,
        }
    }

    fn named(attribute: impl Into<String>, cause: MismatchCause) -> Self {
        Self {
            attribute: Some(attribute.into()),
            cause,
        }
    }
}

impl fmt::Display for ModelMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attribute {
            None if self.cause.is_of_the_whole() => f.write_str(self.cause.text()),
            Some(name) => write!(
                f,
                "attribute `{}` {}",
                name.escape_debug(),
                self.cause.text()
            ),
            None => write!(f, "an attribute {}", self.cause.text()),
        }
    }
}

impl std::error::Error for ModelMismatch {}

impl MismatchCause {
    /// Whether no single attribute is to blame.
    const fn is_of_the_whole(self) -> bool {
        matches!(self, Self::NotAnItem | Self::AnotherModel)
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::WrongType => "is of another type than the model's",
            Self::InvalidValue => "has a value that the model does not take",
            Self::WrongFields => "lacks a field, or has one that the model forbids",
            Self::Unknown => "is not one of the model's",
            Self::Duplicate => "is written by two fields of the model",
            Self::NotAnItem => "the model does not serialize to a map with names",
            Self::AnotherModel => "the item is of another entity type than the model",
            Self::NotWritable => "cannot be written",
            Self::Refused => "was refused by the model",
        }
    }
}

/// Sorts a message of serde or serde_dynamo into a cause, and drops it.
///
/// Their error types tell causes apart by text alone. A wrong guess here costs a less helpful
/// cause, nothing else.
fn cause_of(error: &serde_dynamo::Error) -> MismatchCause {
    let text = error.to_string();
    let starts = |heads: &[&str]| heads.iter().any(|head| text.starts_with(head));
    if starts(&["Expected", "Not a", "invalid type"]) {
        MismatchCause::WrongType
    } else if starts(&[
        "Failed to parse",
        "invalid value",
        "invalid length",
        "unknown variant",
    ]) {
        MismatchCause::InvalidValue
    } else if starts(&["missing field", "unknown field", "duplicate field"]) {
        MismatchCause::WrongFields
    } else {
        MismatchCause::Refused
    }
}

#[cfg(test)]
mod tests;
