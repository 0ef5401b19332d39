//! One run: the cloud, its processes, and what is known of them from step to step.

use std::collections::BTreeMap;
use std::time::Duration;

use dynaseal::error::FaultClass;
use dynaseal::observe::{BreakerState, Service};
use dynaseal::testkit::{
    self, Cloud, Fault, KeyType, MultiRegionKey, TableDefinition, VirtualTime,
};
use futures_util::future::join_all;

use super::auditor::{Auditor, Look};
use super::branch_keys::BranchKeys;
use super::clock::{Clock, exactly};
use super::custody::{Disabled, Situation};
use super::invariants::{self, Did};
use super::keyrings::KeyringChoice;
use super::ledger::Ledger;
use super::memory::Memory;
use super::operate;
use super::outcome::{Age, Outcome, Sight};
use super::prng::Prng;
use super::process::Process;
use super::replicas::{Place, Replicas};
use super::schedule::{BYSTANDER, Disturbance, KeyCondition, Op, REGIONS, Schedule, Step, Verb};
use super::story::{Effect, Told};
use super::subject::{IDS, OpId, Which};
use super::watch::{Call, Watch};

/// What a run was like.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// All that happened, line by line.
    pub(super) log: Vec<String>,
    /// How often what is under test had an occasion.
    pub(super) occasions: BTreeMap<&'static str, usize>,
}

pub(super) struct World {
    cloud: Cloud,
    key: MultiRegionKey,
    time: VirtualTime,
    clock: Clock,
    auditor: Auditor,
    processes: Vec<Process>,
    choice: KeyringChoice,
    branch_keys: Option<BranchKeys>,
    ledger: Ledger,
    /// Keys that were made by processes that are gone.
    made_before: u32,
    memories: Vec<Memory>,
    replicas: Replicas,
    weather: BTreeMap<&'static str, Weather>,
    step: usize,
    pub(super) report: Report,
}

/// What was done to a region since it last recovered.
#[derive(Debug)]
struct Weather {
    key: KeyCondition,
    disabled: Disabled,
    /// Of KMS, and whether they strike every call.
    faults: Vec<(Fault, bool)>,
    /// Whether DynamoDB has any.
    tables_fail: bool,
    /// The last step in which it had.
    tables_failed: usize,
}

impl World {
    pub(super) async fn start(schedule: &Schedule, waits: Prng) -> Self {
        let all = REGIONS.into_iter().chain([BYSTANDER]);
        let cloud = Cloud::start(all.clone()).await.unwrap();
        let key = cloud.create_multi_region_key(BYSTANDER, REGIONS);
        let key = key.await.unwrap();
        for which in Which::ALL {
            let definition = TableDefinition::new(which.table())
                .partition_key("owner", KeyType::S)
                .sort_key("number", KeyType::N);
            cloud.create_global_table(&definition).await.unwrap();
        }
        let time = VirtualTime::of(&cloud).in_turn();
        let clock = Clock::new(time.clone(), waits);
        let choice = schedule.keyring;
        let mut ledger = Ledger::default();
        let branch_keys = if choice.has_key_store() {
            let watch = Watch::of_keys(&time);
            let home = schedule.rotates_in;
            let config = cloud.sdk_config(home).into_builder();
            let config = config.sleep_impl(clock.clone()).time_source(clock.clone());
            let config = config.build();
            let all = BranchKeys::start(&cloud, &key, home, &config, &watch);
            let all = time.run(Box::pin(all)).await;
            watch.take();
            cloud.reset_calls();
            ledger.follow(watch);
            Some(all)
        } else {
            None
        };
        let auditor = Auditor::new(&choice, &cloud, &key);
        let start = |is| Process::start(is, &choice, &cloud, &key, &clock, Duration::ZERO);
        let processes: Vec<_> = schedule.processes.iter().map(start).collect();
        let fair = |region| {
            let weather = Weather {
                key: KeyCondition::Enabled,
                disabled: Disabled::default(),
                faults: Vec::new(),
                tables_fail: false,
                tables_failed: 0,
            };
            (region, weather)
        };
        let mut report = Report::default();
        report.log.push(format!("{choice:?}"));
        let log = schedule.processes.iter().map(|is| format!("{is:?}"));
        report.log.extend(log);
        Self {
            auditor,
            choice,
            branch_keys,
            ledger,
            made_before: 0,
            memories: processes.iter().map(|_| Memory::default()).collect(),
            processes,
            replicas: Replicas::new(places()),
            weather: REGIONS.into_iter().map(fair).collect(),
            step: 0,
            report,
            cloud,
            key,
            time,
            clock,
        }
    }

    pub(super) async fn run(&mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            self.step += 1;
            self.note(format!("{step:?}"));
            self.take(step).await?;
        }
        self.get_well().await
    }

    async fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Operate(ops, meanwhile) => {
                self.operate(ops, meanwhile.as_ref()).await?;
            }
            Step::Disturb(disturbance) => self.disturb(disturbance),
            Step::Replicate => self.replicate().await?,
            Step::Wait(duration) => self.time.run(self.time.sleep(*duration)).await,
            Step::Rotate(tenant) => self.rotate(*tenant).await?,
            Step::Restart(process) => self.restart(*process),
        }
        Ok(())
    }

    async fn operate(
        &mut self,
        ops: &[Op],
        meanwhile: Option<&(Duration, Disturbance)>,
    ) -> Result<Vec<Outcome>, String> {
        let refused = self.refused(meanwhile.map(|(_, disturbance)| disturbance));
        let begun = self.time.elapsed();
        self.ledger.take_down(&self.cloud)?;
        self.note_failing_tables();
        self.note_lag();
        let outcomes = self.perform(ops, meanwhile).await?;
        if let Some((_, disturbance)) = meanwhile {
            self.remember(disturbance);
            self.note_failing_tables();
        }
        for (op, outcome) in ops.iter().zip(&outcomes) {
            let region = REGIONS[op.process];
            self.note(format!(
                "  {region} {}: {}",
                outcome.op,
                outcome.words.join("; ")
            ));
        }
        self.check_calls(ops, &outcomes, refused, begun)?;
        self.check_keys(ops, &outcomes, begun, meanwhile.is_some())?;
        self.check_stored(ops, &outcomes).await?;
        self.check_memories(ops, &outcomes)?;
        Ok(outcomes)
    }

    async fn perform(
        &self,
        ops: &[Op],
        meanwhile: Option<&(Duration, Disturbance)>,
    ) -> Result<Vec<Outcome>, String> {
        let operations = ops
            .iter()
            .map(|op| operate::perform(op, &self.processes[op.process], &self.time));
        let disturb = async {
            if let Some((after, disturbance)) = meanwhile {
                self.time.sleep(*after).await;
                disturbance.apply(&self.cloud, &self.key);
            }
        };
        let is_plain = self.choice.is_plain();
        let both = async {
            let both = tokio::join!(join_all(operations), disturb);
            if !is_plain {
                // What goes on in the background is left nowhere on the wire.
                self.time.sleep(exactly(1)).await;
            }
            both
        };
        // Virtual time waits for ever for whoever waits for nothing.
        let both = self.time.run(Box::pin(both));
        let both = tokio::time::timeout(ALL_TOO_LONG, both).await;
        both.map(|(outcomes, ())| outcomes)
            .map_err(|_| "an operation never ends".to_owned())
    }

    /// Which processes' local regions can but refuse to work with the key in the next step.
    fn refused(&self, meanwhile: Option<&Disturbance>) -> Vec<bool> {
        let refused = |process: &Process| {
            let (is, weather) = (&process.is, &self.weather[process.is.region]);
            let is_quiet = process.keys.breaker(Service::Kms, is.region) == BreakerState::Closed;
            let by_key = match weather.key {
                KeyCondition::Enabled => false,
                KeyCondition::Disabled => true,
                // What `DescribeKey` said when it was being created counts for half a minute.
                KeyCondition::PendingDeletion | KeyCondition::Creating | KeyCondition::Missing => {
                    !is.on_replica_missing
                }
            };
            let by_fault = match weather.faults.as_slice() {
                [] => by_key,
                [(Fault::Status(400, "AccessDeniedException"), true)] => true,
                _ => false,
            };
            is_quiet && by_fault && meanwhile.is_none()
        };
        self.processes.iter().map(refused).collect()
    }

    fn check_calls(
        &mut self,
        ops: &[Op],
        outcomes: &[Outcome],
        refused: Vec<bool>,
        begun: Duration,
    ) -> Result<(), String> {
        let is_left_over = !self.choice.is_plain();
        let did = |(process, was_refused): (&Process, bool)| {
            let (calls, fallbacks, hedges) = process.take();
            Did {
                calls,
                fallbacks,
                hedges,
                was_refused,
                begun,
                is_left_over,
            }
        };
        let did: Vec<Did> = self.processes.iter().zip(refused).map(did).collect();
        for (process, did) in self.processes.iter().zip(&did) {
            for fallback in &did.fallbacks {
                self.report
                    .log
                    .push(format!("  {} {fallback:?}", process.is.region));
            }
            invariants::calls_stay_in_their_set(process, did)?;
            invariants::tables_are_asked_by_policy(process, did)?;
            invariants::fallbacks_are_allowed(process, did)?;
            invariants::a_refusal_is_final(process, did)?;
            invariants::retries_are_within_budget(process, self.time.elapsed())?;
        }
        self.ledger.take_down(&self.cloud)?;
        self.ledger.told(&did);
        self.ledger.every_call_is_told(self.choice.is_plain())?;
        let now = self.time.elapsed();
        for (process, did) in self.processes.iter_mut().zip(&did) {
            process.custody.note(&self.choice, did, now);
        }
        for (op, outcome) in ops.iter().zip(outcomes) {
            invariants::attempts_are_few(outcome, &did[op.process])?;
            let process = &self.processes[op.process];
            invariants::consistent_reads_stay(process, op, &did[op.process])?;
            invariants::nothing_is_known_by_hearsay(outcome, &did[op.process])?;
            invariants::ends_in_time(process, op, outcome)?;
            self.report
                .add("absent in a fallback region", outcome.absent_in_fallback);
            self.report
                .add("deadlines exceeded", usize::from(outcome.exceeded));
            if let Some(wrong) = outcome.wrong.first() {
                return Err(format!("operation {}: {wrong}", outcome.op));
            }
        }
        for (process, did) in self.processes.iter().zip(&did) {
            count(&mut self.report, process, did);
        }
        Ok(())
    }

    fn check_keys(
        &mut self,
        ops: &[Op],
        outcomes: &[Outcome],
        begun: Duration,
        is_disturbed: bool,
    ) -> Result<(), String> {
        self.note_lag();
        let made = self.processes.iter().map(|process| process.custody.made());
        let made = self.made_before + made.sum::<u32>();
        let versions = self.branch_keys.as_ref().map(|all| all.count(&self.cloud));
        let now = self.time.elapsed();
        for (index, process) in self.processes.iter_mut().enumerate() {
            let disabled = self.weather[process.is.region].disabled;
            let situation = Situation {
                begun,
                now,
                disabled_since: disabled.0.filter(|_| !is_disturbed),
                keys: versions.unwrap_or(made),
            };
            let own = ops.iter().zip(outcomes);
            let own = own.filter(|(op, _)| op.process == index);
            let own: Vec<_> = own.map(|(_, outcome)| outcome).collect();
            let in_region = |problem| format!("{}: {problem}", process.is.region);
            for outcome in &own {
                let kept = (process.custody).is_not_overdrawn(&self.choice, &situation, outcome);
                let kept = kept.map_err(in_region)?;
                self.report
                    .add("worked with a key that is disabled", usize::from(kept));
                if outcome.not_yet_replicated {
                    self.report.add("not yet replicated", 1);
                    let lag = self.branch_keys.as_ref();
                    if !lag.is_some_and(|all| all.lag(&process.is, begun)) {
                        return Err(in_region("nothing lags".to_owned()));
                    }
                }
            }
            let items = own.iter().map(|outcome| outcome.items).sum();
            let few = process
                .custody
                .keys_are_few(&self.choice, &situation, items);
            few.map_err(in_region)?;
        }
        Ok(())
    }

    fn note_lag(&mut self) {
        let now = self.time.elapsed();
        if let Some(all) = &mut self.branch_keys {
            all.look(&self.cloud, now);
        }
    }

    async fn rotate(&mut self, tenant: u8) -> Result<(), String> {
        self.note_lag();
        let Some(all) = &self.branch_keys else {
            return Ok(());
        };
        let rotated = self.time.run(Box::pin(all.rotate(tenant))).await;
        all.show_the_auditor(&self.cloud).await;
        self.report.add("rotated", usize::from(rotated.is_ok()));
        self.note(format!("  {rotated:?}"));
        self.note_lag();
        Ok(())
    }

    async fn check_stored(&mut self, ops: &[Op], outcomes: &[Outcome]) -> Result<(), String> {
        let mut effects: BTreeMap<Place, Vec<Effect>> = BTreeMap::new();
        for (op, outcome) in ops.iter().zip(outcomes) {
            for effect in &outcome.effects {
                let place = (op.which, effect.region);
                let again = self.processes[op.process].is.max_attempts > 1
                    && self.weather[effect.region].tables_failed == self.step;
                if effect.told == Told::Unknown {
                    self.report.add("outcome unknown", 1);
                }
                let effect = effect.clone();
                let effects = effects.entry(place).or_default();
                effects.push(Effect { again, ..effect });
            }
        }
        self.check_sights(ops, outcomes, &effects)?;
        for place in places() {
            let effects = effects.remove(&place).unwrap_or_default();
            let look = self.auditor.look(&self.cloud, place.0, place.1).await?;
            self.replicas.step(self.step, place, &effects, look)?;
        }
        Ok(())
    }

    fn check_sights(
        &self,
        ops: &[Op],
        outcomes: &[Outcome],
        effects: &BTreeMap<Place, Vec<Effect>>,
    ) -> Result<(), String> {
        let stories = places().map(|place| {
            let effects = effects.get(&place).map_or(&[][..], Vec::as_slice);
            (place, self.replicas.stories(place, effects))
        });
        let stories: BTreeMap<_, _> = stories.collect();
        for (op, outcome) in ops.iter().zip(outcomes) {
            for Sight { id, found, regions } in &outcome.sights {
                let shown = |region| stories[&(op.which, region)].show(*id, found);
                let mut unexplained = regions.iter().map(|region| shown(*region).err());
                if let Some(Some(last)) = unexplained.by_ref().reduce(Option::and) {
                    return Err(format!("operation {} in {regions:?}: {last}", op.id));
                }
            }
        }
        Ok(())
    }

    fn check_memories(&mut self, ops: &[Op], outcomes: &[Outcome]) -> Result<(), String> {
        for (index, memory) in self.memories.iter_mut().enumerate() {
            let own = ops.iter().zip(outcomes);
            let own = own.filter(|(op, _)| op.process == index && op.which == Which::Accounts);
            let own: Vec<_> = own.map(|(_, outcome)| outcome).collect();
            let in_region = |problem| format!("{}: {problem}", REGIONS[index]);
            memory.step(&own).map_err(in_region)?;
            for (_, age) in own.iter().flat_map(|outcome| &outcome.not_newest) {
                self.report.add(
                    match age {
                        Age::Stale => "stale",
                        Age::Diverged => "diverged",
                    },
                    1,
                );
            }
        }
        Ok(())
    }

    fn disturb(&mut self, disturbance: &Disturbance) {
        disturbance.apply(&self.cloud, &self.key);
        self.remember(disturbance);
    }

    fn remember(&mut self, disturbance: &Disturbance) {
        match disturbance {
            Disturbance::Fail {
                region,
                service: testkit::Service::Kms,
                fault,
                on,
                times,
            } => {
                let strikes_always = on.is_none() && times.is_none();
                let weather = self.weather.get_mut(region).unwrap();
                weather.faults.push((*fault, strikes_always));
            }
            Disturbance::Fail { region, .. } => {
                self.weather.get_mut(region).unwrap().tables_fail = true;
            }
            Disturbance::Key(region, condition) => {
                let now = self.time.elapsed();
                let weather = self.weather.get_mut(region).unwrap();
                weather.key = *condition;
                weather.disabled.becomes(*condition, now);
            }
            Disturbance::Recover(region) => {
                let weather = self.weather.get_mut(region).unwrap();
                weather.faults.clear();
                weather.tables_fail = false;
            }
            Disturbance::Cut(region) => self.replicas.cut(region),
            Disturbance::Heal(region) => self.replicas.heal(region),
        }
    }

    fn note_failing_tables(&mut self) {
        let failing = self.weather.values_mut();
        for weather in failing.filter(|weather| weather.tables_fail) {
            weather.tables_failed = self.step;
        }
    }

    async fn replicate(&mut self) -> Result<(), String> {
        self.note_lag();
        let replicated = self.cloud.replicate().await;
        assert!(replicated.failures().is_empty(), "{replicated:?}");
        let mut looks: BTreeMap<Place, Look> = BTreeMap::new();
        for place in places() {
            let look = self.auditor.look(&self.cloud, place.0, place.1).await?;
            looks.insert(place, look);
        }
        let undone = self.replicas.replicated(&looks)?;
        self.report.add("undone by the last writer", undone.0);
        Ok(())
    }

    fn restart(&mut self, index: usize) {
        let process = &mut self.processes[index];
        let now = self.time.elapsed();
        self.made_before += process.custody.made();
        for watch in [&process.watch, &process.keys] {
            self.ledger.follow(watch.clone());
        }
        let new = Process::start(
            &process.is,
            &self.choice,
            &self.cloud,
            &self.key,
            &self.clock,
            now,
        );
        *process = new;
        self.memories[index] = Memory::default();
    }

    /// Everything is repaired: all regions come to hold the same, and everybody reads it.
    async fn get_well(&mut self) -> Result<(), String> {
        self.note("everything is repaired".to_owned());
        for region in REGIONS {
            self.disturb(&Disturbance::Recover(region));
            self.disturb(&Disturbance::Key(region, KeyCondition::Enabled));
            self.disturb(&Disturbance::Heal(region));
        }
        self.step += 1;
        self.replicate().await?;
        self.replicas.agree()?;
        self.time
            .run(self.time.sleep(LONGER_THAN_ANY_BREAKER))
            .await;
        for process in 0..REGIONS.len() {
            for which in Which::ALL {
                self.comes_home(process, which).await?;
            }
        }
        self.comes_to_rest().await
    }

    /// In the end nothing is under way, and every call was told.
    async fn comes_to_rest(&mut self) -> Result<(), String> {
        let rest = self.time.sleep(LONGER_THAN_ANY_BREAKER);
        self.time.run(rest).await;
        self.operate(&[], None).await?;
        self.ledger.every_call_is_told(true)
    }

    /// A process reads all that there is. A breaker lets one probe through at a time and takes two of them,
    /// so the first batches may be refused in part.
    async fn comes_home(&mut self, process: usize, which: Which) -> Result<(), String> {
        let mut words = Vec::new();
        for _ in 0..3 {
            let read = Op {
                id: OpId::MAX,
                process,
                which,
                verb: Verb::BatchGet(IDS.to_vec()),
            };
            self.step += 1;
            let mut outcomes = self.operate(&[read], None).await?;
            let outcome = outcomes.pop().unwrap();
            // A loss is told, and that is an answer too.
            let told = outcome.not_newest.iter().filter(|(id, _)| id.is_some());
            if outcome.sights.len() + told.count() == IDS.len() {
                return Ok(());
            }
            words = outcome.words;
        }
        let region = REGIONS[process];
        Err(format!("{region} does not come home: {words:?}"))
    }

    fn note(&mut self, line: String) {
        let elapsed = self.time.elapsed().as_secs_f64();
        self.report
            .log
            .push(format!("{:>3} {elapsed:>9.3} {line}", self.step));
    }
}

/// Every open period is over by then, and `DescribeKey` is asked again.
const LONGER_THAN_ANY_BREAKER: Duration = Duration::from_secs(80);

/// In real time, which an operation takes next to nothing of.
const ALL_TOO_LONG: Duration = Duration::from_secs(100);

fn places() -> impl Iterator<Item = Place> {
    let regions = REGIONS.into_iter().chain([BYSTANDER]);
    regions.flat_map(|region| Which::ALL.map(|which| (which, region)))
}

fn count(report: &mut Report, process: &Process, did: &Did) {
    let is_away = |call: &&Call| call.region != process.is.region;
    let items = || did.calls.iter().filter(|call| call.is_for_an_item());
    report.add("KMS calls away", items().filter(is_away).count());
    report.add("hedges", did.hedges);
    if did.was_refused {
        report.add("KMS calls refused", items().count());
    }
    for fallback in &did.fallbacks {
        report.add(
            match (fallback.service, fallback.cause) {
                (Service::Kms, None) => "KMS fallbacks from an open breaker",
                (Service::Kms, Some(FaultClass::Throttled)) => "KMS fallbacks after throttling",
                (Service::Kms, Some(FaultClass::ReplicaMissing)) => "KMS fallbacks of a replica",
                (Service::Kms, _) => "KMS fallbacks after a failure",
                _ => "table fallbacks",
            },
            1,
        );
    }
}

impl Report {
    /// What an ordinary number of runs comes across.
    pub(super) const OCCASIONS: [&'static str; 17] = [
        "KMS calls away",
        "KMS calls refused",
        "KMS fallbacks after a failure",
        "KMS fallbacks after throttling",
        "KMS fallbacks from an open breaker",
        "KMS fallbacks of a replica",
        "absent in a fallback region",
        "deadlines exceeded",
        "diverged",
        "hedges",
        "not yet replicated",
        "outcome unknown",
        "rotated",
        "stale",
        "table fallbacks",
        "undone by the last writer",
        "worked with a key that is disabled",
    ];

    fn add(&mut self, occasion: &'static str, count: usize) {
        *self.occasions.entry(occasion).or_default() += count;
    }
}
