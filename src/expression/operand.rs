//! What stands on either side of an operator.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use super::path::Attribute;
use super::printer;
use crate::item::KeyValue;

/// One side of a comparison: a value, an [`Attribute`], or the [`Size`] of one.
///
/// A string is a value; a name is written [`attribute("…")`](super::attribute).
///
/// ```
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use dynaseal::expression::attribute;
/// let value = attribute("plan").eq("gold");
/// let other = attribute("spent").gt(attribute("limit"));
/// let list = attribute("tags").contains(AttributeValue::Null(true));
/// ```
#[derive(Clone, PartialEq)]
pub struct Operand(pub(super) OperandKind);

#[derive(Clone, PartialEq)]
pub(super) enum OperandKind {
    Path(Attribute),
    Value(AttributeValue),
    Size(Attribute),
}

/// The size of an attribute: characters of a string, bytes of binary, elements of the rest. Made by
/// [`Attribute::size`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a size does nothing until it is compared"]
pub struct Size(pub(super) Attribute);

impl Attribute {
    /// The attribute's size, to be compared.
    ///
    /// ```
    /// # use dynaseal::expression::attribute;
    /// let short = attribute("nickname").size().le(20);
    /// ```
    pub fn size(self) -> Size {
        Size(self)
    }
}

/// What an update reads: a value, an [`Attribute`], or a function of them.
#[derive(Clone, PartialEq)]
pub struct UpdateOperand(pub(super) UpdateOperandKind);

#[derive(Clone, PartialEq)]
pub(super) enum UpdateOperandKind {
    Path(Attribute),
    Value(AttributeValue),
    IfNotExists(Attribute, Box<Self>),
    ListAppend(Box<Self>, Box<Self>),
}

/// What `SET` assigns: an [`UpdateOperand`], or the sum or difference of two.
#[derive(Clone, PartialEq)]
pub struct UpdateValue(pub(super) UpdateValueKind);

#[derive(Clone, PartialEq)]
pub(super) enum UpdateValueKind {
    Operand(UpdateOperandKind),
    Plus(UpdateOperandKind, UpdateOperandKind),
    Minus(UpdateOperandKind, UpdateOperandKind),
}

/// The functions and operators of updates, on everything that can begin one.
macro_rules! update_functions {
    ($($type:ty),+) => {$(
        impl $type {
            /// The sum with another number.
            #[must_use]
            pub fn plus(self, other: impl Into<UpdateOperand>) -> UpdateValue {
                UpdateValue(UpdateValueKind::Plus(UpdateOperand::from(self).0, other.into().0))
            }

            /// The difference from another number.
            #[must_use]
            pub fn minus(self, other: impl Into<UpdateOperand>) -> UpdateValue {
                UpdateValue(UpdateValueKind::Minus(UpdateOperand::from(self).0, other.into().0))
            }

            /// The list with the elements of another list after its own.
            #[must_use]
            pub fn list_append(self, other: impl Into<UpdateOperand>) -> UpdateOperand {
                let (first, second) = (UpdateOperand::from(self).0, other.into().0);
                UpdateOperand(UpdateOperandKind::ListAppend(Box::new(first), Box::new(second)))
            }
        }
    )+};
}
update_functions!(Attribute, UpdateOperand);

impl Attribute {
    /// The attribute, or `other` where the item has none.
    ///
    /// ```
    /// use dynaseal::expression::{UpdateExpression, attribute};
    /// let next = attribute("views").if_not_exists(0).plus(1);
    /// let update = UpdateExpression::new().set("views", next);
    /// ```
    #[must_use]
    pub fn if_not_exists(self, other: impl Into<UpdateOperand>) -> UpdateOperand {
        UpdateOperand(UpdateOperandKind::IfNotExists(
            self,
            Box::new(other.into().0),
        ))
    }
}

impl From<Size> for Operand {
    fn from(size: Size) -> Self {
        Self(OperandKind::Size(size.0))
    }
}

impl From<UpdateOperandKind> for UpdateValueKind {
    fn from(operand: UpdateOperandKind) -> Self {
        Self::Operand(operand)
    }
}

impl From<UpdateOperand> for UpdateValue {
    fn from(operand: UpdateOperand) -> Self {
        Self(operand.0.into())
    }
}

/// Values and attributes are operands everywhere.
macro_rules! operands {
    ($($type:ty: |$operand:ident| $kind:expr, $value:path, $path:path;)+) => {$(
        /// What can be the value of a key can be a value here; everything else is an
        /// [`AttributeValue`].
        impl<V: KeyValue> From<V> for $type {
            fn from(value: V) -> Self {
                let $operand = $value(value.into_key_value());
                Self($kind)
            }
        }

        impl From<bool> for $type {
            fn from(value: bool) -> Self {
                AttributeValue::Bool(value).into()
            }
        }

        impl From<Attribute> for $type {
            fn from(path: Attribute) -> Self {
                let $operand = $path(path);
                Self($kind)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&printer::redacted(|printer| printer.print(&self.0)))
            }
        }
    )+};
}
operands! {
    Operand: |operand| operand, OperandKind::Value, OperandKind::Path;
    UpdateOperand: |operand| operand, UpdateOperandKind::Value, UpdateOperandKind::Path;
    UpdateValue: |operand| operand.into(), UpdateOperandKind::Value, UpdateOperandKind::Path;
}
