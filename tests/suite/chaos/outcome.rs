//! What came of an operation, in the words of the invariants.

use std::error::Error;
use std::time::Duration;

use dynaseal::error::{KeyringError, KeyringErrorKind};
use dynaseal::item::{ModelMismatch, OpenedItem};
use dynaseal::table::freshness::{Diverged, FreshnessError, Stale};
use dynaseal::table::{AbsentInFallback, DeadlineExceeded, Refused, TransactionError, UpdateError};
use dynaseal::{OpenError, OperationError};

use super::schedule::{self, region_of};
use super::story::{Change, Effect, Found, Told};
use super::subject::{Id, OpId, Subject, Value, Which};

/// What an operation told its caller.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) op: OpId,
    /// Where it is read first.
    pub(super) local: &'static str,
    /// Where it is written.
    pub(super) home: &'static str,
    /// In a few words, for the log.
    pub(super) words: Vec<String>,
    pub(super) effects: Vec<Effect>,
    pub(super) sights: Vec<Sight>,
    pub(super) versions: Vec<Version>,
    /// Items that were said to be stale or to have diverged. None if it is not said which.
    pub(super) not_newest: Vec<(Option<Id>, Age)>,
    pub(super) absent_in_fallback: usize,
    /// Whether a branch key's version was in no region.
    pub(super) not_yet_replicated: bool,
    /// Whether it took too long.
    pub(super) exceeded: bool,
    /// How many items came with errors.
    pub(super) met: usize,
    /// Items that did not verify, and whatever else must never happen.
    pub(super) wrong: Vec<String>,
    /// How many items it sealed and opened at most.
    pub(super) items: usize,
    pub(super) took: Duration,
}

/// What was under a key.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) id: Id,
    pub(super) found: Found,
    /// In one of these.
    pub(super) regions: Vec<&'static str>,
}

/// A version that the caller was handed, or told that it wrote.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) id: Id,
    pub(super) version: u64,
    pub(super) trail: Vec<OpId>,
    pub(super) read: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Stale,
    Diverged,
}

/// What an error of a write says of whether it happened.
pub(super) trait Certainty: Error + Sized + 'static {
    fn told(&self, is_conditional: bool) -> Told;
}

impl<E: Error + 'static> Certainty for OperationError<E> {
    fn told(&self, is_conditional: bool) -> Told {
        match self {
            Self::OutcomeUnknown(_) => Told::Unknown,
            // Without a condition, nobody asks whether an earlier attempt was applied.
            Self::Sdk(_) if !is_conditional => Told::Unknown,
            _ => Told::NotDone,
        }
    }
}

impl Certainty for UpdateError {
    fn told(&self, _: bool) -> Told {
        match self {
            Self::OutcomeUnknown(_) => Told::Unknown,
            _ => Told::NotDone,
        }
    }
}

impl<E: Error + 'static> Certainty for TransactionError<E> {
    fn told(&self, _: bool) -> Told {
        match self {
            Self::OutcomeUnknown(_) => Told::Unknown,
            _ => Told::NotDone,
        }
    }
}

impl Outcome {
    pub(super) fn new(op: OpId, is: &schedule::Process, items: usize) -> Self {
        Self {
            op,
            local: is.region,
            home: is.home,
            words: Vec::new(),
            effects: Vec::new(),
            sights: Vec::new(),
            versions: Vec::new(),
            not_newest: Vec::new(),
            absent_in_fallback: 0,
            not_yet_replicated: false,
            exceeded: false,
            met: 0,
            wrong: Vec::new(),
            items,
            took: Duration::ZERO,
        }
    }

    pub(super) fn say(&mut self, words: impl Into<String>) {
        self.words.push(words.into());
    }

    pub(super) fn effect(&mut self, change: Change, told: Told) {
        self.effects.push(Effect {
            op: self.op,
            region: self.home,
            change,
            told,
            again: false,
        });
    }

    /// A write that failed.
    pub(super) fn failed_write<E: Certainty>(
        &mut self,
        id: Option<Id>,
        change: Change,
        error: &E,
        is_conditional: bool,
    ) {
        self.failed(id, error);
        self.effect(change, error.told(is_conditional));
    }

    /// A write that is done, in the region that it says.
    pub(super) fn done(&mut self, change: Change, region: &str) {
        self.say("done");
        if region != self.home {
            let wrong = format!("written in {region} instead of {}", self.home);
            self.wrong.push(wrong);
        }
        self.effect(change, Told::Done);
    }

    /// What was there in the region that is written to.
    pub(super) fn met_at_home(&mut self, id: Id, found: Found) {
        self.saw(id, found, vec![self.home]);
    }

    pub(super) fn saw(&mut self, id: Id, found: Found, regions: Vec<&'static str>) {
        self.sights.push(Sight { id, found, regions });
    }

    /// An item that a read handed out, and the model of it.
    pub(super) fn read<T: Subject>(&mut self, id: Id, opened: OpenedItem) -> Option<T> {
        let region = opened.table_region().map(str::to_owned);
        let model = self.model::<T>(id, opened)?;
        let value = self.value(id, &model)?;
        let region = region.and_then(|region| region_of(&region));
        let Some(region) = region else {
            self.wrong.push(format!("{id:?} was read nowhere"));
            return None;
        };
        if region != self.local {
            self.say(format!("in {region}"));
        }
        self.version(id, model.version(), value.trail.clone(), true);
        self.saw(id, Found::Value(value), vec![region]);
        Some(model)
    }

    /// A read that found nothing. One of an item with a version may have found an old one, and nothing any
    /// more in the region that is written to.
    pub(super) fn read_nothing<T: Subject>(&mut self, id: Id, region: &'static str) {
        self.say(format!("{id:?} is absent"));
        let mut regions = vec![region];
        if T::WHICH == Which::Accounts {
            regions.push(self.home);
        }
        self.saw(id, Found::Nothing, regions);
    }

    /// An item as it was written.
    pub(super) fn wrote<T: Subject>(&mut self, id: Id, model: &T) {
        if let Some(value) = self.value(id, model) {
            self.version(id, model.version(), value.trail, false);
        }
    }

    pub(super) fn version(&mut self, id: Id, version: Option<u64>, trail: Vec<OpId>, read: bool) {
        let version = version.map(|version| Version {
            id,
            version,
            trail,
            read,
        });
        self.versions.extend(version);
    }

    /// An item that a failed condition met, in the region that is written to.
    pub(super) fn met<T: Subject>(&mut self, id: Id, item: Option<&Result<OpenedItem, OpenError>>) {
        self.items += usize::from(item.is_some());
        self.met += usize::from(item.is_some());
        match item {
            Some(Ok(opened)) => {
                let model = self.model::<T>(id, opened.clone());
                let value = model.and_then(|model| self.value(id, &model));
                if let Some(value) = value {
                    self.met_at_home(id, Found::Value(value));
                }
            }
            Some(Err(error)) => self.failed(Some(id), error),
            None => {}
        }
    }

    fn model<T: Subject>(&mut self, id: Id, opened: OpenedItem) -> Option<T> {
        let model = T::from_opened(opened);
        model.map_err(|error| self.failed(Some(id), &error)).ok()
    }

    fn value<T: Subject>(&mut self, id: Id, model: &T) -> Option<Value> {
        if model.id() != id {
            let wrong = format!("{:?} came in place of {id:?}", model.id());
            self.wrong.push(wrong);
        }
        match model.value() {
            Ok(value) => {
                self.say(format!("{id:?} is {value}"));
                Some(value)
            }
            Err(torn) => {
                self.wrong.push(torn);
                None
            }
        }
    }

    /// Something that failed, of an item or of the operation.
    pub(super) fn failed(&mut self, id: Option<Id>, error: &(dyn Error + 'static)) {
        let chain: Vec<_> = causes(error).collect();
        self.say(words_of(&chain));
        for error in chain {
            if error.is::<Stale>() {
                self.not_newest.push((id, Age::Stale));
            }
            if error.is::<Diverged>() {
                self.not_newest.push((id, Age::Diverged));
            }
            if let Some(absent) = error.downcast_ref::<AbsentInFallback>() {
                self.absent_elsewhere(id, absent);
            }
            self.exceeded |= error.is::<DeadlineExceeded>();
            self.not_yet_replicated |= error
                .downcast_ref::<KeyringError>()
                .is_some_and(|error| kinds(error).contains(&KeyringErrorKind::NotYetReplicated));
            if let Some(wrong) = must_not_happen(error) {
                self.wrong.push(wrong);
            }
        }
    }
}

impl Outcome {
    /// Said only of another region, in which nothing is.
    fn absent_elsewhere(&mut self, id: Option<Id>, absent: &AbsentInFallback) {
        let region = region_of(absent.region());
        match (id, region) {
            (Some(id), Some(region)) if region != self.local => {
                self.saw(id, Found::Nothing, vec![region]);
            }
            _ => self.wrong.push(absent.to_string()),
        }
        self.absent_in_fallback += 1;
    }
}

/// The messages, without the key's ARN, of which there is but one, and which is another in each run.
fn words_of(chain: &[&(dyn Error + 'static)]) -> String {
    let said: Vec<_> = chain.iter().map(ToString::to_string).collect();
    let said = said.join(": ");
    let is_arn = |word: &&str| word.contains("arn:");
    let words = said.split(' ').filter(|word| !is_arn(word));
    words.collect::<Vec<_>>().join(" ")
}

/// No fault changes what is stored or what is asked, so none is an excuse for these.
fn must_not_happen(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<OpenError>()
        && !matches!(error, OpenError::Keyring(_))
    {
        return Some(format!("an item did not verify: {error:?}"));
    }
    if let Some(error) = error.downcast_ref::<KeyringError>()
        && kinds(error).into_iter().any(is_of_other_data)
    {
        return Some(format!("a data key was not the item's: {error:?}"));
    }
    let refused = error.is::<Refused>().then(|| error.to_string());
    let refused = refused.or_else(|| error.is::<ModelMismatch>().then(|| error.to_string()));
    refused.or_else(|| error.is::<FreshnessError>().then(|| error.to_string()))
}

/// Of the error and of each attempt.
fn kinds(error: &KeyringError) -> Vec<KeyringErrorKind> {
    let attempts = error.attempts().iter().flat_map(kinds);
    attempts.chain([error.kind()]).collect()
}

/// Branch keys are rotated in one region, and none is ever erased.
fn is_of_other_data(kind: KeyringErrorKind) -> bool {
    use KeyringErrorKind::{
        BranchKeyNotFound, Erased, InvalidBranchKey, InvalidEncryptedDataKey, NoTenant, RolledBack,
        TenantMismatch, UnknownVersion, WrongKey,
    };
    matches!(
        kind,
        WrongKey
            | InvalidEncryptedDataKey
            | NoTenant
            | TenantMismatch
            | UnknownVersion
            | BranchKeyNotFound
            | Erased
            | RolledBack
            | InvalidBranchKey
    )
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let next = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    };
    std::iter::successors(Some(error), next)
}
