//! Aliases, which belong to one region.

use serde_json::{Value, json};

use super::ACCOUNT_ID;
use super::error::KmsError;
use super::request::Call;
use super::state::Keys;

pub(super) fn create_alias(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let (name, target) = (alias_name(call)?, target(keys, call)?);
    let aliases = &mut keys.region_mut(call.region).aliases;
    if aliases.contains_key(name) {
        return Err(KmsError::already_exists(format!("{name} already exists")));
    }
    aliases.insert(name.to_owned(), target);
    Ok(json!({}))
}

pub(super) fn update_alias(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let (name, target) = (alias_name(call)?, target(keys, call)?);
    let aliases = &mut keys.region_mut(call.region).aliases;
    *aliases.get_mut(name).ok_or_else(|| not_found(name))? = target;
    Ok(json!({}))
}

pub(super) fn delete_alias(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let name = alias_name(call)?;
    let removed = keys.region_mut(call.region).aliases.remove(name);
    removed.ok_or_else(|| not_found(name))?;
    Ok(json!({}))
}

pub(super) fn list_aliases(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let of = call
        .text("KeyId")?
        .map(|named| keys.resolve(call.region, named))
        .transpose()?;
    let aliases = keys.region_mut(call.region).aliases.iter();
    let listed = aliases.filter(|(_, id)| of.as_ref().is_none_or(|of| of == *id));
    let show = |(name, id): (&String, &String)| {
        let arn = format!("arn:aws:kms:{}:{ACCOUNT_ID}:{name}", call.region);
        json!({"AliasName": name, "AliasArn": arn, "TargetKeyId": id})
    };
    Ok(json!({"Aliases": listed.map(show).collect::<Vec<_>>(), "Truncated": false}))
}

fn alias_name<'a>(call: &Call<'a>) -> Result<&'a str, KmsError> {
    let name = call.required_text("AliasName")?;
    let rest = name.strip_prefix("alias/").unwrap_or_default();
    if rest.is_empty() || rest.starts_with("aws/") {
        return Err(KmsError::validation(
            "AliasName must begin with `alias/`, and not `alias/aws/`",
        ));
    }
    Ok(name)
}

fn target(keys: &Keys, call: &Call<'_>) -> Result<String, KmsError> {
    keys.resolve(call.region, call.required_text("TargetKeyId")?)
}

fn not_found(name: &str) -> KmsError {
    KmsError::not_found(format!("{name} is not found"))
}
