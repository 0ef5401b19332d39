//! Model to item, one attribute at a time.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::ser::{Error, Impossible, SerializeMap, SerializeStruct, Serializer};

use super::{MismatchCause, ModelMismatch, keys};
use crate::item::Item;

/// Turns a model into an item.
pub(crate) fn write<T: Serialize>(model: &T) -> Result<Item, ModelMismatch> {
    model
        .serialize(ItemSerializer)
        .map_err(|WriteError(mismatch)| mismatch)
}

#[derive(Debug)]
pub(super) struct WriteError(pub(super) ModelMismatch);

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for WriteError {}

impl Error for WriteError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(ModelMismatch::unnamed(MismatchCause::Refused))
    }
}

fn not_an_item<T>() -> Result<T, WriteError> {
    Err(WriteError(ModelMismatch::unnamed(MismatchCause::NotAnItem)))
}

/// Collects attributes; with `#[serde(flatten)]` serde hands them over as a map.
#[derive(Default)]
struct ItemWriter {
    item: Item,
    name: Option<String>,
}

impl ItemWriter {
    fn insert<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), WriteError> {
        let checked = keys::check(value).is_ok();
        let value: Option<AttributeValue> = if checked {
            serde_dynamo::to_attribute_value(value).ok()
        } else {
            None
        };
        let Some(value) = value else {
            return Err(WriteError(ModelMismatch::named(
                name,
                MismatchCause::NotWritable,
            )));
        };
        // A flattened map must not replace a field: its action is another one.
        if self.item.contains_key(&name) {
            return Err(WriteError(ModelMismatch::named(
                name,
                MismatchCause::Duplicate,
            )));
        }
        self.item.insert(name, value);
        Ok(())
    }
}

impl SerializeStruct for ItemWriter {
    type Ok = Item;
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        self.insert(name.to_owned(), value)
    }

    fn end(self) -> Result<Item, WriteError> {
        Ok(self.item)
    }
}

impl SerializeMap for ItemWriter {
    type Ok = Item;
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        // Not a string: not an attribute name. The key of a map is data, so it is not named.
        let name = key.serialize(NameSerializer)?;
        self.name = Some(name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        match self.name.take() {
            Some(name) => self.insert(name, value),
            None => not_an_item(),
        }
    }

    fn end(self) -> Result<Item, WriteError> {
        Ok(self.item)
    }
}

macro_rules! refuse {
    ($($method:ident($($argument:ty),*) $(-> $ok:ty)?;)+) => {$(
        fn $method(self, $(_: $argument),*) -> Result<refuse!(@ $($ok)?), WriteError> {
            not_an_item()
        }
    )+};
    (@) => { Self::Ok };
    (@ $ok:ty) => { $ok };
}

macro_rules! refuse_scalars {
    () => {
        refuse! {
            serialize_bool(bool);
            serialize_i8(i8);
            serialize_i16(i16);
            serialize_i32(i32);
            serialize_i64(i64);
            serialize_u8(u8);
            serialize_u16(u16);
            serialize_u32(u32);
            serialize_u64(u64);
            serialize_f32(f32);
            serialize_f64(f64);
            serialize_char(char);
            serialize_bytes(&[u8]);
            serialize_none();
            serialize_unit();
            serialize_unit_struct(&'static str);
            serialize_seq(Option<usize>) -> Self::SerializeSeq;
            serialize_tuple(usize) -> Self::SerializeTuple;
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
            serialize_tuple_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeTupleVariant;
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeStructVariant;
        }

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, WriteError> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<Self::Ok, WriteError> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, WriteError> {
            not_an_item()
        }
    };
}

struct ItemSerializer;

impl Serializer for ItemSerializer {
    type Ok = Item;
    type Error = WriteError;
    type SerializeSeq = Impossible<Item, WriteError>;
    type SerializeTuple = Impossible<Item, WriteError>;
    type SerializeTupleStruct = Impossible<Item, WriteError>;
    type SerializeTupleVariant = Impossible<Item, WriteError>;
    type SerializeMap = ItemWriter;
    type SerializeStruct = ItemWriter;
    type SerializeStructVariant = Impossible<Item, WriteError>;

    fn serialize_map(self, _: Option<usize>) -> Result<ItemWriter, WriteError> {
        Ok(ItemWriter::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<ItemWriter, WriteError> {
        Ok(ItemWriter::default())
    }

    refuse! {
        serialize_str(&str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }
    refuse_scalars!();
}

/// Takes the keys of a flattened map: strings only.
struct NameSerializer;

impl Serializer for NameSerializer {
    type Ok = String;
    type Error = WriteError;
    type SerializeSeq = Impossible<String, WriteError>;
    type SerializeTuple = Impossible<String, WriteError>;
    type SerializeTupleStruct = Impossible<String, WriteError>;
    type SerializeTupleVariant = Impossible<String, WriteError>;
    type SerializeMap = Impossible<String, WriteError>;
    type SerializeStruct = Impossible<String, WriteError>;
    type SerializeStructVariant = Impossible<String, WriteError>;

    fn serialize_str(self, name: &str) -> Result<String, WriteError> {
        Ok(name.to_owned())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, WriteError> {
        Ok(variant.to_owned())
    }

    refuse! {
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }
    refuse_scalars!();
}
