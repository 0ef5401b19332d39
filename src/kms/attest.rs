//! A KMS key's word for a message: a MAC or a signature.

use aws_sdk_kms::operation::generate_mac::GenerateMacError;
use aws_sdk_kms::operation::sign::SignError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MacAlgorithmSpec, MessageType, SigningAlgorithmSpec};

use super::answer::{Failed, Question, Request};
use super::operations::{check_key_id, ciphertext};
use super::{Allowance, KmsKeyArn, KmsRequests, Replicas};
use crate::error::{FaultClass, KeyringError};
use crate::region::fault::KmsError;

/// How a key vouches for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attestation {
    Mac(MacAlgorithmSpec),
    Signature(SigningAlgorithmSpec),
}

impl Attestation {
    /// By KMS's name.
    pub(crate) fn algorithm(&self) -> &str {
        match self {
            Self::Mac(algorithm) => algorithm.as_str(),
            Self::Signature(algorithm) => algorithm.as_str(),
        }
    }
}

impl KmsRequests {
    /// The word of this key, and no replica of it, for a message of up to 4096 bytes.
    pub(crate) async fn attest(
        &self,
        key: &KmsKeyArn,
        attestation: &Attestation,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        let (replicas, allowance) = (Replicas::only(key), Allowance::new(None));
        let asking = self.ask(&replicas, &allowance);
        let (word, _) = match attestation {
            Attestation::Mac(algorithm) => {
                let request = GenerateMac { algorithm, message };
                asking.until_answered(&request).await?
            }
            Attestation::Signature(algorithm) => {
                let request = Sign { algorithm, message };
                asking.until_answered(&request).await?
            }
        };
        Ok(word)
    }
}

struct GenerateMac<'a> {
    algorithm: &'a MacAlgorithmSpec,
    message: &'a [u8],
}

impl Request for GenerateMac<'_> {
    type Answer = Vec<u8>;
    const OPERATION: &'static str = "GenerateMac";

    async fn send(&self, question: Question<'_>) -> Result<Vec<u8>, Failed> {
        let arn = question.arn.to_string();
        let call = question.client.generate_mac().key_id(&arn);
        let call = call.mac_algorithm(self.algorithm.clone());
        let call = call.message(Blob::new(self.message));
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;
        check_key_id(answer.key_id.as_deref(), &arn)?;
        ciphertext(answer.mac)
    }
}

struct Sign<'a> {
    algorithm: &'a SigningAlgorithmSpec,
    message: &'a [u8],
}

impl Request for Sign<'_> {
    type Answer = Vec<u8>;
    const OPERATION: &'static str = "Sign";

    async fn send(&self, question: Question<'_>) -> Result<Vec<u8>, Failed> {
        let arn = question.arn.to_string();
        let call = question.client.sign().key_id(&arn);
        let call = call.signing_algorithm(self.algorithm.clone());
        let call = call
            .message_type(MessageType::Raw)
            .message(Blob::new(self.message));
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;
        check_key_id(answer.key_id.as_deref(), &arn)?;
        ciphertext(answer.signature)
    }
}

/// Told apart by their codes alone.
impl KmsError for GenerateMacError {
    fn modelled(&self) -> Option<FaultClass> {
        None
    }
}

impl KmsError for SignError {
    fn modelled(&self) -> Option<FaultClass> {
        None
    }
}
