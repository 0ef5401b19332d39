//! Key policies: actions and conditions on the encryption context.
//!
//! A policy rules over cryptographic operations only, so a test cannot lock itself out. Principals and
//! resources are not looked at: whatever a statement says, it says of the one caller there is. A condition
//! that the double cannot evaluate is refused when the policy is put, not ignored.

use serde_json::{Map, Value, json};

use super::ACCOUNT_ID;
use super::error::KmsError;
use super::request::{Call, EncryptionContext};
use super::state::Keys;

pub(super) fn put_key_policy(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    keys.record_mut(call.region, &id)?.policy = Policy::parse(call.required_text("Policy")?)?;
    Ok(json!({}))
}

pub(super) fn get_key_policy(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    let document = keys.record(call.region, &id)?.policy.document();
    Ok(json!({"Policy": document, "PolicyName": "default"}))
}

/// A parsed key policy.
#[derive(Clone)]
pub(super) struct Policy {
    document: String,
    statements: Vec<Statement>,
}

impl Policy {
    pub(super) fn parse(document: &str) -> Result<Self, KmsError> {
        let parsed: Value = serde_json::from_str(document)
            .map_err(|_| KmsError::malformed_policy("the policy is not JSON"))?;
        let statements = match parsed.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().map(Statement::parse).collect(),
            Some(statement) => Statement::parse(statement).map(|only| vec![only]),
            None => Err(KmsError::malformed_policy("the policy has no statement")),
        };
        Ok(Self {
            document: document.to_owned(),
            statements: statements?,
        })
    }

    pub(super) fn document(&self) -> &str {
        &self.document
    }

    /// A statement that denies wins; without one that allows, nothing is allowed.
    pub(super) fn permit(
        &self,
        action: &str,
        context: &EncryptionContext,
        arn: &str,
    ) -> Result<(), KmsError> {
        let applies = |statement: &&Statement| statement.applies(action, context);
        let mut applying = self.statements.iter().filter(applies).peekable();
        let allowed = applying.peek().is_some();
        if allowed && applying.all(|statement| statement.effect == Effect::Allow) {
            return Ok(());
        }
        let why = if allowed {
            "an explicit deny in"
        } else {
            "no statement that allows it in"
        };
        Err(KmsError::access_denied(format!(
            "not authorized to perform kms:{action} on {arn}: {why} the key policy"
        )))
    }
}

/// The policy that KMS gives a key: the account may do everything.
impl Default for Policy {
    fn default() -> Self {
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT_ID}:root")},
                "Action": "kms:*",
                "Resource": "*",
            }],
        });
        let everything = Statement {
            effect: Effect::Allow,
            actions: vec!["kms:*".to_owned()],
            conditions: Vec::new(),
        };
        Self {
            document: document.to_string(),
            statements: vec![everything],
        }
    }
}

#[derive(Clone)]
struct Statement {
    effect: Effect,
    actions: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Copy, PartialEq)]
enum Effect {
    Allow,
    Deny,
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self, KmsError> {
        let effect = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(KmsError::malformed_policy("a statement has no effect")),
        };
        let actions = strings(statement.get("Action"))?;
        let conditions = match statement.get("Condition") {
            Some(Value::Object(conditions)) => Condition::parse_all(conditions)?,
            Some(_) => return Err(KmsError::malformed_policy("a condition is not an object")),
            None => Vec::new(),
        };
        Ok(Self {
            effect,
            actions,
            conditions,
        })
    }

    fn applies(&self, action: &str, context: &EncryptionContext) -> bool {
        let action = format!("kms:{action}").to_ascii_lowercase();
        let names = |pattern: &String| matches(&pattern.to_ascii_lowercase(), &action);
        self.actions.iter().any(names)
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(context))
    }
}

/// A condition on one key of the encryption context.
#[derive(Clone)]
struct Condition {
    operator: Operator,
    context_key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy)]
enum Operator {
    StringEquals,
    StringNotEquals,
    StringLike,
    StringNotLike,
    Null,
}

impl Condition {
    fn parse_all(conditions: &Map<String, Value>) -> Result<Vec<Self>, KmsError> {
        let mut parsed = Vec::new();
        for (operator, keys) in conditions {
            let operator = Operator::parse(operator)?;
            let keys = keys
                .as_object()
                .ok_or_else(|| KmsError::malformed_policy("a condition names no key"))?;
            for (key, values) in keys {
                let context_key = key.strip_prefix("kms:EncryptionContext:").ok_or_else(|| {
                    KmsError::unsupported(format!("the double has no condition key `{key}`"))
                })?;
                parsed.push(Self {
                    operator,
                    context_key: context_key.to_owned(),
                    values: strings(Some(values))?,
                });
            }
        }
        Ok(parsed)
    }

    fn holds(&self, context: &EncryptionContext) -> bool {
        let value = context.get(&self.context_key);
        let equal = || value.is_some_and(|value| self.values.contains(value));
        let like = || value.is_some_and(|v| self.values.iter().any(|pattern| matches(pattern, v)));
        match self.operator {
            Operator::StringEquals => equal(),
            Operator::StringNotEquals => !equal(),
            Operator::StringLike => like(),
            Operator::StringNotLike => !like(),
            Operator::Null => self
                .values
                .iter()
                .any(|null| (null == "true") == value.is_none()),
        }
    }
}

impl Operator {
    fn parse(name: &str) -> Result<Self, KmsError> {
        match name {
            "StringEquals" => Ok(Self::StringEquals),
            "StringNotEquals" => Ok(Self::StringNotEquals),
            "StringLike" => Ok(Self::StringLike),
            "StringNotLike" => Ok(Self::StringNotLike),
            "Null" => Ok(Self::Null),
            _ => Err(KmsError::unsupported(format!(
                "the double has no operator `{name}`"
            ))),
        }
    }
}

/// A string, or a list of them.
fn strings(value: Option<&Value>) -> Result<Vec<String>, KmsError> {
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
fn matches(pattern: &str, text: &str) -> bool {
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
