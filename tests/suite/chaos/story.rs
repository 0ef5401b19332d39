//! What may have happened: all states that a table can be in after some writes, in whatever order they
//! took effect, and whether what is stored is one of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::subject::{Id, OpId, Value};

/// What a table holds in one region.
pub(super) type State = BTreeMap<Id, Value>;

/// A write of an operation, as the caller was told of it.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) op: OpId,
    pub(super) region: &'static str,
    pub(super) change: Change,
    pub(super) told: Told,
    /// Whether its answer may have been lost, and it sent again.
    pub(super) again: bool,
}

/// What the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It happened.
    Done,
    /// It may have happened.
    Unknown,
    /// It did not happen.
    NotDone,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Replaces whatever is there.
    Put(Id),
    /// Makes an item where this history is; none, where nothing is.
    PutOver(Id, Option<Vec<OpId>>),
    /// Makes an item where any is.
    PutOverAny(Id),
    Append(Id),
    View(Id),
    /// Deletes whatever is there.
    Delete(Id),
    DeleteAny(Id),
    /// All of them or none.
    Together(Vec<Self>),
}

impl Change {
    /// What becomes of a state; `None` if this cannot happen to it.
    fn apply(&self, op: OpId, state: &State) -> Option<State> {
        let mut after = state.clone();
        match self {
            Self::Put(id) => {
                after.insert(*id, Value::made_by(op));
            }
            Self::PutOver(id, expected) => {
                let there = state.get(id).map(|value| &value.trail);
                if there != expected.as_ref() {
                    return None;
                }
                after.insert(*id, Value::made_by(op));
            }
            Self::PutOverAny(id) => {
                after.insert(*id, Value::made_by(op))?;
            }
            Self::Append(id) => after.get_mut(id)?.trail.push(op),
            Self::View(id) => after.get_mut(id)?.views += 1,
            Self::Delete(id) => {
                after.remove(id);
            }
            Self::DeleteAny(id) => {
                after.remove(id)?;
            }
            Self::Together(all) => {
                for change in all {
                    after = change.apply(op, &after)?;
                }
            }
        }
        Some(after)
    }

    /// Whether it happens twice if it is sent again. A condition of the caller's can hold once more after
    /// others have written; the one of a version, a footer or a token cannot.
    fn may_happen_twice(&self) -> bool {
        match self {
            Self::Put(_) | Self::PutOver(_, None) | Self::PutOverAny(_) => true,
            Self::Delete(_) | Self::DeleteAny(_) => true,
            Self::PutOver(_, Some(_)) | Self::Append(_) | Self::View(_) | Self::Together(_) => {
                false
            }
        }
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        match self {
            Self::Put(id)
            | Self::PutOver(id, _)
            | Self::PutOverAny(id)
            | Self::Append(id)
            | Self::View(id)
            | Self::Delete(id)
            | Self::DeleteAny(id) => vec![*id],
            Self::Together(all) => all.iter().flat_map(Self::ids).collect(),
        }
    }
}

/// What an operation saw of an item.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    Value(Value),
    Any,
    Nothing,
}

impl Found {
    fn fits(&self, there: Option<&Value>) -> bool {
        match self {
            Self::Value(value) => there == Some(value),
            Self::Any => there.is_some(),
            Self::Nothing => there.is_none(),
        }
    }
}

/// A point of a story: which effects have happened, as bits, and what is there.
type Point = (u32, State);

/// Everything that can have happened to a table between two looks at it.
pub(super) struct Stories<'a> {
    before: &'a State,
    effects: Vec<&'a Effect>,
    points: BTreeSet<Point>,
}

impl<'a> Stories<'a> {
    pub(super) fn of(before: &'a State, effects: &'a [Effect]) -> Self {
        let effects = effects.iter().filter(|e| e.told != Told::NotDone);
        let mut stories = Self {
            before,
            effects: effects.collect(),
            points: BTreeSet::new(),
        };
        stories.explore();
        stories
    }

    fn explore(&mut self) {
        let mut open = VecDeque::from([(0, self.before.clone())]);
        while let Some((happened, state)) = open.pop_front() {
            if !self.points.insert((happened, state.clone())) {
                continue;
            }
            for (bit, effect) in self.effects.iter().enumerate() {
                let bit = 1 << bit;
                let may_happen_twice = effect.again && effect.change.may_happen_twice();
                if happened & bit != 0 && !may_happen_twice {
                    continue;
                }
                if let Some(after) = effect.change.apply(effect.op, &state) {
                    open.push_back((happened | bit, after));
                }
            }
        }
    }

    /// Whether one of them ends like this, with everything in it that was said to be done.
    pub(super) fn end_in(&self, after: &State) -> Result<(), String> {
        let done = self.effects.iter().enumerate();
        let done = done.filter(|(_, effect)| effect.told == Told::Done);
        let done = done.fold(0, |bits, (bit, _)| bits | 1 << bit);
        let mut ends = self.points.iter();
        if ends.any(|(happened, state)| happened & done == done && state == after) {
            return Ok(());
        }
        let (before, effects) = (self.before, &self.effects);
        Err(format!(
            "nothing explains what is stored:\n before  {before:?}\n after   {after:?}\n effects {effects:?}"
        ))
    }

    /// Whether this can have been seen in one of them.
    pub(super) fn show(&self, id: Id, found: &Found) -> Result<(), String> {
        let mut states = self.points.iter().map(|(_, state)| state);
        if states.any(|state| found.fits(state.get(&id))) {
            return Ok(());
        }
        let (before, effects) = (self.before, &self.effects);
        Err(format!(
            "nothing explains what was read:\n before  {before:?}\n read    {id:?} {found:?}\n effects {effects:?}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Id = (0, 0);

    fn state(trail: &[OpId]) -> State {
        let value = Value {
            trail: trail.to_vec(),
            views: 0,
        };
        State::from([(ID, value)])
    }

    fn effect(op: OpId, change: Change, told: Told) -> Effect {
        let region = "here";
        Effect {
            op,
            region,
            change,
            told,
            again: false,
        }
    }

    #[test]
    fn knows_a_lost_update() {
        let (before, appended) = (state(&[1]), Change::Append(ID));
        let effects = [2, 3].map(|op| effect(op, appended.clone(), Told::Done));
        let stories = Stories::of(&before, &effects);
        stories.end_in(&state(&[1, 2, 3])).unwrap();
        stories.end_in(&state(&[1, 3, 2])).unwrap();
        stories.end_in(&state(&[1, 3])).unwrap_err();
        stories.end_in(&state(&[1, 2, 3, 2])).unwrap_err();
    }

    #[test]
    fn leaves_open_what_nobody_knows_and_rules_out_what_did_not_happen() {
        let before = state(&[1]);
        let of = |told| [effect(2, Change::Append(ID), told)];
        let ends = |told: Told, trail: &[OpId]| {
            Stories::of(&before, &of(told))
                .end_in(&state(trail))
                .is_ok()
        };
        assert!(ends(Told::Unknown, &[1]) && ends(Told::Unknown, &[1, 2]));
        assert!(ends(Told::NotDone, &[1]) && !ends(Told::NotDone, &[1, 2]));
        assert!(!ends(Told::Done, &[1]) && ends(Told::Done, &[1, 2]));
    }

    #[test]
    fn knows_what_can_have_been_read_in_between() {
        let before = State::new();
        let effects = [
            effect(1, Change::Put(ID), Told::Done),
            effect(2, Change::PutOver(ID, None), Told::Done),
        ];
        let stories = Stories::of(&before, &effects);
        stories.end_in(&state(&[1])).unwrap();
        stories.end_in(&state(&[2])).unwrap_err();
        for op in [1, 2] {
            stories.show(ID, &Found::Value(Value::made_by(op))).unwrap();
        }
        stories.show(ID, &Found::Nothing).unwrap();
        stories
            .show(ID, &Found::Value(Value::made_by(3)))
            .unwrap_err();
    }

    #[test]
    fn takes_into_account_what_is_sent_again() {
        let before = state(&[1]);
        let made = effect(3, Change::PutOver(ID, None), Told::Done);
        let mut deleted = effect(2, Change::DeleteAny(ID), Told::Done);
        for again in [false, true] {
            deleted.again = again;
            let effects = [deleted.clone(), made.clone()];
            let stories = Stories::of(&before, &effects);
            stories.end_in(&state(&[3])).unwrap();
            assert_eq!(stories.end_in(&State::new()).is_ok(), again);
        }
    }

    #[test]
    fn takes_a_transaction_as_a_whole() {
        let before = state(&[1]);
        let other = (0, 1);
        let both = Change::Together(vec![Change::PutOver(other, None), Change::Delete(ID)]);
        let effects = [effect(2, both, Told::Unknown)];
        let stories = Stories::of(&before, &effects);
        let after = State::from([(other, Value::made_by(2))]);
        stories.end_in(&after).unwrap();
        stories.end_in(&before).unwrap();
        stories.end_in(&State::new()).unwrap_err();
    }
}
