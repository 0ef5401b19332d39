//! Item to model, with the name of the attribute at hand.

use std::cell::RefCell;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, MapAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::{MismatchCause, ModelMismatch, cause_of};
use crate::item::{Item, ModelSchema, Part};

/// Turns an item into a model.
pub(crate) fn read<T: DeserializeOwned>(
    item: Item,
    schema: &ModelSchema,
) -> Result<T, ModelMismatch> {
    let flattened = flattened(schema);
    if flattened.is_empty() {
        return attempt(item.into_iter());
    }
    // serde buffers flattened attributes and forgets whose they are; the item is kept to find out.
    attempt(pairs(&item, None)).map_err(|mut error| {
        // A field that is missing inside a flattened attribute reports its own name.
        let top_level = |name: &String| schema.attribute(name).is_some();
        if error.attribute.take_if(|name| !top_level(name)).is_some() {
            error.cause = MismatchCause::WrongFields;
        }
        name_culprit::<T>(&item, &flattened, error)
    })
}

fn attempt<T: DeserializeOwned>(
    attributes: impl Iterator<Item = (String, AttributeValue)>,
) -> Result<T, ModelMismatch> {
    let current = RefCell::new(None);
    let source = Attributes {
        attributes,
        value: None,
        current: &current,
    };
    T::deserialize(source).map_err(|ReadError { attribute, cause }| ModelMismatch {
        attribute: attribute.or_else(|| current.take()),
        cause,
    })
}

/// Finds the flattened attribute without which the model complains of something else.
fn name_culprit<T: DeserializeOwned>(
    item: &Item,
    flattened: &[&'static str],
    error: ModelMismatch,
) -> ModelMismatch {
    if error.attribute.is_some() {
        return error;
    }
    let without = |name| attempt::<T>(pairs(item, Some(name))).err();
    let complains = attempt::<T>(pairs(item, None)).err();
    let culprit = flattened
        .iter()
        .filter(|name| item.contains_key(**name))
        .find(|name| without(name) != complains);
    match culprit {
        Some(name) => ModelMismatch::named(*name, error.cause),
        None => error,
    }
}

fn pairs(item: &Item, except: Option<&str>) -> impl Iterator<Item = (String, AttributeValue)> {
    item.iter()
        .filter(move |(name, _)| Some(name.as_str()) != except)
        .map(|(name, value)| (name.clone(), value.clone()))
}

fn flattened(schema: &ModelSchema) -> Vec<&'static str> {
    let names = schema.parts().iter().filter_map(|part| match part {
        Part::Flatten(schema) => Some(schema.attributes().map(|attribute| attribute.name())),
        Part::Attribute(_) | Part::Others(_) => None,
    });
    names.flatten().collect()
}

/// serde's error, without its message.
#[derive(Debug)]
struct ReadError {
    attribute: Option<String>,
    cause: MismatchCause,
}

impl ReadError {
    fn unnamed(cause: MismatchCause) -> Self {
        Self {
            attribute: None,
            cause,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause.text())
    }
}

impl std::error::Error for ReadError {}

impl Error for ReadError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::unnamed(MismatchCause::Refused)
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::unnamed(MismatchCause::WrongType)
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::unnamed(MismatchCause::InvalidValue)
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self::unnamed(MismatchCause::InvalidValue)
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::unnamed(MismatchCause::InvalidValue)
    }

    // The name is not taken: inside a flattened value it may be a key of a map, which is a value.
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::unnamed(MismatchCause::Unknown)
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            attribute: Some(field.to_owned()),
            cause: MismatchCause::Missing,
        }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self {
            attribute: Some(field.to_owned()),
            cause: MismatchCause::Duplicate,
        }
    }
}

/// The item as serde sees it. `current` outlives the deserialisation and names the attribute that
/// was being read when it ended.
struct Attributes<'a, I> {
    attributes: I,
    value: Option<AttributeValue>,
    current: &'a RefCell<Option<String>>,
}

impl<'de, I: Iterator<Item = (String, AttributeValue)>> Deserializer<'de> for Attributes<'_, I> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_map(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, I: Iterator<Item = (String, AttributeValue)>> MapAccess<'de> for Attributes<'_, I> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some((name, value)) = self.attributes.next() else {
            self.current.replace(None);
            return Ok(None);
        };
        self.value = Some(value);
        self.current.replace(Some(name.clone()));
        seed.deserialize(StringDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let value = self.value.take().filter(is_known);
        let value = value.ok_or_else(|| ReadError::unnamed(MismatchCause::WrongType))?;
        let source = serde_dynamo::Deserializer::from_attribute_value(value.into());
        let value = seed
            .deserialize(source)
            .map_err(|error| ReadError::unnamed(cause_of(&error)))?;
        // What fails between two attributes is the fault of neither.
        self.current.replace(None);
        Ok(value)
    }
}

/// Whether serde_dynamo can take the value; a type that the SDK does not know makes it panic.
fn is_known(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::L(list) => list.iter().all(is_known),
        AttributeValue::M(map) => map.values().all(is_known),
        AttributeValue::S(_)
        | AttributeValue::N(_)
        | AttributeValue::B(_)
        | AttributeValue::Bool(_)
        | AttributeValue::Null(_)
        | AttributeValue::Ss(_)
        | AttributeValue::Ns(_)
        | AttributeValue::Bs(_) => true,
        _ => false,
    }
}
