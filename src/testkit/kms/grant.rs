//! Grants are kept and listed. They permit nothing, since the double knows no principals.

use serde_json::{Value, json};

use super::error::KmsError;
use super::request::Call;
use super::state::{Keys, key_arn, random_hex};

pub(super) fn create_grant(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let id = keys.named_by(call)?;
    let (grant_id, token) = (random_hex::<32>()?, random_hex::<16>()?);
    let grant = json!({
        "KeyId": key_arn(call.region, &id),
        "GrantId": grant_id,
        "Name": call.value("Name"),
        "GranteePrincipal": call.required_text("GranteePrincipal")?,
        "RetiringPrincipal": call.value("RetiringPrincipal"),
        "Operations": call.value("Operations"),
        "Constraints": call.value("Constraints"),
    });
    call.stop_if_dry_run()?;
    keys.region_mut(call.region).grants.push(grant);
    Ok(json!({"GrantId": grant_id, "GrantToken": token}))
}

pub(super) fn list_grants(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let arn = key_arn(call.region, &keys.named_by(call)?);
    let grants = &keys.region_mut(call.region).grants;
    let of_key = |grant: &&Value| grant.get("KeyId").and_then(Value::as_str) == Some(&*arn);
    let listed: Vec<&Value> = grants.iter().filter(of_key).collect();
    Ok(json!({"Grants": listed, "Truncated": false}))
}

/// Revokes or retires: here the same.
pub(super) fn end_grant(keys: &mut Keys, call: &Call<'_>) -> Result<Value, KmsError> {
    let ended = call.required_text("GrantId")?;
    call.stop_if_dry_run()?;
    let grants = &mut keys.region_mut(call.region).grants;
    let before = grants.len();
    grants.retain(|grant| grant.get("GrantId").and_then(Value::as_str) != Some(ended));
    if grants.len() == before {
        return Err(KmsError::not_found("Grant ID not found"));
    }
    Ok(json!({}))
}
