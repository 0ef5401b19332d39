//! JSON as a tree, read without quoting any of it.
//!
//! serde's messages show the value that did not fit ("invalid type: string \"…\""), and whoever
//! deserializes an event keeps them. So nothing here can fail to fit but bytes, and what the tree
//! means is decided afterwards, by code that names attributes and never values.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Arrays and objects may nest this deep, whatever the deserializer allows: an item of 32 levels in
/// DynamoDB JSON, inside of an event, needs 70.
const MAX_DEPTH: u32 = 128;

/// A value of JSON.
#[cfg_attr(test, derive(Clone, Debug, PartialEq))]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// In decimal. The formats here use it for times alone.
    Number(String),
    Text(String),
    Array(Vec<Self>),
    /// As it was written: names may repeat.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// What an object says under a name, by value, and once.
    ///
    /// `None` where there is nothing or null: serializers along the way write one for the other.
    pub(super) fn take(&mut self, name: &str) -> Option<Self> {
        let Self::Object(entries) = self else {
            return None;
        };
        let at = entries.iter().position(|(found, _)| found == name)?;
        match entries.swap_remove(at).1 {
            Self::Null => None,
            value => Some(value),
        }
    }

    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number in decimal: as such, as text, or wrapped in an object, as in `{"N": "1"}`.
    pub(super) fn as_number(&self) -> Option<&str> {
        match self {
            Self::Number(text) | Self::Text(text) => Some(text),
            Self::Object(entries) => match entries.as_slice() {
                [(_, Self::Text(text))] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Nested { depth: 0 }.deserialize(deserializer)
    }
}

/// A value at a depth.
#[derive(Clone, Copy)]
struct Nested {
    depth: u32,
}

impl Nested {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("arrays and objects nest too deep"));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Numbers, whose width does not matter here.
macro_rules! numbers {
    ($($visit:ident($number:ty)),* $(,)?) => {$(
        fn $visit<E: Error>(self, number: $number) -> Result<Json, E> {
            Ok(Json::Number(number.to_string()))
        }
    )*};
}

impl<'de> Visitor<'de> for Nested {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    numbers! {
        visit_i64(i64), visit_i128(i128), visit_u64(u64), visit_u128(u128), visit_f64(f64),
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, bit: bool) -> Result<Json, E> {
        Ok(Json::Bool(bit))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let element = self.deeper()?;
        let mut elements = Vec::new();
        while let Some(value) = sequence.next_element_seed(element)? {
            elements.push(value);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let value = self.deeper()?;
        let mut entries = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            entries.push((name, map.next_value_seed(value)?));
        }
        Ok(Json::Object(entries))
    }
}

/// The name of an entry. `String`'s own visitor would quote what is none.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        match (Nested { depth: MAX_DEPTH }).deserialize(deserializer)? {
            Json::Text(name) => Ok(name),
            _ => Err(D::Error::custom("the name of an entry is not text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer as _;
    use serde::de::value::{BytesDeserializer, Error, MapDeserializer};
    use serde_json::{Value, json};

    use super::*;

    fn read(json: &Value) -> Json {
        serde_json::from_str(&json.to_string()).unwrap()
    }

    #[test]
    fn reads_everything_as_it_was_written() {
        let json = r#"{"a": [null, true, "text"], "b": {"b": 1, "b": -2}, "c": 0.25}"#;
        let number = |text: &str| Json::Number(text.to_owned());
        let entry = |name: &str, value| (name.to_owned(), value);
        let text = Json::Text("text".to_owned());
        let expected = Json::Object(vec![
            entry("a", Json::Array(vec![Json::Null, Json::Bool(true), text])),
            entry(
                "b",
                Json::Object(vec![entry("b", number("1")), entry("b", number("-2"))]),
            ),
            entry("c", number("0.25")),
        ]);
        assert_eq!(serde_json::from_str::<Json>(json).unwrap(), expected);
    }

    #[test]
    fn takes_what_is_there_once_and_null_for_nothing() {
        let mut json = read(&json!({"a": 1, "b": null}));
        assert_eq!(json.take("a"), Some(Json::Number("1".to_owned())));
        assert_eq!(json.take("a"), None);
        assert_eq!(json.take("b"), None);
        assert_eq!(Json::Text("a".to_owned()).take("a"), None);
    }

    #[test]
    fn finds_numbers_in_all_their_wrappings() {
        for json in [json!(12), json!("12"), json!({"N": "12"})] {
            assert_eq!(read(&json).as_number(), Some("12"), "{json}");
        }
        for json in [json!([12]), json!({"N": 12}), json!({}), json!(true)] {
            assert_eq!(read(&json).as_number(), None, "{json}");
        }
    }

    /// serde_json stops at 128 levels by itself; other deserializers do not.
    #[test]
    fn bounds_nesting_whatever_the_deserializer_does() {
        let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(Json::deserialize(nested(MAX_DEPTH)).is_ok());
        let error = Json::deserialize(nested(MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(error.to_string(), "arrays and objects nest too deep");
    }

    #[test]
    fn quotes_nothing_of_what_it_refuses() {
        let bytes = BytesDeserializer::<Error>::new(b"hunter2");
        let names = [("hunter2".as_bytes(), 1)];
        let names = MapDeserializer::<_, Error>::new(names.into_iter());
        let numbers = [(2_222_222_u32, 1)];
        let numbers = MapDeserializer::<_, Error>::new(numbers.into_iter());
        let errors = [
            Json::deserialize(bytes).unwrap_err(),
            Json::deserialize(names).unwrap_err(),
            Json::deserialize(numbers).unwrap_err(),
        ];
        for error in errors {
            let text = format!("{error} {error:?}");
            assert!(
                !text.contains("hunter2") && !text.contains("2222"),
                "{text}"
            );
        }
        let chars: Result<Json, Error> = Json::deserialize('x'.into_deserializer());
        assert_eq!(chars.unwrap(), Json::Text("x".to_owned()));
    }
}
