//! One call, with its parameters checked as they are read.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::error::KmsError;

/// An encryption context, in order of its keys.
pub(super) type EncryptionContext = BTreeMap<String, String>;

/// An operation, the region it was called in, and its parameters.
pub(super) struct Call<'a> {
    pub(super) region: &'a str,
    pub(super) operation: &'a str,
    body: &'a Map<String, Value>,
}

impl<'a> Call<'a> {
    pub(super) fn new(region: &'a str, operation: &'a str, body: &'a Map<String, Value>) -> Self {
        Self {
            region,
            operation,
            body,
        }
    }

    /// A parameter that is present and not null.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, KmsError> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| wrong_type(name));
        self.value(name).map(text).transpose()
    }

    pub(super) fn required_text(&self, name: &str) -> Result<&'a str, KmsError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A list of texts; empty if it is not there.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, KmsError> {
        let Some(value) = self.value(name) else {
            return Ok(Vec::new());
        };
        let values = value.as_array().ok_or_else(|| wrong_type(name))?;
        let texts = values.iter().map(Value::as_str);
        let texts: Option<Vec<_>> = texts.collect();
        texts.ok_or_else(|| wrong_type(name))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, KmsError> {
        let number = |value: &Value| value.as_u64().ok_or_else(|| wrong_type(name));
        self.value(name).map(number).transpose()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn blob(&self, name: &str) -> Result<Vec<u8>, KmsError> {
        STANDARD
            .decode(self.required_text(name)?)
            .map_err(|_| wrong_type(name))
    }

    pub(super) fn context(&self, name: &str) -> Result<EncryptionContext, KmsError> {
        let Some(value) = self.value(name) else {
            return Ok(EncryptionContext::new());
        };
        let entries = value.as_object().ok_or_else(|| wrong_type(name))?;
        let entry = |(key, value): (&String, &Value)| {
            let value = value.as_str().ok_or_else(|| wrong_type(name))?;
            Ok((key.clone(), value.to_owned()))
        };
        entries.iter().map(entry).collect()
    }

    /// Gives up where everything was checked and nothing has happened yet, if `DryRun` is set.
    pub(super) fn stop_if_dry_run(&self) -> Result<(), KmsError> {
        if self.flag("DryRun") {
            Err(KmsError::dry_run())
        } else {
            Ok(())
        }
    }
}

fn missing(name: &str) -> KmsError {
    KmsError::validation(format!("{name} must not be null"))
}

fn wrong_type(name: &str) -> KmsError {
    KmsError::serialization(format!("{name} has the wrong type"))
}

/// The form in which JSON carries bytes.
pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}
