//! The error codes of AWS, with the double's wording.

use std::error::Error;
use std::fmt;

use axum::http::StatusCode;
use serde_json::{Value, json};

/// An error answer.
#[derive(Debug)]
pub(super) struct KmsError {
    code: &'static str,
    message: String,
}

/// One constructor for each code, named after it.
impl KmsError {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(super) fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new("UnsupportedOperationException", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new("NotFoundException", message)
    }

    pub(super) fn already_exists(message: impl Into<String>) -> Self {
        Self::new("AlreadyExistsException", message)
    }

    pub(super) fn access_denied(message: impl Into<String>) -> Self {
        Self::new("AccessDeniedException", message)
    }

    pub(super) fn disabled(arn: &str) -> Self {
        Self::new("DisabledException", format!("{arn} is disabled."))
    }

    pub(super) fn invalid_state(arn: &str, state: &str) -> Self {
        Self::new("KMSInvalidStateException", format!("{arn} is {state}."))
    }

    pub(super) fn invalid_key_usage(message: impl Into<String>) -> Self {
        Self::new("InvalidKeyUsageException", message)
    }

    pub(super) fn malformed_policy(message: impl Into<String>) -> Self {
        Self::new("MalformedPolicyDocumentException", message)
    }

    /// Without a message, as AWS: a ciphertext gives no reason.
    pub(super) fn invalid_ciphertext() -> Self {
        Self::new("InvalidCiphertextException", "")
    }

    pub(super) fn invalid_mac() -> Self {
        Self::new("KMSInvalidMacException", "")
    }

    pub(super) fn invalid_signature() -> Self {
        Self::new("KMSInvalidSignatureException", "")
    }

    pub(super) fn incorrect_key() -> Self {
        Self::new(
            "IncorrectKeyException",
            "The key did not make this ciphertext.",
        )
    }

    pub(super) fn dry_run() -> Self {
        Self::new(
            "DryRunOperationException",
            "The request would have succeeded.",
        )
    }

    pub(super) fn internal() -> Self {
        Self::new("KMSInternalException", "the double failed")
    }

    pub(super) fn status(&self) -> StatusCode {
        match self.code {
            "KMSInternalException" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn body(&self) -> Value {
        if self.message.is_empty() {
            return json!({"__type": self.code});
        }
        json!({"__type": self.code, "message": self.message})
    }
}

impl fmt::Display for KmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl Error for KmsError {}
