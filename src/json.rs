//! JSON out of texts, numbers, lists and objects: all that policies and receipts have, and nothing that needs a
//! crate.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

/// A JSON value. Its `Display` is indented text, and serde writes the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Text(String),
    Number(u64),
    List(Vec<Self>),
    /// In this order.
    Object(Vec<(String, Self)>),
}

impl Json {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub(crate) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        match self {
            Self::Text(text) => write_text(f, text),
            Self::Number(number) => write!(f, "{number}"),
            Self::List(values) => {
                let value = |f: &mut fmt::Formatter<'_>, value: &Self| value.write(f, depth + 1);
                write_all(f, depth, ['[', ']'], values, value)
            }
            Self::Object(members) => {
                write_all(f, depth, ['{', '}'], members, |f, (name, value)| {
                    write_text(f, name)?;
                    f.write_str(": ")?;
                    value.write(f, depth + 1)
                })
            }
        }
    }
}

fn write_all<T>(
    f: &mut fmt::Formatter<'_>,
    depth: usize,
    [open, close]: [char; 2],
    parts: &[T],
    mut part: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (at, each) in parts.iter().enumerate() {
        f.write_str(if at == 0 { "\n" } else { ",\n" })?;
        write!(f, "{:1$}", "", (depth + 1) * INDENT)?;
        part(f, each)?;
    }
    if !parts.is_empty() {
        write!(f, "\n{:1$}", "", depth * INDENT)?;
    }
    f.write_char(close)
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::List(values) => serializer.collect_seq(values),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

const INDENT: usize = 2;

/// Text that IAM reads as it stands: `${…}` is a variable there.
pub(crate) fn iam_literal(text: &str) -> String {
    text.replace("${", "${$}{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_a_parser_and_serde_take_for_the_same() {
        let odd =
            "quote \" backslash \\ line\nbreak tab\t nul\0 delete\u{7f} next\u{85} é \u{1f980} /";
        let value = Json::object([
            ("text", Json::text(odd)),
            (odd, Json::texts(["a", odd])),
            ("empty", Json::object([])),
            ("none", Json::texts([""; 0])),
            ("many", Json::Number(u64::MAX)),
            ("deep", Json::object([("er", Json::texts(["x"]))])),
        ]);
        let parsed: serde_json::Value = serde_json::from_str(&value.to_string()).unwrap();
        assert_eq!(parsed, serde_json::to_value(&value).unwrap());
        assert_eq!(parsed["text"], odd);
        assert_eq!(parsed[odd][1], odd);
    }

    #[test]
    fn writes_names_that_iam_would_read_as_variables_literally() {
        assert_eq!(iam_literal("a$b{c}"), "a$b{c}");
        assert_eq!(iam_literal("${aws:userid}"), "${$}{aws:userid}");
    }

    #[test]
    fn indents_by_depth() {
        let value = Json::object([("a", Json::texts(["b", "c"])), ("d", Json::object([]))]);
        let expected = "{\n  \"a\": [\n    \"b\",\n    \"c\"\n  ],\n  \"d\": {}\n}";
        assert_eq!(value.to_string(), expected);
    }
}
