//! The two models, without and with a version, and what a value says of its own history.

use std::fmt;

use dynaseal::item::{Model, PartitionAndSortKey};
use dynaseal::{Seal, Unsigned};
use serde::{Deserialize, Serialize};

/// Stands in every encrypted attribute, and so nowhere in what is stored.
pub(super) const SECRET: &str = "chaos-plaintext-";

/// Partition and sort key. There are few, so that operations meet.
pub(super) type Id = (u8, u8);

pub(super) const IDS: [Id; 4] = [(0, 0), (0, 1), (0, 2), (1, 0)];

pub(super) fn key(id: Id) -> (String, u64) {
    (owner(id.0), u64::from(id.1))
}

pub(super) fn owner(owner: u8) -> String {
    format!("owner-{owner}")
}

pub(super) fn id_of(owner: &str, number: u64) -> Id {
    let owner = owner.strip_prefix("owner-").unwrap();
    (owner.parse().unwrap(), u8::try_from(number).unwrap())
}

/// The number of an operation. Each one writes its own, so a value tells who made it.
pub(super) type OpId = u32;

/// What an item holds: the write that made it and the updates since, in order; and how often it was
/// viewed since it was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Value {
    pub(super) trail: Vec<OpId>,
    pub(super) views: u64,
}

impl Value {
    pub(super) fn made_by(op: OpId) -> Self {
        Self {
            trail: vec![op],
            views: 0,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.trail)?;
        match self.views {
            0 => Ok(()),
            views => write!(f, " viewed {views} times"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    Notes,
    Accounts,
}

impl Which {
    pub(super) const ALL: [Self; 2] = [Self::Notes, Self::Accounts];

    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Notes => "notes",
            Self::Accounts => "accounts",
        }
    }
}

/// A model under test.
pub(super) trait Subject:
    Model<KeyShape = PartitionAndSortKey> + Clone + Send + Sync + 'static
{
    const WHICH: Which;

    fn made_by(id: Id, op: OpId) -> Self;

    /// The same item, made anew.
    fn replaced_by(&self, op: OpId) -> Self;

    fn append(&mut self, op: OpId);

    fn id(&self) -> Id;

    /// Its history, if its parts are of one write.
    fn value(&self) -> Result<Value, String>;

    fn version(&self) -> Option<u64>;
}

#[derive(Clone, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
pub(super) struct Note {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u64,
    #[seal(tenant)]
    tenant: String,
    secret: String,
    trail: Vec<OpId>,
    #[seal(sign)]
    turn: OpId,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

#[derive(Clone, Serialize, Deserialize, Seal)]
#[seal(table = "accounts", default = "encrypt")]
pub(super) struct Account {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u64,
    #[seal(tenant)]
    tenant: String,
    secret: String,
    trail: Vec<OpId>,
    #[seal(sign)]
    turn: OpId,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
    #[seal(version)]
    version: u64,
}

fn secret(op: OpId) -> String {
    format!("{SECRET}{op}")
}

macro_rules! subject {
    ($model:ident, $which:ident, [$($version:ident)?]) => {
        impl Subject for $model {
            const WHICH: Which = Which::$which;

            fn made_by(id: Id, op: OpId) -> Self {
                let (owner, number) = key(id);
                Self {
                    tenant: owner.clone(),
                    owner,
                    number,
                    secret: secret(op),
                    trail: vec![op],
                    turn: op,
                    views: Unsigned::new(0),
                    $($version: 0,)?
                }
            }

            fn replaced_by(&self, op: OpId) -> Self {
                Self {
                    $($version: self.$version,)?
                    ..Self::made_by(self.id(), op)
                }
            }

            fn append(&mut self, op: OpId) {
                self.trail.push(op);
                self.turn = op;
                self.secret = secret(op);
            }

            fn id(&self) -> Id {
                id_of(&self.owner, self.number)
            }

            fn value(&self) -> Result<Value, String> {
                let last = self.trail.last().copied();
                if last != Some(self.turn) || self.secret != secret(self.turn) {
                    return Err(format!("{:?} has parts of several writes", self.id()));
                }
                Ok(Value {
                    trail: self.trail.clone(),
                    views: *self.views.unauthenticated(),
                })
            }

            fn version(&self) -> Option<u64> {
                [$(self.$version)?].first().copied()
            }
        }
    };
}

subject!(Note, Notes, []);
subject!(Account, Accounts, [version]);
