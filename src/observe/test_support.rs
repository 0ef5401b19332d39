//! Events for the tests of those who watch.

use std::time::Duration;

use super::event::{
    AuditEvent, BreakerEvent, BreakerState, CacheEvent, CallEvent, CallOutcome, Event,
    FallbackEvent, FreshnessEvent, HedgeEvent, PlaintextEvent, RetryEvent, Service, VerbEvent,
    VerificationEvent,
};
use super::{Counters, Observer as _, Snapshot};
use crate::error::FaultClass;

const HOME: &str = "eu-west-1";
const AWAY: &str = "us-east-1";
const TABLE: &str = "orders";

pub(super) const AUDIT: AuditEvent<'static> = AuditEvent {
    caller: Some("report"),
    table: TABLE,
    keyring: "kms-mrk",
    key: Some("arn:aws:kms:eu-west-1:111122223333:key/mrk-1"),
    region: Some(HOME),
    outcome: "opened",
};

/// A call that went well and took 3 ms.
pub(super) fn call<'a>(service: Service, region: &'a str, operation: &'a str) -> Event<'a> {
    Event::Call(CallEvent {
        service,
        region,
        operation,
        outcome: CallOutcome::Ok,
        latency: Duration::from_millis(3),
    })
}

/// One of each kind, in the order of `Kind::ALL`.
pub(super) fn one_of_each() -> [Event<'static>; 11] {
    let service = Service::Kms;
    [
        call(service, HOME, "Decrypt"),
        Event::Retry(RetryEvent {
            service,
            region: HOME,
            granted: true,
        }),
        Event::Fallback(FallbackEvent {
            service,
            from: HOME,
            to: AWAY,
            cause: Some(FaultClass::Unavailable),
        }),
        Event::Breaker(BreakerEvent {
            service,
            region: HOME,
            state: BreakerState::Open,
        }),
        Event::Hedge(HedgeEvent {
            operation: "GetItem",
            first: HOME,
            second: AWAY,
            won: true,
        }),
        Event::Cache(CacheEvent {
            cache: "key_state",
            hit: true,
        }),
        Event::Verb(VerbEvent {
            operation: "GetItem",
            table: TABLE,
            outcome: "ok",
            latency: Duration::from_millis(5),
        }),
        Event::Verification(VerificationEvent {
            table: TABLE,
            kind: "authentication",
        }),
        Event::Freshness(FreshnessEvent {
            table: TABLE,
            region: HOME,
            kind: "stale",
        }),
        Event::Plaintext(PlaintextEvent { table: TABLE }),
        Event::Audit(AUDIT),
    ]
}

/// What `Counters` make of them.
pub(super) fn counted(events: &[Event<'_>]) -> Snapshot {
    let counters = Counters::new();
    for event in events {
        counters.on_event(event);
    }
    counters.snapshot()
}
