//! Conditions of policies: what of a request they look at, and how they compare it.

use serde_json::{Map, Value};

use super::error::KmsError;
use super::policy::Asked;

/// One condition. All of a statement must hold.
#[derive(Clone)]
pub(super) struct Condition {
    quantifier: Option<Quantifier>,
    test: Test,
    key: ConditionKey,
    values: Vec<String>,
}

/// How many values of a key must pass, where a key has several.
#[derive(Clone, Copy)]
enum Quantifier {
    /// All, and so also none at all.
    ForAllValues,
    ForAnyValue,
}

#[derive(Clone, Copy)]
enum Test {
    StringEquals,
    StringNotEquals,
    StringLike,
    StringNotLike,
    Bool,
    Null,
}

/// What is looked at.
#[derive(Clone)]
enum ConditionKey {
    /// The value under one key of the encryption context. As in AWS, the case of that key does not
    /// matter, so this is lower case.
    EncryptionContext(String),
    /// The keys of the encryption context, as they are.
    EncryptionContextKeys,
    MultiRegion,
}

impl Condition {
    pub(super) fn parse_all(conditions: &Map<String, Value>) -> Result<Vec<Self>, KmsError> {
        let mut parsed = Vec::new();
        for (operator, keys) in conditions {
            let (quantifier, test) = parse_operator(operator)?;
            let keys = keys
                .as_object()
                .ok_or_else(|| KmsError::malformed_policy("a condition names no key"))?;
            for (name, values) in keys {
                let key = ConditionKey::parse(name)?;
                if key.has_many_values() && quantifier.is_none() && !matches!(test, Test::Null) {
                    return Err(KmsError::malformed_policy(format!(
                        "`{name}` has many values: `{operator}` needs `ForAllValues:` or `ForAnyValue:`"
                    )));
                }
                parsed.push(Self {
                    quantifier,
                    test,
                    key,
                    values: strings(Some(values))?,
                });
            }
        }
        Ok(parsed)
    }

    pub(super) fn holds(&self, asked: &Asked<'_>) -> bool {
        let found = self.key.values_in(asked);
        if let Test::Null = self.test {
            let is_null = found.is_empty().to_string();
            return self.values.contains(&is_null);
        }
        match self.quantifier {
            Some(Quantifier::ForAllValues) => found.iter().all(|value| self.passes(value)),
            Some(Quantifier::ForAnyValue) => found.iter().any(|value| self.passes(value)),
            // What is not there is not equal to anything.
            None if self.test.is_negated() => found.iter().all(|value| self.passes(value)),
            None => found.iter().any(|value| self.passes(value)),
        }
    }

    fn passes(&self, value: &str) -> bool {
        let mut values = self.values.iter();
        match self.test {
            Test::StringEquals => values.any(|wanted| wanted == value),
            Test::StringNotEquals => values.all(|wanted| wanted != value),
            Test::StringLike => values.any(|pattern| matches(pattern, value)),
            Test::StringNotLike => values.all(|pattern| !matches(pattern, value)),
            Test::Bool => values.any(|wanted| wanted.eq_ignore_ascii_case(value)),
            Test::Null => false,
        }
    }
}

fn parse_operator(name: &str) -> Result<(Option<Quantifier>, Test), KmsError> {
    let (quantifier, test) = match name.split_once(':') {
        Some(("ForAllValues", test)) => (Some(Quantifier::ForAllValues), test),
        Some(("ForAnyValue", test)) => (Some(Quantifier::ForAnyValue), test),
        _ => (None, name),
    };
    let test = match test {
        "StringEquals" => Test::StringEquals,
        "StringNotEquals" => Test::StringNotEquals,
        "StringLike" => Test::StringLike,
        "StringNotLike" => Test::StringNotLike,
        "Bool" => Test::Bool,
        "Null" if quantifier.is_none() => Test::Null,
        _ => {
            return Err(KmsError::unsupported(format!(
                "the double has no operator `{name}`"
            )));
        }
    };
    Ok((quantifier, test))
}

impl Test {
    fn is_negated(self) -> bool {
        matches!(self, Self::StringNotEquals | Self::StringNotLike)
    }
}

impl ConditionKey {
    fn parse(name: &str) -> Result<Self, KmsError> {
        if let Some(context_key) = name.strip_prefix("kms:EncryptionContext:") {
            return Ok(Self::EncryptionContext(context_key.to_lowercase()));
        }
        match name {
            "kms:EncryptionContextKeys" => Ok(Self::EncryptionContextKeys),
            "kms:MultiRegion" => Ok(Self::MultiRegion),
            _ => Err(KmsError::unsupported(format!(
                "the double has no condition key `{name}`"
            ))),
        }
    }

    fn has_many_values(&self) -> bool {
        matches!(self, Self::EncryptionContextKeys)
    }

    fn values_in<'a>(&self, asked: &'a Asked<'_>) -> Vec<&'a str> {
        match self {
            Self::EncryptionContext(wanted) => {
                let entries = asked.context.iter();
                let found = entries.filter(|(key, _)| key.to_lowercase() == *wanted);
                found.map(|(_, value)| value.as_str()).collect()
            }
            Self::EncryptionContextKeys => asked.context.keys().map(String::as_str).collect(),
            Self::MultiRegion if asked.multi_region => vec!["true"],
            Self::MultiRegion => vec!["false"],
        }
    }
}

/// A string, or a list of them.
pub(super) fn strings(value: Option<&Value>) -> Result<Vec<String>, KmsError> {
    let string = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(KmsError::malformed_policy(
            "a statement has a value that is not a string",
        )),
    };
    match value {
        Some(Value::Array(values)) => values.iter().map(string).collect(),
        Some(value) => Ok(vec![string(value)?]),
        None => Err(KmsError::malformed_policy("a statement has no action")),
    }
}

/// Matches `*` (anything) and `?` (one character).
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return text.is_empty();
    };
    let rest = pattern.split_at(first.len_utf8()).1;
    if first == '*' {
        let tails = text
            .char_indices()
            .map(|(at, _)| text.split_at(at).1)
            .chain([""]);
        return tails.into_iter().any(|tail| matches(rest, tail));
    }
    let Some(next) = text.chars().next() else {
        return false;
    };
    (first == '?' || first == next) && matches(rest, text.split_at(next.len_utf8()).1)
}
