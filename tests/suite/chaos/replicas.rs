//! What each region holds, since when, and what replication may make of it.

use std::collections::{BTreeMap, BTreeSet};

use super::auditor::Look;
use super::story::{Effect, Stories, Told};
use super::subject::{Id, OpId, Value, Which};

/// When the item under a key was last written, by the number of the step: at least then, and at most then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Written {
    surely: usize,
    perhaps: usize,
}

#[derive(Clone, Debug, Default)]
struct Replica {
    holds: Look,
    written: BTreeMap<Id, Written>,
}

/// A table in a region.
pub(super) type Place = (Which, &'static str);

/// All tables in all regions, as they were at the last look.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    all: BTreeMap<Place, Replica>,
    cut: BTreeSet<&'static str>,
}

/// Writes that the last writer of another region undid.
#[derive(Debug, Default)]
pub(super) struct Undone(pub(super) usize);

impl Replicas {
    pub(super) fn new(places: impl IntoIterator<Item = Place>) -> Self {
        let all = places.into_iter().map(|place| (place, Replica::default()));
        Self {
            all: all.collect(),
            cut: BTreeSet::new(),
        }
    }

    pub(super) fn cut(&mut self, region: &'static str) {
        self.cut.insert(region);
    }

    pub(super) fn heal(&mut self, region: &'static str) {
        self.cut.remove(region);
    }

    /// What may have happened since the last look.
    pub(super) fn stories<'a>(&'a self, place: Place, effects: &'a [Effect]) -> Stories<'a> {
        Stories::of(&self.all[&place].holds.state, effects)
    }

    /// Takes down what a step has left behind, which must be the end of one of its stories.
    pub(super) fn step(
        &mut self,
        step: usize,
        place: Place,
        effects: &[Effect],
        after: Look,
    ) -> Result<(), String> {
        let in_place = |problem| format!("{} in {}: {problem}", place.0.table(), place.1);
        let stories = self.stories(place, effects);
        stories.end_in(&after.state).map_err(in_place)?;
        let replica = self.all.get_mut(&place).unwrap();
        let may_have_happened = effects.iter().filter(|effect| effect.told != Told::NotDone);
        for id in may_have_happened.flat_map(|effect| effect.change.ids()) {
            let written = replica.written.entry(id).or_default();
            written.perhaps = step;
            if replica.holds.state.get(&id) != after.state.get(&id) {
                written.surely = step;
            }
        }
        replica.holds = after;
        Ok(())
    }

    /// Takes down what replication has left behind: under each key, in all regions that take part, what was
    /// written last in any of them.
    pub(super) fn replicated(&mut self, after: &BTreeMap<Place, Look>) -> Result<Undone, String> {
        let mut undone = Undone::default();
        for which in Which::ALL {
            let takes_part = |place: &&Place| place.0 == which && !self.cut.contains(place.1);
            let places: Vec<Place> = self.all.keys().filter(takes_part).copied().collect();
            let ids = places.iter().flat_map(|place| {
                let before = self.all[place].written.keys();
                before.chain(after[place].state.keys()).copied()
            });
            for id in ids.collect::<BTreeSet<Id>>() {
                self.last_writer_won(id, &places, after, &mut undone)?;
            }
        }
        for (place, replica) in &mut self.all {
            if self.cut.contains(place.1) && replica.holds != after[place] {
                return Err(format!("{place:?} was cut off and changed"));
            }
            replica.holds = after[place].clone();
        }
        Ok(undone)
    }

    fn last_writer_won(
        &mut self,
        id: Id,
        places: &[Place],
        after: &BTreeMap<Place, Look>,
        undone: &mut Undone,
    ) -> Result<(), String> {
        let written = |place: &Place| {
            let written = self.all[place].written.get(&id);
            written.copied().unwrap_or_default()
        };
        let there = |place: &Place| self.all[place].holds.state.get(&id);
        let last = places.iter().map(|place| written(place).surely).max();
        let last = last.unwrap_or_default();
        let may_win = places.iter().filter(|place| written(place).perhaps >= last);
        let may_win: Vec<_> = may_win.copied().collect();
        let now = after[&places[0]].state.get(&id);
        if let Some(other) = places
            .iter()
            .find(|place| after[*place].state.get(&id) != now)
        {
            return Err(format!("{id:?} differs in {other:?} after replication"));
        }
        if !may_win.iter().any(|place| there(place) == now) {
            let all: Vec<_> = places.iter().map(|p| (p, written(p), there(p))).collect();
            return Err(format!(
                "the last writer of {id:?} did not win:\n after  {now:?}\n before {all:?}"
            ));
        }
        let writes = |value: Option<&Value>| -> BTreeSet<OpId> {
            let trail = value.map(|value| value.trail.iter().copied());
            trail.into_iter().flatten().collect()
        };
        let lost = places
            .iter()
            .flat_map(|place| &writes(there(place)) - &writes(now));
        undone.0 += lost.collect::<BTreeSet<_>>().len();
        let won = Written {
            surely: last,
            perhaps: may_win
                .iter()
                .map(|p| written(p).perhaps)
                .max()
                .unwrap_or(last),
        };
        for place in places {
            self.all.get_mut(place).unwrap().written.insert(id, won);
        }
        Ok(())
    }

    /// Whether all regions hold the same.
    pub(super) fn agree(&self) -> Result<(), String> {
        for which in Which::ALL {
            let mut of = self.all.iter().filter(|(place, _)| place.0 == which);
            let (first, replica) = of.next().unwrap();
            if let Some((other, _)) = of.find(|(_, other)| other.holds != replica.holds) {
                return Err(format!("{first:?} and {other:?} differ in the end"));
            }
        }
        Ok(())
    }
}
