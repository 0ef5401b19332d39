//! What happens in a run: processes, steps, disturbances. A function of the seed alone.

mod disturbance;
mod operation;

use std::time::Duration;

use dynaseal::error::FaultClass;

pub(super) use self::disturbance::{Disturbance, KeyCondition};
use self::operation::Ops;
pub(super) use self::operation::{Op, Verb};
use super::clock::exactly;
use super::keyrings::KeyringChoice;
use super::prng::Prng;
use super::subject::{IDS, Which};

/// The regions that processes run in, one each.
pub(super) const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-south-1"];

/// A region by its name.
pub(super) fn region_of(name: &str) -> Option<&'static str> {
    REGIONS.into_iter().find(|region| *region == name)
}

/// A region that no process knows. The auditor reads there.
pub(super) const BYSTANDER: &str = "ca-central-1";

/// When a process asks another region's KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KmsPolicy {
    Never,
    OnUnavailable,
    OnUnavailableOrThrottled,
}

/// One process, as it is configured.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) region: &'static str,
    pub(super) fallbacks: Vec<&'static str>,
    /// Where it writes.
    pub(super) home: &'static str,
    /// Whether tables are read elsewhere when the local region fails.
    pub(super) reads_elsewhere: bool,
    /// Whether it asks a second region when the first is slow.
    pub(super) hedges: bool,
    /// How long an operation may take.
    pub(super) deadline: Duration,
    pub(super) kms: KmsPolicy,
    pub(super) on_replica_missing: bool,
    pub(super) max_attempts: u32,
    pub(super) retry_capacity: u32,
    pub(super) breaker_failures: u32,
}

impl Process {
    fn random(region: &'static str, rng: &mut Prng) -> Self {
        let others: Vec<_> = REGIONS.into_iter().filter(|name| *name != region).collect();
        let count = rng.weighted(&[(1, 0), (2, 1), (5, 2)]);
        let fallbacks = rng.some(&others, count);
        let elsewhere = fallbacks.first().copied().filter(|_| rng.percent(30));
        let reads_elsewhere = rng.percent(60);
        Self {
            region,
            home: elsewhere.unwrap_or(region),
            reads_elsewhere,
            hedges: reads_elsewhere && !fallbacks.is_empty() && rng.percent(70),
            deadline: exactly(rng.weighted(&[(1, 2000), (2, 5000), (2, 12_000), (3, 30_000)])),
            fallbacks,
            kms: rng.weighted(&[
                (3, KmsPolicy::Never),
                (4, KmsPolicy::OnUnavailable),
                (4, KmsPolicy::OnUnavailableOrThrottled),
            ]),
            on_replica_missing: rng.percent(40),
            max_attempts: u32::try_from(rng.between(1, 6)).unwrap(),
            retry_capacity: u32::try_from(rng.between(1, 12)).unwrap(),
            breaker_failures: u32::try_from(rng.between(2, 5)).unwrap(),
        }
    }

    /// Whether its policy lets a KMS request go elsewhere after this; `None` is a breaker that is open.
    ///
    /// Written down once more, since the library's own answer is what is under test.
    pub(super) fn allows(&self, cause: Option<FaultClass>) -> bool {
        match cause {
            None | Some(FaultClass::Unavailable) => self.kms != KmsPolicy::Never,
            Some(FaultClass::Throttled) => self.kms == KmsPolicy::OnUnavailableOrThrottled,
            Some(FaultClass::ReplicaMissing | FaultClass::ReplicaCreating) => {
                self.on_replica_missing
            }
            Some(_) => false,
        }
    }

    /// The local region and the fallbacks.
    pub(super) fn knows(&self, region: &str) -> bool {
        self.region == region || self.fallbacks.contains(&region)
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Operations at the same time, and what goes wrong while they are under way.
    Operate(Vec<Op>, Option<(Duration, Disturbance)>),
    Disturb(Disturbance),
    Replicate,
    Wait(Duration),
    /// A tenant's branch key gets a new version.
    Rotate(u8),
    /// A process ends and begins anew: it remembers nothing.
    Restart(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) keyring: KeyringChoice,
    /// Where branch keys are rotated.
    pub(super) rotates_in: &'static str,
    pub(super) processes: Vec<Process>,
    pub(super) steps: Vec<Step>,
}

/// How often a run operates, and how often processes compete besides.
const OPERATING_STEPS: usize = 13;

impl Schedule {
    pub(super) fn random(rng: &mut Prng) -> Self {
        let keyring = KeyringChoice::random(rng);
        let processes = REGIONS.map(|region| Process::random(region, rng));
        let apart = apart(&processes, rng);
        let mut ops = Ops { next: 0 };
        // Something to work on.
        let mut steps = vec![Step::Operate(ops.first(rng), None), Step::Replicate];
        for _ in 0..OPERATING_STEPS {
            between(&mut steps, rng);
            if rng.percent(12) {
                rivalry(&mut steps, &mut ops, rng);
            }
            if !keyring.is_plain() {
                between_keys(&mut steps, &mut ops, &keyring, rng);
            }
            if let Some(apart) = apart.filter(|_| keyring.has_key_store() && rng.percent(15)) {
                news(&mut steps, &mut ops, (apart, keyring.seals_for()), rng);
            }
            let meanwhile = rng.percent(15).then(|| {
                let millis = 500 * u64::try_from(rng.between(1, 6)).unwrap();
                (Duration::from_millis(millis), Disturbance::random(rng))
            });
            let some = ops.some(rng);
            if rng.percent(35) {
                steps.extend(lost_answers(&processes, &some, rng).map(Step::Disturb));
            }
            steps.push(Step::Operate(some, meanwhile));
        }
        Self {
            keyring,
            rotates_in: apart.map_or(REGIONS[0], |(writer, _)| REGIONS[writer]),
            processes: processes.into(),
            steps,
        }
    }
}

/// Two regions write one item, of which one write is lost, and then both read it.
fn rivalry(steps: &mut Vec<Step>, ops: &mut Ops, rng: &mut Prng) {
    let both = rng.some(&[0, 1, 2], 2);
    let id = rng.pick(&IDS);
    let mut update = |process| {
        let exactly_once = false;
        let op = ops.one(process, Which::Accounts, Verb::Update { id, exactly_once });
        Step::Operate(vec![op], None)
    };
    for _ in 0..rng.between(1, 2) {
        steps.push(update(both[0]));
    }
    steps.push(update(both[1]));
    steps.push(Step::Replicate);
    let read = |process| {
        let consistent = rng.percent(50);
        ops.one(process, Which::Accounts, Verb::Get { id, consistent })
    };
    steps.push(Step::Operate(both.into_iter().map(read).collect(), None));
}

/// What happens to kept keys besides: time passes, and some are rotated.
fn between_keys(steps: &mut Vec<Step>, ops: &mut Ops, keyring: &KeyringChoice, rng: &mut Prng) {
    if rng.percent(30) {
        let seconds = rng.pick(&[9, 17, 26, 41]);
        steps.push(Step::Wait(Duration::from_secs(seconds)));
    }
    if keyring.has_key_store() && rng.percent(25) {
        steps.push(Step::Rotate(rng.pick(&IDS).0));
    }
    if rng.percent(10) {
        revocation(steps, ops, keyring, rng);
    }
}

/// A process that writes elsewhere, and the one there, which does not know where it is from.
fn apart(processes: &[Process], rng: &mut Prng) -> Option<(usize, usize)> {
    let all = 0..processes.len();
    let pairs = all
        .clone()
        .flat_map(|writer| all.clone().map(move |reader| (writer, reader)));
    let pairs: Vec<_> = pairs
        .filter(|(writer, reader)| {
            let (writer, reader) = (&processes[*writer], &processes[*reader]);
            writer.home == reader.region && !reader.knows(writer.region)
        })
        .collect();
    (!pairs.is_empty()).then(|| rng.pick(&pairs))
}

/// An item comes to a region sooner than the version of the branch key that it is under.
fn news(
    steps: &mut Vec<Step>,
    ops: &mut Ops,
    ((writer, reader), ttl): ((usize, usize), Duration),
    rng: &mut Prng,
) {
    let (id, which) = (rng.pick(&IDS), rng.pick(&Which::ALL));
    steps.push(Step::Rotate(id.0));
    steps.push(Step::Wait(ttl));
    let get = Verb::Get {
        id,
        consistent: false,
    };
    for (process, verb) in [(writer, Verb::Put(id)), (reader, get)] {
        steps.push(Step::Operate(vec![ops.one(process, which, verb)], None));
    }
}

/// A process works, and loses its key, or KMS, for about as long as it keeps keys.
fn revocation(steps: &mut Vec<Step>, ops: &mut Ops, keyring: &KeyringChoice, rng: &mut Prng) {
    let process = rng.below(REGIONS.len());
    let region = REGIONS[process];
    let mut work = |rng: &mut Prng| {
        let (id, which) = (rng.pick(&IDS), rng.pick(&Which::ALL));
        let get = Verb::Get {
            id,
            consistent: false,
        };
        let both = [
            get,
            Verb::PutIfNotExists(id),
            Verb::Update {
                id,
                exactly_once: false,
            },
        ];
        let both = both.map(|verb| ops.one(process, which, verb));
        Step::Operate(both.into(), None)
    };
    steps.push(Step::Disturb(Disturbance::Recover(region)));
    steps.push(work(rng));
    steps.push(Step::Disturb(match rng.percent(50) {
        true => Disturbance::Key(region, KeyCondition::Disabled),
        false => Disturbance::kms_is_down(region),
    }));
    let time = rng.pick(&[keyring.seals_for(), keyring.opens_for()]);
    // Most often when a renewal is due, and when the time is over.
    for twentieths in rng.weighted(&[(3, [18, 3]), (1, [9, 12])]) {
        steps.push(Step::Wait(time * twentieths / 20));
        steps.push(work(rng));
    }
}

/// The hardest that can happen to a write: it is done, and nobody says so.
fn lost_answers(processes: &[Process], ops: &[Op], rng: &mut Prng) -> Option<Disturbance> {
    let writes = ops.iter().filter_map(|op| Some((op, op.verb.write()?)));
    let writes: Vec<_> = writes.collect();
    let (op, write) = writes.get(rng.below(writes.len().max(1)))?;
    let times = rng.between(1, 2);
    let region = processes[op.process].home;
    Some(Disturbance::lost_answers(region, write, times))
}

/// What happens between two steps in which somebody works.
fn between(steps: &mut Vec<Step>, rng: &mut Prng) {
    if rng.percent(35) {
        steps.push(Step::Replicate);
    }
    if rng.percent(12) {
        let seconds = rng.pick(&[1, 6, 31, 90]);
        steps.push(Step::Wait(Duration::from_secs(seconds)));
    }
    if rng.percent(5) {
        steps.push(Step::Restart(rng.below(REGIONS.len())));
    }
    if rng.percent(6) {
        steps.extend(Disturbance::everywhere(rng).map(Step::Disturb));
    }
    for _ in 0..rng.weighted(&[(3, 0), (5, 1), (2, 2)]) {
        steps.push(Step::Disturb(Disturbance::random(rng)));
    }
}
