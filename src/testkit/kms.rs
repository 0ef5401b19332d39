//! A double of AWS KMS: AWS JSON 1.1, real cryptography, multi-Region keys.
//!
//! It checks what a client of envelope encryption can get wrong: encryption contexts, key states, key
//! ARNs of the wrong region, key policies. It knows nothing of who calls (there are no principals) and of
//! time (a key that waits for deletion waits for ever), and it answers `UnsupportedOperationException`
//! to whatever it does not do. Errors carry the codes of AWS; their wording is the double's own.

mod alias;
mod asymmetric;
mod ciphertext;
mod condition;
mod dry_run;
mod error;
mod grant;
mod mac;
mod manage;
mod multi_region;
mod policy;
mod request;
mod rotation;
mod signature;
mod state;
mod symmetric;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_kms::types::KeyState;
use axum::body::Bytes;
use axum::extract::State as Extension;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::testkit::error::TestkitError;
use error::KmsError;
use request::Call;
use state::Keys;
pub(super) use state::key_arn;

/// The AWS account that owns every key of the KMS double.
pub const ACCOUNT_ID: &str = "123456789012";

/// KMS in all regions. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Kms(Arc<Mutex<Keys>>);

impl Kms {
    /// The HTTP service of one region.
    pub(super) fn router(&self, region: &str) -> axum::Router {
        let endpoint = Endpoint {
            kms: self.clone(),
            region: region.to_owned(),
        };
        axum::Router::new().fallback(serve).with_state(endpoint)
    }

    pub(super) fn create_multi_region_key(
        &self,
        primary: &str,
        replicas: &[String],
    ) -> Result<String, TestkitError> {
        let keys = &mut *self.lock();
        let failed = |error| TestkitError::because("could not create a multi-Region key", error);
        let id = manage::create_symmetric(keys, primary, true).map_err(failed)?;
        for region in replicas {
            multi_region::replicate(keys, &id, primary, region).map_err(failed)?;
        }
        Ok(id)
    }

    pub(super) fn set_key_state(
        &self,
        region: &str,
        key: &str,
        state: KeyState,
    ) -> Result<(), TestkitError> {
        let keys = &mut *self.lock();
        let failed = |error| TestkitError::because("could not set the state of a key", error);
        let id = keys.resolve(region, key).map_err(failed)?;
        keys.record_mut(region, &id)
            .map_err(failed)?
            .set_state(state);
        Ok(())
    }

    pub(super) fn remove_replica(&self, region: &str, key: &str) -> Result<(), TestkitError> {
        multi_region::remove(&mut self.lock(), region, key)
            .map_err(|error| TestkitError::because("could not remove the replica of a key", error))
    }

    pub(super) fn restore_replica(&self, region: &str, key: &str) -> Result<(), TestkitError> {
        multi_region::restore(&mut self.lock(), region, key)
            .map_err(|error| TestkitError::because("could not restore the replica of a key", error))
    }

    fn call(&self, region: &str, operation: &str, body: &[u8]) -> Result<Value, KmsError> {
        let body = serde_json::from_slice(body)
            .map_err(|_| KmsError::serialization("the body is not a JSON object"))?;
        let call = Call::new(region, operation, &body);
        let handler = handler_of(operation).ok_or_else(|| {
            KmsError::unsupported(format!("the double has no operation `{operation}`"))
        })?;
        handler(&mut self.lock(), &call)
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kms").finish_non_exhaustive()
    }
}

/// An operation: all that it may see is the keys and the call.
type Handler = fn(&mut Keys, &Call<'_>) -> Result<Value, KmsError>;

fn handler_of(operation: &str) -> Option<Handler> {
    Some(match operation {
        "CreateKey" => manage::create_key,
        "DescribeKey" => manage::describe_key,
        "ListKeys" => manage::list_keys,
        "EnableKey" => manage::enable_key,
        "DisableKey" => manage::disable_key,
        "ScheduleKeyDeletion" => manage::schedule_key_deletion,
        "CancelKeyDeletion" => manage::cancel_key_deletion,
        "UpdateKeyDescription" => manage::update_key_description,
        "ListResourceTags" => manage::list_resource_tags,

        "ReplicateKey" => multi_region::replicate_key,
        "UpdatePrimaryRegion" => multi_region::update_primary_region,

        "RotateKeyOnDemand" => rotation::rotate_key_on_demand,
        "ListKeyRotations" => rotation::list_key_rotations,

        "CreateAlias" => alias::create_alias,
        "UpdateAlias" => alias::update_alias,
        "DeleteAlias" => alias::delete_alias,
        "ListAliases" => alias::list_aliases,

        "PutKeyPolicy" => policy::put_key_policy,
        "GetKeyPolicy" => policy::get_key_policy,

        "CreateGrant" => grant::create_grant,
        "ListGrants" => grant::list_grants,
        "RevokeGrant" | "RetireGrant" => grant::end_grant,

        "GenerateDataKey" => symmetric::generate_data_key,
        "GenerateDataKeyWithoutPlaintext" => symmetric::generate_data_key_without_plaintext,
        "GenerateRandom" => symmetric::generate_random,
        "Encrypt" => symmetric::encrypt,
        "Decrypt" => symmetric::decrypt,
        "ReEncrypt" => symmetric::re_encrypt,

        "GetPublicKey" => asymmetric::get_public_key,
        "DeriveSharedSecret" => asymmetric::derive_shared_secret,

        "GenerateMac" => mac::generate_mac,
        "VerifyMac" => mac::verify_mac,

        "Sign" => signature::sign,
        "Verify" => signature::verify,
        _ => return None,
    })
}

#[derive(Clone)]
struct Endpoint {
    kms: Kms,
    region: String,
}

async fn serve(
    Extension(endpoint): Extension<Endpoint>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    let operation = target
        .and_then(|target| target.rsplit('.').next())
        .unwrap_or_default();
    let (status, answer) = match endpoint.kms.call(&endpoint.region, operation, &body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err(error) => (error.status(), error.body()),
    };
    let content_type = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
    (status, content_type, answer.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OPERATIONS: [&str; 37] = [
        "CreateKey",
        "DescribeKey",
        "ListKeys",
        "EnableKey",
        "DisableKey",
        "ScheduleKeyDeletion",
        "CancelKeyDeletion",
        "UpdateKeyDescription",
        "ListResourceTags",
        "ReplicateKey",
        "UpdatePrimaryRegion",
        "RotateKeyOnDemand",
        "ListKeyRotations",
        "CreateAlias",
        "UpdateAlias",
        "DeleteAlias",
        "ListAliases",
        "PutKeyPolicy",
        "GetKeyPolicy",
        "CreateGrant",
        "ListGrants",
        "RevokeGrant",
        "RetireGrant",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateRandom",
        "Encrypt",
        "Decrypt",
        "ReEncrypt",
        "GetPublicKey",
        "DeriveSharedSecret",
        "GenerateMac",
        "VerifyMac",
        "Sign",
        "Verify",
        "CreateCustomKeyStore",
        "",
    ];

    /// Every parameter there is, with one odd value.
    fn body(key: &str, odd: &Value) -> Value {
        let names = [
            "AliasName",
            "CiphertextBlob",
            "Description",
            "DestinationKeyId",
            "EncryptionContext",
            "GrantId",
            "GranteePrincipal",
            "KeySpec",
            "KeyUsage",
            "Mac",
            "MacAlgorithm",
            "Message",
            "NumberOfBytes",
            "Origin",
            "PendingWindowInDays",
            "Plaintext",
            "Policy",
            "PublicKey",
            "PrimaryRegion",
            "ReplicaRegion",
            "SourceEncryptionContext",
            "TargetKeyId",
        ];
        let mut body: serde_json::Map<_, _> = names
            .map(|name| (name.to_owned(), odd.clone()))
            .into_iter()
            .collect();
        body.insert("KeyId".to_owned(), json!(key));
        Value::Object(body)
    }

    #[test]
    fn answers_odd_parameters_of_every_operation_without_a_panic() {
        let kms = Kms::default();
        let key = kms
            .create_multi_region_key("us-east-1", &["eu-west-1".to_owned()])
            .unwrap();
        let odd = [
            json!(null),
            json!(""),
            json!("AQ=="),
            json!("not base64"),
            json!(-1),
            json!(u64::MAX),
            json!([]),
            json!({"a": 1}),
            json!(true),
        ];
        for operation in OPERATIONS {
            for odd in &odd {
                for named in [&*key, "", "alias/", "arn:aws:kms"] {
                    let body = body(named, odd).to_string();
                    let _ = kms.call("us-east-1", operation, body.as_bytes());
                    let _ = kms.call("nowhere", operation, body.as_bytes());
                }
            }
        }
    }

    #[test]
    fn answers_bodies_that_are_no_json_objects() {
        for body in [&b""[..], b"[]", b"null", b"{", b"\xff"] {
            for operation in OPERATIONS {
                let error = Kms::default()
                    .call("us-east-1", operation, body)
                    .unwrap_err();
                assert_eq!(error.status(), StatusCode::BAD_REQUEST);
            }
        }
    }
}
