//! What a process has seen of items with a version, and so must notice the loss of.

use std::collections::BTreeMap;

use super::outcome::{Age, Outcome, Version};
use super::subject::{Id, OpId};

/// The newest that was seen, as far as it is certain.
#[derive(Clone, Debug)]
struct Seen {
    version: u64,
    /// None if it may be of several writes.
    trail: Option<Vec<OpId>>,
}

#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<Id, Seen>);

impl Memory {
    /// Checks what one process was handed in a step, and remembers it.
    ///
    /// A lost write is reported when a process that saw it reads an item whose version is not higher.
    pub(super) fn step(&mut self, outcomes: &[&Outcome]) -> Result<(), String> {
        let told = |of: Id, age: Age| {
            let mut told = outcomes.iter().flat_map(|outcome| &outcome.not_newest);
            told.any(|(id, which)| *which == age && id.is_none_or(|id| id == of))
        };
        let versions = || outcomes.iter().flat_map(|outcome| &outcome.versions);
        for read in versions().filter(|version| version.read) {
            let Some(seen) = self.0.get(&read.id) else {
                continue;
            };
            if read.version < seen.version {
                return Err(format!("{read:?} was handed out after {seen:?}"));
            }
            let is_same = seen.trail.as_ref().is_none_or(|trail| *trail == read.trail);
            if read.version == seen.version && !is_same && !told(read.id, Age::Diverged) {
                return Err(format!("{read:?} was handed out in place of {seen:?}"));
            }
        }
        for version in versions() {
            self.note(version);
        }
        for (id, seen) in &mut self.0 {
            // From then on, what is stored counts as seen.
            if told(*id, Age::Diverged) {
                seen.trail = None;
            }
        }
        Ok(())
    }

    fn note(&mut self, new: &Version) {
        let trail = Some(new.trail.clone());
        let noted = Seen {
            version: new.version,
            trail,
        };
        match self.0.get_mut(&new.id) {
            Some(seen) if seen.version > new.version => {}
            Some(seen) if seen.version == new.version => {
                if seen.trail != noted.trail {
                    seen.trail = None;
                }
            }
            _ => {
                self.0.insert(new.id, noted);
            }
        }
    }
}
