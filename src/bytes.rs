//! Byte fields as DynamoDB binary (B), through `#[serde(with = "dynaseal::bytes")]`.
//!
//! serde sees `Vec<u8>` as a list of numbers, and so would DynamoDB. Marked like this, `Vec<u8>`,
//! `[u8; N]`, and either of them inside [`Redacted`], [`Hidden`], [`Unsigned`] or `Option`, become
//! one binary value. An `Option` that may be absent also needs `#[serde(default)]`, because serde
//! drops that courtesy for fields with `with`.
//!
//! ```
//! use dynaseal::Redacted;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Document {
//!     #[serde(with = "dynaseal::bytes")]
//!     scan: Redacted<Vec<u8>>,
//!     #[serde(with = "dynaseal::bytes", default)]
//!     digest: Option<[u8; 32]>,
//! }
//! ```

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use zeroize::{Zeroize, Zeroizing};

use crate::item::Unsigned;
use crate::secret::{Hidden, Redacted};

/// Writes the value as bytes; serde calls this.
///
/// # Errors
///
/// Whatever the serializer answers.
pub fn serialize<B: Binary, S: Serializer>(value: &B, serializer: S) -> Result<S::Ok, S::Error> {
    value.write(serializer)
}

/// Reads the value from bytes; serde calls this.
///
/// # Errors
///
/// Whatever the deserializer answers, a value that is not binary, or a wrong length for an array.
pub fn deserialize<'de, B: Binary, D: Deserializer<'de>>(deserializer: D) -> Result<B, D::Error> {
    B::read(deserializer)
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
}

/// What [`dynaseal::bytes`](self) can carry.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a byte field",
    note = "`dynaseal::bytes` takes `Vec<u8>`, `[u8; N]`, and either inside `Redacted`, `Hidden`, \
            `Unsigned` or `Option`"
)]
pub trait Binary: Sized + sealed::Sealed {
    #[doc(hidden)]
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    #[doc(hidden)]
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl sealed::Sealed for Vec<u8> {}
impl Binary for Vec<u8> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

impl<const N: usize> sealed::Sealed for [u8; N] {}
impl<const N: usize> Binary for [u8; N] {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Zeroizing::new(deserializer.deserialize_byte_buf(BytesVisitor)?);
        // The length is the model's business, not the text's: no number of it in the error.
        Self::try_from(bytes.as_slice()).map_err(|_| de::Error::custom("wrong number of bytes"))
    }
}

impl<B: Binary + Zeroize> sealed::Sealed for Redacted<B> {}
impl<B: Binary + Zeroize> Binary for Redacted<B> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.expose().write(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        B::read(deserializer).map(Self::new)
    }
}

impl<B: Binary> sealed::Sealed for Hidden<B> {}
impl<B: Binary> Binary for Hidden<B> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.expose().write(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        B::read(deserializer).map(Self::new)
    }
}

impl<B: Binary> sealed::Sealed for Unsigned<B> {}
impl<B: Binary> Binary for Unsigned<B> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.unauthenticated().write(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        B::read(deserializer).map(Self::new)
    }
}

impl<B: Binary> sealed::Sealed for Option<B> {}
impl<B: Binary> Binary for Option<B> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Inner<'a, B>(&'a B);
        impl<B: Binary> serde::Serialize for Inner<'_, B> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.write(serializer)
            }
        }
        match self {
            Some(value) => serializer.serialize_some(&Inner(value)),
            None => serializer.serialize_none(),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(OptionVisitor(PhantomData))
    }
}

struct OptionVisitor<B>(PhantomData<B>);

impl<'de, B: Binary> Visitor<'de> for OptionVisitor<B> {
    type Value = Option<B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes or nothing")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        B::read(deserializer).map(Some)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    // Formats without bytes, such as JSON, write a list of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Bytes {
        #[serde(with = "dynaseal::bytes")]
        plain: Vec<u8>,
        #[serde(with = "dynaseal::bytes")]
        array: Redacted<[u8; 2]>,
        #[serde(with = "dynaseal::bytes", default)]
        absent: Option<Hidden<Vec<u8>>>,
        #[serde(with = "dynaseal::bytes", default)]
        unsigned: Unsigned<Option<Vec<u8>>>,
    }

    fn sample() -> Bytes {
        Bytes {
            plain: vec![1, 2, 3],
            array: Redacted::new([4, 5]),
            absent: None,
            unsigned: Unsigned::new(Some(vec![6])),
        }
    }

    #[test]
    fn becomes_binary_and_comes_back() {
        let item: crate::Item = serde_dynamo::to_item(sample()).unwrap();
        assert_eq!(item["plain"], AttributeValue::B(Blob::new([1, 2, 3])));
        assert_eq!(item["array"], AttributeValue::B(Blob::new([4, 5])));
        assert_eq!(item["absent"], AttributeValue::Null(true));
        assert_eq!(item["unsigned"], AttributeValue::B(Blob::new([6])));
        let back: Bytes = serde_dynamo::from_item(item).unwrap();
        assert_eq!(back.plain, [1, 2, 3]);
        assert_eq!(back.array.expose(), &[4, 5]);
        assert!(back.absent.is_none());
        assert_eq!(back.unsigned.unauthenticated().as_deref(), Some(&[6][..]));
    }

    #[test]
    fn refuses_an_array_of_another_length() {
        let mut item: crate::Item = serde_dynamo::to_item(sample()).unwrap();
        item.insert("array".to_owned(), AttributeValue::B(Blob::new([4, 5, 6])));
        assert!(serde_dynamo::from_item::<_, Bytes>(item).is_err());
    }

    #[test]
    fn reads_a_list_of_numbers_from_json() {
        let json = serde_json::to_string(&sample()).unwrap();
        assert_eq!(
            serde_json::from_str::<Bytes>(&json).unwrap().plain,
            [1, 2, 3]
        );
    }
}
