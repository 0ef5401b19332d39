//! What a process says of itself while it works.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dynaseal::error::FaultClass;
use dynaseal::observe::{BreakerState, CallOutcome, Event, Observer, Service};
use dynaseal::testkit::VirtualTime;

use super::subject::OpId;

tokio::task_local! {
    static OP: OpId;
}

/// Runs an operation under its number, so that what is told meanwhile is told of it.
pub(super) async fn under<F: Future>(op: OpId, operation: F) -> F::Output {
    OP.scope(op, operation).await
}

/// One attempt at a service.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) op: Option<OpId>,
    pub(super) service: Service,
    pub(super) region: String,
    pub(super) operation: String,
    pub(super) outcome: CallOutcome,
    /// Of a key store, and not of the tables.
    pub(super) of_keys: bool,
    /// When it was sent.
    pub(super) begun: Duration,
}

impl Call {
    /// Whether it wraps or unwraps a key, which is what an item may cost a few of.
    pub(super) fn is_for_an_item(&self) -> bool {
        self.service == Service::Kms && self.operation != "DescribeKey"
    }
}

/// One change of region.
#[derive(Clone, Debug)]
pub(super) struct Fallback {
    pub(super) service: Service,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cause: Option<FaultClass>,
    pub(super) of_keys: bool,
}

/// A service in a region.
pub(super) type Place = (Service, String);

/// Retries, and what they are paid with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Retries {
    pub(super) granted: u32,
    pub(super) refused: u32,
    pub(super) successes: u32,
}

#[derive(Debug, Default)]
struct Told {
    calls: Vec<Call>,
    fallbacks: Vec<Fallback>,
    hedges: usize,
    retries: BTreeMap<Place, Retries>,
    breakers: BTreeMap<Place, BreakerState>,
}

/// Told by a region set from its start on.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    told: Arc<Mutex<Told>>,
    time: VirtualTime,
    of_keys: bool,
}

impl Watch {
    pub(super) fn new(time: &VirtualTime) -> Self {
        Self {
            told: Arc::default(),
            time: time.clone(),
            of_keys: false,
        }
    }

    /// One for the region set of a key store.
    pub(super) fn of_keys(time: &VirtualTime) -> Self {
        Self {
            of_keys: true,
            ..Self::new(time)
        }
    }

    /// The calls, the changes of region and how many hedges there were since the last time.
    pub(super) fn take(&self) -> (Vec<Call>, Vec<Fallback>, usize) {
        let mut told = self.lock();
        let calls = std::mem::take(&mut told.calls);
        let fallbacks = std::mem::take(&mut told.fallbacks);
        (calls, fallbacks, std::mem::take(&mut told.hedges))
    }

    pub(super) fn retries(&self) -> BTreeMap<Place, Retries> {
        self.lock().retries.clone()
    }

    pub(super) fn breaker(&self, service: Service, region: &str) -> BreakerState {
        let told = self.lock();
        let state = told.breakers.get(&(service, region.to_owned()));
        state.copied().unwrap_or(BreakerState::Closed)
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}

impl Observer for Watch {
    fn on_event(&self, event: &Event<'_>) {
        let mut told = self.lock();
        match event {
            Event::Call(call) => {
                if matches!(call.outcome, CallOutcome::Ok | CallOutcome::ConditionFailed) {
                    let place = (call.service, call.region.to_owned());
                    told.retries.entry(place).or_default().successes += 1;
                }
                told.calls.push(Call {
                    op: OP.try_with(|op| *op).ok(),
                    service: call.service,
                    region: call.region.to_owned(),
                    operation: call.operation.to_owned(),
                    outcome: call.outcome,
                    of_keys: self.of_keys,
                    begun: self.time.elapsed().saturating_sub(call.latency),
                });
            }
            Event::Retry(retry) => {
                let place = (retry.service, retry.region.to_owned());
                let retries = told.retries.entry(place).or_default();
                if retry.granted {
                    retries.granted += 1;
                } else {
                    retries.refused += 1;
                }
            }
            Event::Fallback(fallback) => told.fallbacks.push(Fallback {
                service: fallback.service,
                from: fallback.from.to_owned(),
                to: fallback.to.to_owned(),
                cause: fallback.cause,
                of_keys: self.of_keys,
            }),
            Event::Hedge(_) => told.hedges += 1,
            Event::Breaker(breaker) => {
                let place = (breaker.service, breaker.region.to_owned());
                told.breakers.insert(place, breaker.state);
            }
            _ => {}
        }
    }
}
