//! Dry runs: may this principal do with this key, under such a context, what its handle does?
//!
//! KMS checks and logs them like real calls, with the context in clear, and does nothing.

use std::time::Duration;

use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::operation::generate_data_key::GenerateDataKeyOutput;
use aws_sdk_kms::types::DryRunModifierType;
use zeroize::Zeroizing;

use super::Powers;
use super::call::{self, Failure};
use super::check;
use super::keys::KeyInRegion;
use super::report::{Finding, Severity};
use super::tries::Try;
use crate::error::FaultClass;

/// How permissions are tried.
pub(super) struct DryRuns {
    pub(super) powers: Powers,
    pub(super) patience: Duration,
}

/// How a dry run ended that did not fail.
enum Answer {
    Allowed,
    /// KMS did it, and did not just say that it could.
    Done,
}

/// Asks for as many bytes as keyrings do, in case a policy looks.
const KEY_LEN: i32 = 32;

impl DryRuns {
    /// All dry runs with one key, or a word on why there is none.
    pub(super) async fn of(
        &self,
        key: &KeyInRegion<'_>,
        tries: &[Try],
        why_not: Option<&str>,
    ) -> Vec<Finding> {
        let powers = Powers {
            seals: self.powers.seals && key.used.can_encrypt(),
            ..self.powers
        };
        let mut findings = Vec::new();
        for check in [check::GENERATE_DATA_KEY, check::DECRYPT] {
            let tries = tries.iter().filter(|tried| tried.is_for(check, powers));
            let tries: Vec<&Try> = tries.collect();
            match why_not {
                Some(why_not) if !tries.is_empty() => {
                    let message = format!("not tried: {why_not}");
                    findings.push(key.finding(Severity::Info, check, message));
                }
                Some(_) => {}
                None => self.run(key, check, &tries, &mut findings).await,
            }
        }
        findings
    }

    async fn run(
        &self,
        key: &KeyInRegion<'_>,
        check: &'static str,
        tries: &[&Try],
        findings: &mut Vec<Finding>,
    ) {
        for tried in tries {
            let answer = if check == check::DECRYPT {
                self.decrypt(key, tried).await
            } else {
                self.generate_data_key(key, tried).await
            };
            findings.push(judge(key, check, tried, &answer));
        }
    }

    async fn generate_data_key(
        &self,
        key: &KeyInRegion<'_>,
        tried: &Try,
    ) -> Result<Answer, Failure> {
        let request = key
            .client
            .generate_data_key()
            .key_id(&key.arn)
            .dry_run(true);
        let mut request = request.number_of_bytes(KEY_LEN);
        for (name, value) in tried.context() {
            request = request.encryption_context(name, value);
        }
        let request = request.set_grant_tokens(key.used.exposed_grant_tokens());
        let sleep = key.client.config().sleep_impl();
        let answer = call::send(request.send(), sleep, self.patience).await;
        answered(answer, |made: GenerateDataKeyOutput| made.plaintext)
    }

    async fn decrypt(&self, key: &KeyInRegion<'_>, tried: &Try) -> Result<Answer, Failure> {
        let request = key.client.decrypt().key_id(&key.arn).dry_run(true);
        let mut request = request.dry_run_modifiers(DryRunModifierType::IgnoreCiphertext);
        for (name, value) in tried.context() {
            request = request.encryption_context(name, value);
        }
        let request = request.set_grant_tokens(key.used.exposed_grant_tokens());
        let sleep = key.client.config().sleep_impl();
        let answer = call::send(request.send(), sleep, self.patience).await;
        answered(answer, |opened: DecryptOutput| opened.plaintext)
    }
}

/// Success is an error of its own name. A double that knows no dry runs hands out plaintext.
fn answered<T>(
    answer: Result<T, Failure>,
    plaintext: impl FnOnce(T) -> Option<aws_sdk_kms::primitives::Blob>,
) -> Result<Answer, Failure> {
    match answer {
        Ok(done) => {
            drop(plaintext(done).map(|blob| Zeroizing::new(blob.into_inner())));
            Ok(Answer::Done)
        }
        Err(failure) if failure.has_code("DryRunOperationException") => Ok(Answer::Allowed),
        Err(failure) => Err(failure),
    }
}

fn judge(
    key: &KeyInRegion<'_>,
    check: &'static str,
    tried: &Try,
    answer: &Result<Answer, Failure>,
) -> Finding {
    let failure = match answer {
        Ok(Answer::Allowed) => {
            let message = format!("allowed for this principal with this context: {tried}");
            return key.finding(Severity::Ok, check, message);
        }
        Ok(Answer::Done) => {
            let message = "done, and not just tried: what answers is no KMS that knows dry runs";
            return key.finding(Severity::Warning, check, message);
        }
        Err(failure) => failure,
    };
    let action = if check == check::DECRYPT {
        "kms:Decrypt"
    } else {
        "kms:GenerateDataKey"
    };
    let what_to_do = match failure.class {
        FaultClass::Denied => format!(
            "allow {action} to this principal, in its own policy as in `iam_policy()` and in the key's{}",
            if_made_up(tried)
        ),
        FaultClass::Disabled => "look at the state of the key".to_owned(),
        FaultClass::ReplicaMissing => "replicate the key to this region".to_owned(),
        FaultClass::Throttled => "ask again later".to_owned(),
        FaultClass::Unavailable => "look at the health of the region".to_owned(),
        _ => "look at the code, the grant tokens and the usage of the key".to_owned(),
    };
    let message = format!(
        "{action} failed for this principal with this context, {failure}: {tried}; {what_to_do}"
    );
    let severity = severity_of(failure.class, tried);
    key.finding(severity, check, message).failed(failure.class)
}

fn severity_of(class: FaultClass, tried: &Try) -> Severity {
    if class == FaultClass::Throttled || !tried.is_certain() {
        Severity::Warning
    } else {
        Severity::Error
    }
}

fn if_made_up(tried: &Try) -> &'static str {
    if tried.wants_sample() {
        "; if a policy names values of the context, give samples that have them"
    } else {
        ""
    }
}
