//! What processes do.

use super::REGIONS;
use crate::chaos::prng::Prng;
use crate::chaos::subject::{IDS, Id, OpId, Which};

/// One operation of one client.
#[derive(Clone, Debug)]
pub(in crate::chaos) struct Op {
    pub(in crate::chaos) id: OpId,
    pub(in crate::chaos) process: usize,
    pub(in crate::chaos) which: Which,
    pub(in crate::chaos) verb: Verb,
}

#[derive(Clone, Debug)]
pub(in crate::chaos) enum Verb {
    /// Replaces whatever is there; with a version, what was read before.
    Put(Id),
    PutIfNotExists(Id),
    /// On a condition of the caller's.
    PutIfExists(Id),
    Get {
        id: Id,
        consistent: bool,
    },
    Update {
        id: Id,
        exactly_once: bool,
    },
    View {
        id: Id,
        in_any_region: bool,
    },
    Delete(Id),
    DeleteIfExists(Id),
    Query(u8),
    Scan,
    BatchGet(Vec<Id>),
    BatchWrite {
        puts: Vec<Id>,
        deletes: Vec<Id>,
    },
    TransactWrite {
        make: Id,
        delete: Option<Id>,
        view: Option<Id>,
    },
    TransactGet(Vec<Id>),
}

/// Makes operations, each with a number of its own.
pub(super) struct Ops {
    pub(super) next: OpId,
}

impl Ops {
    pub(super) fn one(&mut self, process: usize, which: Which, verb: Verb) -> Op {
        let id = self.next;
        self.next += 1;
        Op {
            id,
            process,
            which,
            verb,
        }
    }

    /// An item under most keys.
    pub(super) fn first(&mut self, rng: &mut Prng) -> Vec<Op> {
        let all = Which::ALL.into_iter();
        let all = all.flat_map(|which| IDS.map(|id| (which, id)));
        let some: Vec<_> = all.filter(|_| rng.percent(80)).collect();
        let mut make = |(which, id)| {
            let process = rng.below(REGIONS.len());
            self.one(process, which, Verb::PutIfNotExists(id))
        };
        some.into_iter().map(&mut make).collect()
    }

    /// Operations at the same time. Most of them meet: they are of one process, or on one table.
    pub(super) fn some(&mut self, rng: &mut Prng) -> Vec<Op> {
        let (process, which) = (rng.below(REGIONS.len()), rng.pick(&Which::ALL));
        let of_one_process = rng.percent(60);
        let count = rng.weighted(&[(3, 1), (3, 2), (3, 3), (3, 5)]);
        let mut some = Vec::new();
        for _ in 0..count {
            let process = if of_one_process {
                process
            } else {
                rng.below(REGIONS.len())
            };
            let which = if rng.percent(75) {
                which
            } else {
                rng.pick(&Which::ALL)
            };
            some.push(self.one(process, which, Verb::random(which, rng)));
        }
        some
    }
}

impl Verb {
    /// By which operation of the API it writes, if it does.
    pub(super) fn write(&self) -> Option<&'static str> {
        Some(match self {
            Self::Put(_) | Self::PutIfNotExists(_) | Self::PutIfExists(_) => "PutItem",
            Self::Update {
                exactly_once: false,
                ..
            }
            | Self::View {
                in_any_region: false,
                ..
            } => "UpdateItem",
            Self::Delete(_) | Self::DeleteIfExists(_) => "DeleteItem",
            Self::BatchWrite { .. } => "BatchWriteItem",
            Self::Update { .. } | Self::TransactWrite { .. } => "TransactWriteItems",
            _ => return None,
        })
    }

    fn random(which: Which, rng: &mut Prng) -> Self {
        let id = rng.pick(&IDS);
        let kind = rng.weighted(&[
            (5, 0),
            (3, 1),
            (2, 2),
            (6, 3),
            (8, 4),
            (4, 5),
            (1, 6),
            (1, 7),
            (1, 8),
            (1, 9),
            (2, 10),
            (3, 11),
            (4, 12),
            (1, 13),
        ]);
        match kind {
            0 => Self::Put(id),
            1 => Self::PutIfNotExists(id),
            2 => Self::PutIfExists(id),
            3 => Self::Get {
                id,
                consistent: rng.percent(30),
            },
            4 => Self::Update {
                id,
                exactly_once: rng.percent(25),
            },
            5 => Self::View {
                id,
                in_any_region: rng.percent(20),
            },
            6 => Self::Delete(id),
            7 => Self::DeleteIfExists(id),
            8 => Self::Query(rng.pick(&IDS).0),
            9 => Self::Scan,
            10 => {
                let count = rng.between(1, IDS.len());
                Self::BatchGet(rng.some(&IDS, count))
            }
            11 => {
                let ids = rng.some(&IDS, 3);
                let puts = match which {
                    Which::Notes => rng.between(1, 3),
                    // Items with a version are not put in batches.
                    Which::Accounts => 0,
                };
                Self::BatchWrite {
                    puts: ids[..puts].to_vec(),
                    deletes: ids[puts..].to_vec(),
                }
            }
            12 => {
                let ids = rng.some(&IDS, 3);
                Self::TransactWrite {
                    make: ids[0],
                    delete: rng.percent(50).then(|| ids[1]),
                    view: rng.percent(50).then(|| ids[2]),
                }
            }
            _ => {
                let count = rng.between(1, 3);
                Self::TransactGet(rng.some(&IDS, count))
            }
        }
    }
}
