//! What `#[derive(Seal)]` names. Nothing here is for people, and none of it is stable.

use std::marker::PhantomData;

pub use crate::action::CryptoAction;
pub use crate::item::{
    AnyKey, AttributeSchema, ModelSchema, NoKey, Part, PartitionAndSortKey, PartitionKeyOnly, Role,
    Seal, VersionStart,
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

/// The key shape of a struct without key fields of its own, by number. It is a number because the
/// type of a flattened field may be private, and must not show in the impl of a public struct.
#[derive(Debug)]
#[non_exhaustive]
pub struct Shape<const NUMBER: u8>;

pub trait ShapeOf {
    type Shape;
}

impl ShapeOf for Shape<0> {
    type Shape = NoKey;
}
impl ShapeOf for Shape<1> {
    type Shape = PartitionKeyOnly;
}
impl ShapeOf for Shape<2> {
    type Shape = PartitionAndSortKey;
}

/// The number of a schema's key shape. Schemas with too many keys are somebody else's to refuse.
pub const fn shape(schema: &ModelSchema) -> u8 {
    match (schema.count_partition_keys(), schema.count_sort_keys()) {
        (1, 0) => 1,
        (1, 1) => 2,
        _ => 0,
    }
}

/// The same for generic structs, where no number can be had.
#[diagnostic::on_unimplemented(
    message = "two flattened structs both have key fields",
    note = "an item has one partition key and at most one sort key, and both stand in one struct"
)]
pub trait JoinKeys<Other> {
    type Shape;
}

impl JoinKeys<Self> for NoKey {
    type Shape = Self;
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
