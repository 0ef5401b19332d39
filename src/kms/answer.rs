//! One attempt at KMS, and the checks of its answer.
//!
//! Every request names its key by ARN, and no answer is used before it was seen to come from that
//! key. Plaintext is copied once, into a secret; the SDK's copy is wiped where it is ours alone.

use std::future::Future;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::{GrantTokens, KmsKeyArn};
use crate::error::{FaultClass, KeyringError, KeyringErrorKind};
use crate::region::fault::{KmsError, is_invalid_state, of_kms};

/// One key in one region, asked once in the name of one keyring.
pub(super) struct Question<'a> {
    pub(super) keyring: &'static str,
    pub(super) arn: &'a KmsKeyArn,
    /// Of the region in `arn`, sending once.
    pub(super) client: &'a Client,
    pub(super) grant_tokens: &'a GrantTokens,
}

/// An attempt that failed.
pub(super) struct Failed {
    pub(super) class: FaultClass,
    /// `DescribeKey` knows more.
    pub(super) is_invalid_state: bool,
    error: Error,
}

/// What becomes of the class, once it is known for certain.
enum Error {
    Sdk(crate::error::BoxError),
    /// A successful answer that could not be read holds a plaintext key, and the SDK's error would print
    /// it.
    Unreadable,
    Invalid(&'static str),
}

/// What KMS is asked for.
pub(super) trait Request: Sync {
    type Answer: Send;
    /// By its name in the API.
    const OPERATION: &'static str;

    /// Asks once.
    fn send(
        &self,
        question: Question<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Failed>> + Send;
}

impl Question<'_> {
    /// The failure for the caller's eyes.
    pub(super) fn report(&self, failed: Failed) -> KeyringError {
        let kind = match failed.class {
            // Only a multi-Region key has replicas that could be missing.
            FaultClass::ReplicaMissing if !self.arn.is_mrk() => KeyringErrorKind::Caller,
            class => class.into(),
        };
        let error = self.error(kind);
        match failed.error {
            Error::Sdk(source) => error.with_source(source),
            Error::Invalid(problem) => error.with_source(problem),
            Error::Unreadable => error,
        }
    }

    pub(super) fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        place(KeyringError::new(kind), self.keyring, self.arn)
    }
}

/// Says which keyring failed, and which key in which region.
pub(super) fn place(error: KeyringError, keyring: &str, arn: &KmsKeyArn) -> KeyringError {
    error
        .in_keyring(keyring)
        .with_key(arn.to_string())
        .in_region(arn.region())
}

impl Failed {
    pub(super) fn sdk<E: KmsError>(error: SdkError<E, HttpResponse>) -> Self {
        let class = of_kms(&error);
        let answer = error.raw_response();
        let is_success = answer.is_some_and(|answer| answer.status().is_success());
        Self {
            class,
            is_invalid_state: is_invalid_state(&error),
            error: if is_success {
                Error::Unreadable
            } else {
                Error::Sdk(error.into())
            },
        }
    }

    pub(super) fn invalid(problem: &'static str) -> Self {
        Self {
            class: FaultClass::InvalidResponse,
            is_invalid_state: false,
            error: Error::Invalid(problem),
        }
    }
}
