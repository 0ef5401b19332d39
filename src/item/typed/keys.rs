//! Refuses map keys on which serde_dynamo 4.3 panics: sequences, maps and bytes.
//!
//! Its `MapKeySerializer` calls them unreachable. This walks a value before serde_dynamo does, and
//! can go when the upstream code returns an error.

use serde::Serialize;
use serde::ser::{
    Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::write::WriteError;
use super::{MismatchCause, ModelMismatch};

/// Walks a value and looks at the keys of its maps.
pub(super) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), WriteError> {
    value.serialize(Walk)
}

struct Walk;

/// Looks at one key.
struct Key;

fn refuse<T>() -> Result<T, WriteError> {
    Err(WriteError(ModelMismatch::unnamed(
        MismatchCause::NotWritable,
    )))
}

/// Methods for everything that has no parts.
macro_rules! accept {
    ($($method:ident($($argument:ty),*);)+) => {$(
        fn $method(self, $(_: $argument),*) -> Result<(), WriteError> {
            Ok(())
        }
    )+};
}

macro_rules! accept_scalars {
    () => {
        accept! {
            serialize_bool(bool);
            serialize_i8(i8);
            serialize_i16(i16);
            serialize_i32(i32);
            serialize_i64(i64);
            serialize_i128(i128);
            serialize_u8(u8);
            serialize_u16(u16);
            serialize_u32(u32);
            serialize_u64(u64);
            serialize_u128(u128);
            serialize_f32(f32);
            serialize_f64(f64);
            serialize_char(char);
            serialize_str(&str);
            serialize_none();
            serialize_unit();
            serialize_unit_struct(&'static str);
            serialize_unit_variant(&'static str, u32, &'static str);
        }

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<(), WriteError> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            value: &T,
        ) -> Result<(), WriteError> {
            value.serialize(self)
        }
    };
}

/// Methods for everything that has parts, all of them answered by `$answer`.
macro_rules! compounds {
    ($parts:ty, $answer:expr) => {
        type Ok = ();
        type Error = WriteError;
        type SerializeSeq = $parts;
        type SerializeTuple = $parts;
        type SerializeTupleStruct = $parts;
        type SerializeTupleVariant = $parts;
        type SerializeMap = $parts;
        type SerializeStruct = $parts;
        type SerializeStructVariant = $parts;

        fn serialize_seq(self, _: Option<usize>) -> Result<$parts, WriteError> {
            $answer
        }

        fn serialize_tuple(self, _: usize) -> Result<$parts, WriteError> {
            $answer
        }

        fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<$parts, WriteError> {
            $answer
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<$parts, WriteError> {
            $answer
        }

        fn serialize_map(self, _: Option<usize>) -> Result<$parts, WriteError> {
            $answer
        }

        fn serialize_struct(self, _: &'static str, _: usize) -> Result<$parts, WriteError> {
            $answer
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<$parts, WriteError> {
            $answer
        }
    };
}

impl Serializer for Walk {
    compounds!(Self, Ok(Self));
    accept_scalars!();
    accept! { serialize_bytes(&[u8]); }
}

impl Serializer for Key {
    compounds!(Impossible<(), WriteError>, refuse());
    accept_scalars!();

    fn serialize_bytes(self, _: &[u8]) -> Result<(), WriteError> {
        refuse()
    }
}

/// Walks on into each element, whatever serde calls it.
macro_rules! elements {
    ($($trait:ident::$method:ident($($name:ty)?);)+) => {$(
        impl $trait for Walk {
            type Ok = ();
            type Error = WriteError;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $(_: $name,)?
                value: &T,
            ) -> Result<(), WriteError> {
                value.serialize(Self)
            }

            fn end(self) -> Result<(), WriteError> {
                Ok(())
            }
        }
    )+};
}

elements! {
    SerializeSeq::serialize_element();
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(&'static str);
    SerializeStructVariant::serialize_field(&'static str);
}

impl SerializeMap for Walk {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        key.serialize(Key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        value.serialize(Self)
    }

    fn end(self) -> Result<(), WriteError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn refuses_keys_that_have_parts_at_any_depth() {
        let inner = BTreeMap::from([(vec![1_u8], 1)]);
        assert!(check(&inner).is_err());
        assert!(check(&vec![Some(&inner)]).is_err());
        assert!(check(&BTreeMap::from([("outer", &inner)])).is_err());
        assert!(check(&BTreeMap::from([(BTreeMap::from([(1, 1)]), 1)])).is_err());
    }

    #[test]
    fn accepts_keys_that_are_text_or_numbers() {
        assert!(check(&BTreeMap::from([("text", vec![1])])).is_ok());
        assert!(check(&BTreeMap::from([(7_u64, (1, "x"))])).is_ok());
    }
}
