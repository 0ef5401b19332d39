//! What is counted of an event: under which counter, with which labels, and what is measured. Every
//! watcher that counts takes it from here, so that there is one list of labels.

use std::time::Duration;

use super::event::{BreakerState, Event, FallbackEvent, HedgeEvent};
use crate::error::FaultClass;

/// The most labels that a counter has.
pub(super) const MAX_LABELS: usize = 4;

/// A counter, which is one for each set of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Call,
    Retry,
    Fallback,
    Breaker,
    Hedge,
    Cache,
    Verb,
    Verification,
    Freshness,
    Plaintext,
    Audit,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::Call,
        Self::Retry,
        Self::Fallback,
        Self::Breaker,
        Self::Hedge,
        Self::Cache,
        Self::Verb,
        Self::Verification,
        Self::Freshness,
        Self::Plaintext,
        Self::Audit,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Call => "calls",
            Self::Retry => "retries",
            Self::Fallback => "fallbacks",
            Self::Breaker => "breakers",
            Self::Hedge => "hedges",
            Self::Cache => "cache_lookups",
            Self::Verb => "verbs",
            Self::Verification => "verification_failures",
            Self::Freshness => "freshness_findings",
            Self::Plaintext => "plaintext_reads",
            Self::Audit => "audit_events",
        }
    }

    /// The names of its labels, in the order of [`Sample::labels`].
    pub(super) fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Call => &["service", "region", "operation", "outcome"],
            Self::Retry => &["service", "region", "result"],
            Self::Fallback => &["service", "from", "to", "cause"],
            Self::Breaker => &["service", "region"],
            Self::Hedge => &["operation", "first", "second", "result"],
            Self::Cache => &["cache", "result"],
            Self::Verb => &["operation", "table", "outcome"],
            Self::Verification | Self::Freshness => &["table", "kind"],
            Self::Plaintext => &["table"],
            Self::Audit => &["table", "outcome"],
        }
    }
}

/// The value of a label.
#[derive(Clone, Copy, Debug)]
pub(super) enum Label<'a> {
    /// One of a closed list of ours.
    Fixed(&'static str),
    /// A name from configuration, or one that somebody made up.
    Name(&'a str),
}

impl<'a> Label<'a> {
    pub(super) fn as_str(self) -> &'a str {
        match self {
            Self::Fixed(word) => word,
            Self::Name(name) => name,
        }
    }
}

/// What is measured, besides that it happened.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Nothing,
    Latency(Duration),
    State(BreakerState),
}

/// One event, as it is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample<'a> {
    pub(super) kind: Kind,
    /// As many as the kind has names for; the rest is empty.
    pub(super) labels: [Label<'a>; MAX_LABELS],
    pub(super) value: Value,
}

impl<'a> Sample<'a> {
    pub(super) fn of(event: &Event<'a>) -> Self {
        use Label::{Fixed, Name};
        match event {
            Event::Call(call) => {
                let service = Fixed(call.service.as_str());
                let outcome = Fixed(call.outcome.as_str());
                let labels = [service, Name(call.region), Name(call.operation), outcome];
                Self::new(Kind::Call, labels).with(Value::Latency(call.latency))
            }
            Event::Retry(retry) => {
                let service = Fixed(retry.service.as_str());
                let result = Fixed(either(retry.granted, GRANTED, REFUSED));
                Self::new(Kind::Retry, [service, Name(retry.region), result])
            }
            Event::Fallback(fallback) => Self::of_fallback(fallback),
            Event::Breaker(breaker) => {
                let service = Fixed(breaker.service.as_str());
                Self::new(Kind::Breaker, [service, Name(breaker.region)])
                    .with(Value::State(breaker.state))
            }
            Event::Hedge(hedge) => Self::of_hedge(hedge),
            Event::Cache(cache) => {
                let result = Fixed(either(cache.hit, HIT, MISS));
                Self::new(Kind::Cache, [Name(cache.cache), result])
            }
            Event::Verb(verb) => {
                let labels = [verb.operation, verb.table, verb.outcome].map(Name);
                Self::new(Kind::Verb, labels).with(Value::Latency(verb.latency))
            }
            Event::Verification(found) => {
                Self::new(Kind::Verification, [found.table, found.kind].map(Name))
            }
            Event::Freshness(found) => {
                Self::new(Kind::Freshness, [found.table, found.kind].map(Name))
            }
            Event::Plaintext(read) => Self::new(Kind::Plaintext, [Name(read.table)]),
            Event::Audit(audit) => Self::new(Kind::Audit, [audit.table, audit.outcome].map(Name)),
        }
    }

    fn of_fallback(fallback: &FallbackEvent<'a>) -> Self {
        let service = Label::Fixed(fallback.service.as_str());
        let cause = fallback.cause.map_or(BREAKER_OPEN, FaultClass::as_str);
        let (from, to) = (Label::Name(fallback.from), Label::Name(fallback.to));
        Self::new(Kind::Fallback, [service, from, to, Label::Fixed(cause)])
    }

    fn of_hedge(hedge: &HedgeEvent<'a>) -> Self {
        let [operation, first, second] =
            [hedge.operation, hedge.first, hedge.second].map(Label::Name);
        let result = Label::Fixed(either(hedge.won, WON, LOST));
        Self::new(Kind::Hedge, [operation, first, second, result])
    }

    fn new<const N: usize>(kind: Kind, labels: [Label<'a>; N]) -> Self {
        let mut given = labels.into_iter();
        Self {
            kind,
            labels: std::array::from_fn(|_| given.next().unwrap_or(Label::Fixed(""))),
            value: Value::Nothing,
        }
    }

    fn with(self, value: Value) -> Self {
        Self { value, ..self }
    }
}

fn either(is: bool, yes: &'static str, no: &'static str) -> &'static str {
    if is { yes } else { no }
}

pub(super) const GRANTED: &str = "granted";
pub(super) const REFUSED: &str = "refused";
pub(super) const WON: &str = "won";
const LOST: &str = "lost";
pub(super) const HIT: &str = "hit";
pub(super) const MISS: &str = "miss";
/// Why a region was not asked, where no call failed there.
const BREAKER_OPEN: &str = "breaker_open";
