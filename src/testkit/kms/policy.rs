//! Key policies: actions, keys, and conditions on the request.
//!
//! A policy rules over cryptographic operations only, so a test cannot lock itself out. Principals are
//! not looked at: whatever a statement says, it says of the one caller there is. Resources are, so that
//! the policy of an IAM role can be put as well: a statement that names other keys does not apply. A
//! condition that the double cannot evaluate is refused when the policy is put, not ignored.

use serde_json::{Value, json};

use super::ACCOUNT_ID;
use super::condition::{Condition, matches, strings};
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
    pub(super) fn permit(&self, asked: &Asked<'_>) -> Result<(), KmsError> {
        let applies = |statement: &&Statement| statement.applies(asked);
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
        let Asked { action, arn, .. } = asked;
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
            resources: vec!["*".to_owned()],
            conditions: Vec::new(),
        };
        Self {
            document: document.to_string(),
            statements: vec![everything],
        }
    }
}

/// A cryptographic operation that somebody asks for.
pub(super) struct Asked<'a> {
    pub(super) action: &'a str,
    pub(super) arn: &'a str,
    pub(super) context: &'a EncryptionContext,
    pub(super) multi_region: bool,
}

#[derive(Clone)]
struct Statement {
    effect: Effect,
    actions: Vec<String>,
    /// Patterns of key ARNs.
    resources: Vec<String>,
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
        if statement.get("NotResource").is_some() {
            return Err(KmsError::unsupported("the double has no `NotResource`"));
        }
        let actions = strings(statement.get("Action"))?;
        let resources = statement.get("Resource");
        let resources = resources.map_or_else(|| Ok(vec!["*".to_owned()]), |r| strings(Some(r)))?;
        let conditions = match statement.get("Condition") {
            Some(Value::Object(conditions)) => Condition::parse_all(conditions)?,
            Some(_) => return Err(KmsError::malformed_policy("a condition is not an object")),
            None => Vec::new(),
        };
        Ok(Self {
            effect,
            actions,
            resources,
            conditions,
        })
    }

    fn applies(&self, asked: &Asked<'_>) -> bool {
        let action = format!("kms:{}", asked.action).to_ascii_lowercase();
        let names = |pattern: &String| matches(&pattern.to_ascii_lowercase(), &action);
        let covers = |pattern: &String| matches(pattern, asked.arn);
        let mut conditions = self.conditions.iter();
        self.actions.iter().any(names)
            && self.resources.iter().any(covers)
            && conditions.all(|condition| condition.holds(asked))
    }
}
