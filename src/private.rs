//! What `#[derive(Seal)]` names. Nothing here is for people, and none of it is stable.

use std::marker::PhantomData;

pub use crate::action::CryptoAction;
pub use crate::item::{
    AnyKey, AttributeSchema, ModelSchema, NoKey, Part, PartitionAndSortKey, PartitionKeyOnly, Role,
    Seal,
};

/// Answers at compile time whether a type is sealed: the inherent constant hides the trait's where
/// its bound holds.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T: Seal + ?Sized> Probe<T> {
    pub const SEALED: bool = true;
}

pub trait Unsealed {
    const SEALED: bool = false;
}

impl<T: ?Sized> Unsealed for Probe<T> {}

/// The key shape of a struct whose keys come from one of several flattened structs.
#[diagnostic::on_unimplemented(
    message = "two flattened structs both have key fields",
    note = "an item has one partition key and at most one sort key, and both stand in one struct"
)]
pub trait JoinKeys<Other> {
    type Shape;
}

impl JoinKeys<NoKey> for NoKey {
    type Shape = NoKey;
}
impl JoinKeys<PartitionKeyOnly> for NoKey {
    type Shape = PartitionKeyOnly;
}
impl JoinKeys<PartitionAndSortKey> for NoKey {
    type Shape = PartitionAndSortKey;
}
impl JoinKeys<NoKey> for PartitionKeyOnly {
    type Shape = Self;
}
impl JoinKeys<NoKey> for PartitionAndSortKey {
    type Shape = Self;
}
