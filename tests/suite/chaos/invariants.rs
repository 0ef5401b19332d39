//! What must hold of every step, however it went. What is stored is held to [`replicas`](super::replicas).

use std::collections::BTreeSet;
use std::time::Duration;

use dynaseal::error::FaultClass;
use dynaseal::observe::{CallOutcome, Service};

use super::outcome::Outcome;
use super::process::{self, Process};
use super::schedule::{KmsPolicy, Op, Verb};
use super::subject::Which;
use super::watch::{Call, Fallback};

/// What a process did in a step.
pub(super) struct Did {
    pub(super) calls: Vec<Call>,
    pub(super) fallbacks: Vec<Fallback>,
    pub(super) hedges: usize,
    /// During all of the step, its local region could but refuse to work with the key.
    pub(super) was_refused: bool,
    /// When the step began.
    pub(super) begun: Duration,
    /// Requests that began before may go on.
    pub(super) is_left_over: bool,
}

/// No call leaves the region set, and none of KMS the local region without a policy.
pub(super) fn calls_stay_in_their_set(process: &Process, did: &Did) -> Result<(), String> {
    let is = &process.is;
    for call in &did.calls {
        let is_local = call.region == is.region;
        if !is.knows(&call.region) {
            return Err(format!("{} called {call:?}, outside of its set", is.region));
        }
        let may_leave = is.kms != KmsPolicy::Never || is.on_replica_missing;
        if call.service == Service::Kms && !is_local && !may_leave {
            return Err(format!(
                "{} may never leave, and called {call:?}",
                is.region
            ));
        }
    }
    Ok(())
}

/// Tables are written in the home region, and read elsewhere only by policy.
pub(super) fn tables_are_asked_by_policy(process: &Process, did: &Did) -> Result<(), String> {
    let is = &process.is;
    for call in did
        .calls
        .iter()
        .filter(|call| call.service == Service::DynamoDb && !call.of_keys)
    {
        let is_local = call.region == is.region;
        let is_home = call.region == is.home;
        let is_allowed = match call.operation.as_str() {
            "PutItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => is_home,
            // Unsigned attributes may be updated in any region.
            "UpdateItem" => is_home || is_local,
            // A picture with an old item in it is taken again at home.
            "TransactGetItems" => is_local || is_home,
            _ => is_home || is_local || is.reads_elsewhere,
        };
        if !is_allowed {
            return Err(format!("{} must not do {call:?}", is.region));
        }
    }
    Ok(())
}

/// A strongly consistent read asks for one region's writes, so it asks no other one.
pub(super) fn consistent_reads_stay(process: &Process, op: &Op, did: &Did) -> Result<(), String> {
    let Verb::Get { consistent, .. } = op.verb else {
        return Ok(());
    };
    let is = &process.is;
    let mut calls = did.calls.iter().filter(|call| call.op == Some(op.id));
    let strayed = calls.find(|call| {
        let here = [is.region, is.home].contains(&call.region.as_str());
        call.service == Service::DynamoDb && !call.of_keys && !here
    });
    match strayed {
        Some(call) if consistent => Err(format!("a consistent read did {call:?}")),
        _ => Ok(()),
    }
}

/// What is said of a region, that there is an item or none, that region has answered.
pub(super) fn nothing_is_known_by_hearsay(outcome: &Outcome, did: &Did) -> Result<(), String> {
    let calls = did.calls.iter().filter(|call| call.op == Some(outcome.op));
    let calls = calls.filter(|call| call.service == Service::DynamoDb && !call.of_keys);
    let answered = calls.filter(|call| {
        use FaultClass::{Denied, Throttled, Unavailable};
        !matches!(
            call.outcome,
            CallOutcome::Fault(Unavailable | Throttled | Denied) | CallOutcome::Abandoned
        )
    });
    let answered: BTreeSet<&str> = answered.map(|call| call.region.as_str()).collect();
    for sight in &outcome.sights {
        if !sight.regions.iter().any(|region| answered.contains(region)) {
            return Err(format!("{sight:?}, and only {answered:?} answered"));
        }
    }
    Ok(())
}

/// Nothing falls over for a reason that its policy does not name.
pub(super) fn fallbacks_are_allowed(process: &Process, did: &Did) -> Result<(), String> {
    let is = &process.is;
    for fallback in &did.fallbacks {
        let is_allowed = match fallback.service {
            Service::Kms => is.allows(fallback.cause),
            _ => (is.reads_elsewhere || fallback.of_keys) && is_outage(fallback.cause),
        };
        if !is_allowed || !is.knows(&fallback.to) || fallback.from == fallback.to {
            return Err(format!("{} must not do {fallback:?}", is.region));
        }
    }
    let mut fallbacks = did.fallbacks.iter();
    let has_left = fallbacks.any(|fallback| fallback.service == Service::Kms);
    // What goes on in the background may be collected long after it was sent.
    let goes_on = |sent| did.is_left_over && process.custody.has_left(sent);
    let mut calls = did.calls.iter().filter(|call| call.service == Service::Kms);
    let unsaid = calls.find(|call| call.region != is.region && !has_left && !goes_on(call.begun));
    if let Some(call) = unsaid {
        return Err(format!("{} left without a word: {call:?}", is.region));
    }
    Ok(())
}

/// The region did not answer, or is not asked any more since it did not.
fn is_outage(cause: Option<FaultClass>) -> bool {
    matches!(cause, None | Some(FaultClass::Unavailable))
}

/// Where the local region refuses, whether the key is disabled or access denied, nothing opens anywhere.
pub(super) fn a_refusal_is_final(process: &Process, did: &Did) -> Result<(), String> {
    if !did.was_refused {
        return Ok(());
    }
    let local = process.is.region;
    for call in did.calls.iter().filter(|call| call.is_for_an_item()) {
        // What was sent before may yet be answered.
        let is_ok = call.outcome == CallOutcome::Ok && call.begun >= did.begun;
        if call.region != local && !did.is_left_over || is_ok {
            return Err(format!("{local} refuses, and yet {call:?}"));
        }
    }
    Ok(())
}

/// At most four attempts for each item and keyring.
pub(super) fn attempts_are_few(outcome: &Outcome, did: &Did) -> Result<(), String> {
    const PER_ITEM: usize = 4;
    let calls = did.calls.iter().filter(|call| call.op == Some(outcome.op));
    let calls = calls.filter(|call| call.is_for_an_item()).count();
    if calls > PER_ITEM * outcome.items {
        return Err(format!(
            "operation {} made {calls} KMS calls for {} items",
            outcome.op, outcome.items
        ));
    }
    Ok(())
}

/// Retries are paid for.
pub(super) fn retries_are_within_budget(process: &Process, now: Duration) -> Result<(), String> {
    let seconds = (now - process.since).as_secs_f64();
    let retries = process.watch.retries().into_iter();
    for (place, retries) in retries.chain(process.keys.retries()) {
        let budget = f64::from(process.is.retry_capacity)
            + process::RETRIES_PER_SECOND * (seconds + CLOCK_MAY_BE_AHEAD)
            + process::RETRIES_PER_SUCCESS * f64::from(retries.successes);
        if f64::from(retries.granted) > budget {
            return Err(format!(
                "{retries:?} of {place:?}, and no more than {budget:.1} were paid for"
            ));
        }
    }
    Ok(())
}

/// The processes' clock ticks at each reading.
const CLOCK_MAY_BE_AHEAD: f64 = 1.0;

/// No operation takes longer than it may. What a failed condition met is opened after that, since the write
/// is decided by then.
pub(super) fn ends_in_time(process: &Process, op: &Op, outcome: &Outcome) -> Result<(), String> {
    // An item with a version is read before it is put, by an operation of its own.
    let operations = match (op.which, &op.verb) {
        (Which::Accounts, Verb::Put(_) | Verb::PutIfExists(_)) => 2,
        _ => 1,
    };
    let opened_late = u32::try_from(outcome.met).unwrap();
    let longest = process.is.deadline * operations + OPENING * opened_late;
    if outcome.took <= longest {
        return Ok(());
    }
    let (id, took) = (outcome.op, outcome.took);
    Err(format!("operation {id} took {took:?}, and not {longest:?}"))
}

/// Four attempts, and the waits between them.
const OPENING: Duration = Duration::from_secs(4 * 3 + 4);
