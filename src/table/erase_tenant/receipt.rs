//! What was erased and what was not, signed by a KMS key.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kms::types::{MacAlgorithmSpec, SigningAlgorithmSpec};

use super::{SampledItems, SignReceiptError};
use crate::crypto::hash::sha384;
use crate::error::{ConfigError, KeyringError};
use crate::json::Json;
use crate::key_store::ErasedBranchKey;
use crate::kms::{Attestation, KmsKeyArn, KmsRequests};
use crate::region::RegionSet;
use crate::table::core::Core;

/// The KMS key that signs receipts, in a region of the table's set.
#[derive(Clone, Debug)]
pub struct ReceiptKey {
    key_arn: String,
    attestation: Attestation,
}

impl ReceiptKey {
    /// An HMAC key: whoever may `kms:VerifyMac` with it can check receipts.
    pub fn mac(key_arn: impl Into<String>, algorithm: MacAlgorithmSpec) -> Self {
        Self {
            key_arn: key_arn.into(),
            attestation: Attestation::Mac(algorithm),
        }
    }

    /// An asymmetric key for signatures: whoever has its public key can check receipts.
    pub fn signature(key_arn: impl Into<String>, algorithm: SigningAlgorithmSpec) -> Self {
        Self {
            key_arn: key_arn.into(),
            attestation: Attestation::Signature(algorithm),
        }
    }

    pub(super) fn signer(&self, regions: &RegionSet) -> Result<Signer, ConfigError> {
        Ok(Signer {
            requests: KmsRequests::new("erasure-receipt", regions),
            key: KmsKeyArn::in_set(&self.key_arn, regions)?,
            attestation: self.attestation.clone(),
        })
    }
}

/// A key that was found usable before anything is erased.
pub(super) struct Signer {
    requests: KmsRequests,
    key: KmsKeyArn,
    attestation: Attestation,
}

/// What was erased, when and how, and what stays readable.
///
/// [`document`](Self::document) names the tenant, as whoever asks for a receipt needs it to; `Debug` does not.
#[derive(Clone)]
pub struct ErasureReceipt {
    erased: ErasedBranchKey,
    sample: SampledItems,
    document: String,
    signature: Option<ReceiptSignature>,
}

/// A KMS key's word for a receipt.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptSignature {
    key_arn: String,
    algorithm: String,
    bytes: Vec<u8>,
}

impl ReceiptSignature {
    /// The key.
    #[must_use]
    pub fn key_arn(&self) -> &str {
        &self.key_arn
    }

    /// The algorithm, by KMS's name, such as `HMAC_SHA_256`.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The MAC or signature. Its message is the SHA-384 of [`ErasureReceipt::document`]: 48 bytes, given to
    /// KMS as a raw message.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for ReceiptSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptSignature")
            .field("key_arn", &self.key_arn)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ErasureReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErasureReceipt")
            .field("erased", &self.erased)
            .field("sample", &self.sample)
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

impl ErasureReceipt {
    pub(super) fn new(
        core: &Core,
        tenant: &str,
        erased: ErasedBranchKey,
        sample: SampledItems,
    ) -> Self {
        Self {
            document: document(core, tenant, &erased, &sample).to_string(),
            erased,
            sample,
            signature: None,
        }
    }

    /// Has a KMS key sign it, in a region of `regions`: a receipt that came with
    /// [`EraseTenantError::Unsigned`](super::EraseTenantError::Unsigned), or one that is to be signed by another
    /// key. A signature that it has is replaced.
    ///
    /// ```no_run
    /// # async fn f<T: dynaseal::item::Model>(
    /// #     table: dynaseal::SealedTable<T>, key: dynaseal::table::ReceiptKey, regions: dynaseal::RegionSet,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use dynaseal::table::EraseTenantError;
    ///
    /// let receipt = match table.erase_tenant("acme").signed_by(key.clone()).send().await {
    ///     Err(EraseTenantError::Unsigned(mut receipt, _)) => {
    ///         // What the key lacked is put right, and then:
    ///         receipt.sign(&key, &regions).await?;
    ///         *receipt
    ///     }
    ///     sent => sent?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignReceiptError`]: the key cannot be used in these regions, or KMS did not sign. The receipt is as it
    /// was.
    pub async fn sign(
        &mut self,
        key: &ReceiptKey,
        regions: &RegionSet,
    ) -> Result<(), SignReceiptError> {
        Ok(self.sign_by(&key.signer(regions)?).await?)
    }

    pub(super) async fn sign_by(&mut self, signer: &Signer) -> Result<(), KeyringError> {
        let digest = sha384(self.document.as_bytes());
        let signed = signer
            .requests
            .attest(&signer.key, &signer.attestation, &digest);
        self.signature = Some(ReceiptSignature {
            bytes: signed.await?,
            key_arn: signer.key.to_string(),
            algorithm: signer.attestation.algorithm().to_owned(),
        });
        Ok(())
    }

    /// The receipt as JSON, to be kept as it is: the signature is over these bytes.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }

    /// Who vouches for it; `None` if no key was named, and then it is a report.
    #[must_use]
    pub fn signature(&self) -> Option<&ReceiptSignature> {
        self.signature.as_ref()
    }

    /// The branch key that is gone, and how.
    #[must_use]
    pub fn erased(&self) -> &ErasedBranchKey {
        &self.erased
    }

    /// What was seen in some items before.
    #[must_use]
    pub fn sample(&self) -> &SampledItems {
        &self.sample
    }

    /// What the erasure does not reach, a sentence each.
    #[must_use]
    pub fn stays_readable(&self) -> Vec<String> {
        stays_readable(&self.erased, &self.sample)
    }

    /// The statement that keeps backups of the key store shut: see
    /// [`ErasedBranchKey::key_policy_statement`].
    #[must_use]
    pub fn key_policy_statement(&self) -> String {
        self.erased.key_policy_statement()
    }
}

fn stays_readable(erased: &ErasedBranchKey, sample: &SampledItems) -> Vec<String> {
    let mut all = erased.stays_readable();
    all.extend(sample.foreign.iter().map(|(provider, items)| {
        format!(
            "of the tenant's items, {items} of {} that were looked at have a recipient of `{}`, which was not erased",
            sample.of_tenant,
            provider.escape_debug()
        )
    }));
    all
}

fn document(core: &Core, tenant: &str, erased: &ErasedBranchKey, sample: &SampledItems) -> Json {
    let number = |number: usize| Json::Number(number.try_into().unwrap_or(u64::MAX));
    let (key_store, logical_key_store) = erased.key_store();
    let foreign = sample.foreign.iter();
    let foreign = foreign.map(|(kind, items)| (kind.clone(), number(*items)));
    let sampled = Json::object([
        ("items", number(sample.items)),
        ("of-tenant", number(sample.of_tenant)),
        ("not-sealed", number(sample.not_sealed)),
        ("other-recipients", Json::Object(foreign.collect())),
    ]);
    Json::object([
        ("type", Json::text("dynaseal-erasure/1")),
        ("tenant", Json::text(tenant)),
        ("branch-key-id", Json::text(erased.branch_key_id())),
        ("table", Json::text(core.table_name())),
        (
            "logical-table",
            Json::text(core.schema().logical_table_name()),
        ),
        ("key-store", Json::text(key_store)),
        ("logical-key-store", Json::text(logical_key_store)),
        ("regions", Json::texts(erased.regions())),
        ("began", time(erased.began())),
        ("ended", time(erased.ended())),
        ("longest-ttl-seconds", seconds(erased.longest_ttl())),
        ("lag-bound-seconds", seconds(erased.lag_bound())),
        ("passes", Json::Number(erased.passes().into())),
        ("deleted", Json::texts(erased.deleted())),
        ("left", Json::texts(erased.left())),
        ("sample", sampled),
        (
            "stays-readable",
            Json::texts(stays_readable(erased, sample)),
        ),
        ("key-policy-statement", erased.statement()),
    ])
}

/// Seconds since 1970.
fn time(at: SystemTime) -> Json {
    seconds(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn seconds(duration: Duration) -> Json {
    Json::Number(duration.as_secs())
}
