//! The regions that a read may ask, one after the other, until one answers.

use super::plan::{Failure, Plan, Step};
use super::{Missed, Request, Unanswered, circuit_open, once};
use crate::error::FaultClass;
use crate::observe::{CallOutcome, Event, FallbackEvent, Observers, Service};
use crate::region::{Backoff, Member};
use crate::table::core::Core;
use crate::table::error::SdkFailure;
use crate::table::hedge::Hedge;
use crate::table::span;

/// The regions that a read may ask, in order.
#[derive(Clone)]
pub(in crate::table) struct Route<'a> {
    first: &'a Member,
    pub(super) others: Vec<&'a Member>,
    /// When the next one is asked as well.
    pub(super) hedge: Option<Hedge>,
    /// Whether the first is not the region that was meant, which has failed.
    has_moved: bool,
    pub(super) observers: &'a Observers,
}

/// What a region answered.
pub(in crate::table) struct Response<'a, O> {
    pub(in crate::table) output: O,
    /// The region that answered.
    pub(in crate::table) region: &'a str,
    /// Whether that is another one than the one that was meant.
    pub(in crate::table) is_fallback: bool,
}

impl<'a> Route<'a> {
    /// One region and no other.
    pub(in crate::table) fn only(core: &'a Core, member: &'a Member) -> Self {
        Self {
            first: member,
            others: Vec::new(),
            hedge: None,
            has_moved: false,
            observers: core.regions().observers(),
        }
    }

    /// All regions of the set, the local one first.
    pub(in crate::table) fn all(core: &'a Core) -> Self {
        Self {
            others: core.regions().members().skip(1).collect(),
            hedge: core.hedge(),
            ..Self::only(core, core.local())
        }
    }

    /// What is left of it when this region has answered: those before it have failed.
    pub(in crate::table) fn starting_at(mut self, region: &str) -> Self {
        let found = self
            .others
            .iter()
            .position(|other| other.region() == region);
        if let Some(index) = found {
            let mut rest = self.others.split_off(index).into_iter();
            self.first = rest.next().unwrap_or(self.first);
            self.others = rest.collect();
            self.has_moved = true;
        }
        self
    }

    /// The region that is asked first.
    pub(in crate::table) fn first(&self) -> &'a Member {
        self.first
    }

    /// Asks until somebody answers.
    pub(in crate::table) async fn ask<R: Request>(
        &self,
        request: &R,
    ) -> Result<Response<'a, R::Output>, Unanswered<R::Error>> {
        let (mut here, mut others) = (self.first, self.others.iter().copied());
        let mut plan = Plan::new(1 + self.others.len(), here.dynamodb_max_attempts());
        let mut backoff = Backoff::new(here.sleep());
        let mut unanswered = None;
        let mut raced = Some(self.first_attempt(request).await);
        loop {
            let answer = match raced.take() {
                Some(answer) => answer,
                None => {
                    let answer = once(here, request).await;
                    answer.map(|output| self.response(output, here))
                }
            };
            let missed = match answer {
                Ok(response) => return Ok(response),
                Err(missed) => missed,
            };
            let failure = failure_of(&missed);
            let worst = worst(unanswered, missed, here);
            match plan.after(failure, || here.dynamodb_health().may_retry()) {
                Step::Again => backoff.wait().await,
                Step::NextRegion => {
                    let Some(next) = others.next() else {
                        return Err(worst);
                    };
                    self.tell(here, next, failure);
                    here = next;
                }
                Step::Stop => return Err(worst),
            }
            unanswered = Some(worst);
        }
    }

    pub(super) fn response<O>(&self, output: O, here: &'a Member) -> Response<'a, O> {
        let region = here.region();
        Response {
            output,
            region,
            is_fallback: self.has_moved || region != self.first.region(),
        }
    }

    fn tell(&self, from: &Member, to: &Member, failure: Failure) {
        let (from, to) = (from.region(), to.region());
        let cause = match failure {
            Failure::NotAsked => None,
            Failure::Class(class) => Some(class),
        };
        tracing::debug!(from, to, "table fallback");
        span::record_region(to);
        self.observers.emit(&Event::Fallback(FallbackEvent {
            service: Service::DynamoDb,
            from,
            to,
            cause,
        }));
    }
}

/// Why a read brought nothing.
pub(super) fn failure_of<E>(missed: &Missed<E>) -> Failure {
    match missed {
        Missed::Failed(_, CallOutcome::Fault(class)) => Failure::Class(*class),
        // A read has no condition, and whoever got an error has waited for it.
        Missed::Failed(..) => Failure::Class(FaultClass::Caller),
        Missed::NotAsked(_) => Failure::NotAsked,
    }
}

/// What to report of two failures: what a service said says more than that none was asked.
fn worst<E>(before: Option<Unanswered<E>>, now: Missed<E>, here: &Member) -> Unanswered<E> {
    match (before, now) {
        (_, Missed::Failed(error, _)) => Unanswered::Sdk(SdkFailure::new(error, here.region())),
        (Some(before), Missed::NotAsked(_)) => before,
        (None, Missed::NotAsked(open)) => Unanswered::CircuitOpen(circuit_open(here, open)),
    }
}
