//! One key in one region: is it there, is it the right one, and may this principal use it?

use aws_sdk_kms::Client;
use aws_sdk_kms::types::{KeyMetadata, KeySpec, KeyState, KeyUsageType, MultiRegionKey};

use super::call::{self, Failure};
use super::check;
use super::dry_run::DryRuns;
use super::report::{Finding, Severity};
use super::tries::Try;
use crate::error::FaultClass;
use crate::keyring::KmsKeyUse;

/// A key, by the ARN that it is asked for in one region.
pub(super) struct KeyInRegion<'a> {
    pub(super) used: &'a KmsKeyUse,
    /// What is tried with it.
    pub(super) tries: &'a [Try],
    pub(super) arn: String,
    pub(super) region: &'a str,
    pub(super) client: &'a Client,
    /// The regions where the key must have a replica.
    pub(super) regions: Vec<String>,
    /// Whether the table is in more regions than one.
    pub(super) is_global: bool,
}

impl KeyInRegion<'_> {
    pub(super) async fn examine(&self, dry_runs: &DryRuns) -> Vec<Finding> {
        let described = self.describe(dry_runs).await;
        let mut findings = match &described {
            Ok(metadata) => self.judge(metadata),
            Err(failure) => vec![self.not_described(failure)],
        };
        let why_not = match &described {
            Ok(metadata) if !is_usable(metadata.key_state()) => Some("the key cannot be used now"),
            Err(failure) if failure.class == FaultClass::ReplicaMissing => Some("there is no key"),
            Err(failure) if failure.is_of_the_region() => Some("the region does not answer"),
            _ => None,
        };
        findings.extend(dry_runs.of(self, self.tries, why_not).await);
        findings
    }

    async fn describe(&self, dry_runs: &DryRuns) -> Result<KeyMetadata, Failure> {
        let request = self.client.describe_key().key_id(&self.arn);
        let request = request.set_grant_tokens(self.used.exposed_grant_tokens());
        let sleep = self.client.config().sleep_impl();
        let answer = call::send(request.send(), sleep, dry_runs.patience).await?;
        answer.key_metadata.ok_or_else(Failure::empty_answer)
    }

    fn not_described(&self, failure: &Failure) -> Finding {
        let (severity, what_to_do) = match failure.class {
            FaultClass::ReplicaMissing => (
                Severity::Error,
                "there is no such key in this region: replicate it there, or take the region out of \
                 the set",
            ),
            FaultClass::Denied => (
                Severity::Warning,
                "it may be there; allow kms:DescribeKey to this principal, or find out whether the key \
                 is in another account and not in this region",
            ),
            FaultClass::Throttled => (Severity::Warning, "ask again later"),
            FaultClass::Unavailable => (
                Severity::Error,
                "the region does not answer: look at its health, the network and the endpoints",
            ),
            _ => (
                Severity::Error,
                "look at the credentials, and at what stands between this program and KMS",
            ),
        };
        let message = format!("DescribeKey failed, {failure}: {what_to_do}");
        self.finding(severity, check::KEY_EXISTS, message)
            .failed(failure.class)
    }

    fn judge(&self, metadata: &KeyMetadata) -> Vec<Finding> {
        let existence = match metadata.arn() {
            Some(arn) if arn == self.arn => (Severity::Ok, "the key exists".to_owned()),
            _ => (
                Severity::Error,
                "KMS describes another key than the one it was asked for: look for what stands between \
                 this program and KMS"
                    .to_owned(),
            ),
        };
        let judged = [
            (check::KEY_EXISTS, existence),
            (check::KEY_REPLICA, self.judge_replicas(metadata)),
            (check::KEY_STATE, judge_state(metadata.key_state())),
            (check::KEY_USAGE, judge_usage(metadata)),
        ];
        let finding = |(check, (severity, message))| self.finding(severity, check, message);
        judged.into_iter().map(finding).collect()
    }

    fn judge_replicas(&self, metadata: &KeyMetadata) -> (Severity, String) {
        if !self.used.is_mrk() {
            return self.judge_single(metadata);
        }
        let related = metadata.multi_region_configuration();
        let Some(related) = related.filter(|_| metadata.multi_region() == Some(true)) else {
            let message = "not a multi-Region key, though its keyring asks each region for a replica: make \
                           one, since a key cannot be turned into one";
            return (Severity::Error, message.to_owned());
        };
        let all = related
            .primary_key()
            .into_iter()
            .chain(related.replica_keys());
        let all: Vec<&str> = all.filter_map(MultiRegionKey::arn).collect();
        let expected = self.regions.iter().filter_map(|region| {
            let arn = self.used.key_arn_in(region)?;
            (!all.contains(&arn.as_str())).then_some(region.as_str())
        });
        let missing: Vec<&str> = expected.collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return (
                Severity::Error,
                format!("the key has no replica in {missing}: replicate it there"),
            );
        }
        let kind = related.multi_region_key_type();
        let kind = kind.map_or_else(|| "part".to_owned(), |kind| kind.as_str().to_lowercase());
        (
            Severity::Ok,
            format!("the {kind} of a multi-Region key with a replica in each region of the set"),
        )
    }

    fn judge_single(&self, metadata: &KeyMetadata) -> (Severity, String) {
        let message = if metadata.multi_region() == Some(true) {
            "a multi-Region key that its keyring takes literally: it opens nothing that another replica \
             wrapped; `KmsMrkKeyring` does"
        } else if self.is_global {
            "a key of this region alone: the others reach across for every item, and cannot when it is \
             down"
        } else {
            return (Severity::Ok, "a key of the only region".to_owned());
        };
        (Severity::Info, message.to_owned())
    }

    pub(super) fn finding(
        &self,
        severity: Severity,
        check: &'static str,
        message: impl Into<String>,
    ) -> Finding {
        let finding = Finding::new(severity, check, message);
        finding.of_key(&self.arn).in_region(self.region)
    }
}

/// While its primary region changes, a key is `Updating` and works.
fn is_usable(state: Option<&KeyState>) -> bool {
    matches!(state, Some(KeyState::Enabled | KeyState::Updating))
}

fn judge_state(state: Option<&KeyState>) -> (Severity, String) {
    let name = state.map_or("unknown", KeyState::as_str);
    let what_to_do = match state {
        Some(KeyState::Enabled) => return (Severity::Ok, "enabled".to_owned()),
        Some(KeyState::Updating) => {
            return (
                Severity::Info,
                "Updating: its primary region is being changed".to_owned(),
            );
        }
        Some(KeyState::Creating) => "wait until the replica is there",
        Some(KeyState::Disabled) => "enable it, unless somebody meant it",
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) => {
            "cancel its deletion, or every item under it is lost with its last replica"
        }
        Some(KeyState::PendingImport) => "import its material",
        Some(KeyState::Unavailable) => "look at its custom key store",
        _ => "find out what that means",
    };
    (Severity::Error, format!("{name}: {what_to_do}"))
}

fn judge_usage(metadata: &KeyMetadata) -> (Severity, String) {
    let is_symmetric = metadata.key_spec() == Some(&KeySpec::SymmetricDefault);
    let encrypts = metadata.key_usage() == Some(&KeyUsageType::EncryptDecrypt);
    if is_symmetric && encrypts {
        return (
            Severity::Ok,
            "symmetric, for encryption and decryption".to_owned(),
        );
    }
    let spec = metadata.key_spec().map_or("unknown", KeySpec::as_str);
    let usage = metadata.key_usage().map_or("unknown", KeyUsageType::as_str);
    (
        Severity::Error,
        format!(
            "a key of spec {spec} for {usage} wraps no data key: use one of spec SYMMETRIC_DEFAULT for \
             ENCRYPT_DECRYPT"
        ),
    )
}
