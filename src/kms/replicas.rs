//! Asking the replicas of a key, one after the other, until one answers or the policy says stop.

use super::answer::{Question, Request, place};
use super::plan::{Failure, Gates, Plan, Step};
use super::{Allowance, KmsKeyArn, KmsRequests};
use crate::error::{KeyringError, KeyringErrorKind};
use crate::observe::{CallOutcome, Event, FallbackEvent, Service};
use crate::region::{Backoff, KmsFallback, Member, RegionSet};

/// The ARNs of one key that may be asked for, in order: at least one.
#[derive(Clone)]
pub(crate) struct Replicas {
    first: KmsKeyArn,
    others: Vec<KmsKeyArn>,
}

impl Replicas {
    /// The key in every region of the set that the policy may reach, the local one first.
    pub(super) fn new(key: &KmsKeyArn, regions: &RegionSet, fallback: KmsFallback) -> Self {
        let others = regions.regions().skip(1).map(|name| key.in_region(name));
        Self {
            first: key.in_region(regions.local()),
            others: if fallback.is_never() {
                Vec::new()
            } else {
                others.collect()
            },
        }
    }

    /// The key in its own region, and nowhere else.
    pub(crate) fn only(key: &KmsKeyArn) -> Self {
        Self {
            first: key.clone(),
            others: Vec::new(),
        }
    }

    pub(crate) fn first(&self) -> &KmsKeyArn {
        &self.first
    }

    fn iter(&self) -> impl Iterator<Item = &KmsKeyArn> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl KmsRequests {
    pub(super) fn ask<'a>(
        &'a self,
        replicas: &'a Replicas,
        allowance: &'a Allowance,
    ) -> Asking<'a> {
        Asking {
            requests: self,
            replicas,
            allowance,
        }
    }
}

/// One request, ready to be sent.
pub(super) struct Asking<'a> {
    requests: &'a KmsRequests,
    replicas: &'a Replicas,
    allowance: &'a Allowance,
}

/// A region that can be asked.
#[derive(Clone, Copy)]
struct Place<'a> {
    arn: &'a KmsKeyArn,
    member: &'a Member,
}

impl<'a> Asking<'a> {
    /// Sends until somebody answers; then says which replica it was.
    pub(super) async fn until_answered<R: Request>(
        &self,
        request: &R,
    ) -> Result<(R::Answer, &'a KmsKeyArn), KeyringError> {
        let mut places = self.places();
        let Some(mut here) = places.next() else {
            let error = KeyringError::new(KeyringErrorKind::Caller);
            return Err(place(error, self.requests.keyring, &self.replicas.first));
        };
        let mut next = places.next();
        let mut plan = Plan::new(
            self.requests.fallback,
            self.replicas.iter().count(),
            here.member.kms_max_attempts(),
        );
        let mut backoff = Backoff::new(here.member.sleep());
        let mut failed: Vec<KeyringError> = Vec::new();
        let mut failed_here = None;
        loop {
            let (error, failure) = match self.attempt(here, request).await {
                Ok(answer) => return Ok((answer, here.arn)),
                Err(Ended::NotAllowed) => {
                    // What failed before says more than that there was no other attempt.
                    let not_tried = || self.question(here).error(KeyringErrorKind::NotTried);
                    let last = failed_here.is_none() && failed.is_empty();
                    failed.extend(failed_here.or_else(|| last.then(not_tried)));
                    return Err(summary(failed).cut_short());
                }
                Err(Ended::Failed(error, failure)) => (error, failure),
            };
            failed_here = Some(error);
            match plan.after(failure, &Doors { here, next }) {
                Step::Again => backoff.wait().await,
                Step::After(wait) => here.member.wait(wait).await,
                Step::NextRegion => {
                    failed.extend(failed_here.take());
                    let Some(there) = next else {
                        return Err(summary(failed));
                    };
                    self.tell(here, there, failure);
                    (here, next) = (there, places.next());
                }
                Step::Stop => {
                    failed.extend(failed_here);
                    return Err(summary(failed));
                }
            }
        }
    }

    /// The regions that are in the set, which those of a keyring are.
    fn places(&self) -> impl Iterator<Item = Place<'a>> {
        let (regions, replicas) = (&self.requests.regions, self.replicas);
        replicas.iter().filter_map(|arn| {
            let member = regions.member(arn.region())?;
            Some(Place { arn, member })
        })
    }

    async fn attempt<R: Request>(&self, here: Place<'_>, request: &R) -> Result<R::Answer, Ended> {
        let question = self.question(here);
        let health = here.member.kms_health();
        if health.is_open() {
            return Err(not_asked(&question));
        }
        if !self.allowance.take() {
            return Err(Ended::NotAllowed);
        }
        let Ok(attempt) = health.begin(R::OPERATION) else {
            return Err(not_asked(&question));
        };
        let mut failed = match request.send(self.question(here)).await {
            Ok(answer) => {
                attempt.end(CallOutcome::Ok);
                return Ok(answer);
            }
            Err(failed) => failed,
        };
        attempt.end(CallOutcome::Fault(failed.class));
        if failed.is_invalid_state {
            let arn = here.arn.to_string();
            let states = here.member.key_states();
            failed.class = states.class_of(here.member.kms_once(), health, &arn).await;
        }
        let failure = Failure::Class(failed.class);
        Err(Ended::Failed(question.report(failed), failure))
    }

    fn question<'q>(&'q self, here: Place<'q>) -> Question<'q> {
        Question {
            keyring: self.requests.keyring,
            arn: here.arn,
            client: here.member.kms_once(),
            grant_tokens: &self.requests.grant_tokens,
        }
    }

    fn tell(&self, from: Place<'_>, to: Place<'_>, failure: Failure) {
        let (from, to) = (from.member.region(), to.member.region());
        let cause = match failure {
            Failure::NotAsked => None,
            Failure::Class(class) => Some(class),
        };
        tracing::debug!(from, to, keyring = self.requests.keyring, "KMS fallback");
        self.requests
            .regions
            .observers()
            .emit(&Event::Fallback(FallbackEvent {
                service: Service::Kms,
                from,
                to,
                cause,
            }));
    }
}

/// Why there is no answer.
enum Ended {
    /// The item, or its page, has used up its attempts.
    NotAllowed,
    Failed(KeyringError, Failure),
}

fn not_asked(question: &Question<'_>) -> Ended {
    let error = question.error(KeyringErrorKind::CircuitOpen);
    Ended::Failed(error, Failure::NotAsked)
}

/// The one failure, or all of them in the order of the regions.
fn summary(mut failed: Vec<KeyringError>) -> KeyringError {
    match (failed.len(), failed.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            failed.extend(last);
            KeyringError::from_attempts(failed)
        }
    }
}

struct Doors<'a> {
    here: Place<'a>,
    next: Option<Place<'a>>,
}

impl Gates for Doors<'_> {
    fn may_retry(&self) -> bool {
        self.here.member.kms_health().may_retry()
    }

    fn may_spill(&self, share: f64) -> bool {
        let next = self.next.map(|next| next.member.kms_health());
        next.is_some_and(|health| !health.is_open() && health.may_spill(share))
    }
}
