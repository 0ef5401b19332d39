//! Counts against the services' own, over random operations and faults.

use std::time::Duration;

use aws_types::sdk_config::RetryConfig;
use dynaseal::expression::UpdateExpression;
use dynaseal::observe::{CallOutcome, Counters, Service as Asked, Snapshot};
use dynaseal::region::KmsFallback;
use dynaseal::table::{ReadPolicy, TransactGet, TransactWrite};
use dynaseal::testkit::{Fault, Service, VirtualTime};
use dynaseal::{KmsMrkKeyring, RegionSet};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Put(u32),
    PutNew(u32),
    Get(u32),
    Delete(u32),
    Update(u32),
    View(u32),
    Query,
    Scan,
    BatchGet,
    BatchWrite(u32),
    TransactGet(u32),
    TransactWrite(u32),
    /// The next requests to a service fail.
    Fail(Service, Fault, usize),
    /// Time passes.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let number = || 0_u32..4;
    let service = prop_oneof![Just(Service::Kms), Just(Service::DynamoDb)];
    let fault = prop_oneof![
        Just(Fault::Unavailable),
        Just(Fault::Hang),
        Just(Fault::LostResponse),
        Just(Fault::Status(500, "InternalServerError")),
        Just(Fault::Status(400, "ThrottlingException")),
        Just(Fault::Status(400, "AccessDeniedException")),
    ];
    prop_oneof![
        3 => number().prop_map(Put),
        1 => number().prop_map(PutNew),
        3 => number().prop_map(Get),
        1 => number().prop_map(Delete),
        2 => number().prop_map(Update),
        1 => number().prop_map(View),
        2 => Just(Query),
        1 => Just(Scan),
        2 => Just(BatchGet),
        1 => number().prop_map(BatchWrite),
        1 => number().prop_map(TransactGet),
        1 => number().prop_map(TransactWrite),
        4 => (service, fault, 1_usize..5).prop_map(|(service, fault, n)| Fail(service, fault, n)),
        1 => (1_u64..30).prop_map(Wait),
    ]
}

/// A table in two regions that falls over wherever it may, with retries.
struct Machine {
    stack: Stack,
    time: VirtualTime,
    counters: Counters,
    table: SealedTable<Note>,
    operations: u64,
}

impl Machine {
    async fn start() -> Self {
        let World { stack, .. } = World::with_notes().await;
        stack.cloud.replicate().await;
        stack.cloud.reset_calls();
        let time = VirtualTime::of(&stack.cloud);
        let config = stack.cloud.sdk_config_at(US, &time).into_builder();
        let config = config.retry_config(RetryConfig::standard().with_max_attempts(3));
        let counters = Counters::new();
        let regions = RegionSet::builder(&config.build()).local(US).fallback(EU);
        let regions = regions.observer(counters.clone()).build().unwrap();
        let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
        let keyring = keyring.fallback(KmsFallback::on_unavailable_or_throttled());
        let table = SealedTable::builder(TABLE, keyring, &regions);
        let table = table.read_policy(ReadPolicy::LocalThenFallback).build();
        Self {
            table: table.unwrap(),
            stack,
            time,
            counters,
            operations: 0,
        }
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Fail(service, fault, n) => {
                return self.stack.cloud.region(US).fail_times(service, fault, n);
            }
            Step::Wait(seconds) => return self.time.advance(Duration::from_secs(seconds)),
            _ => self.operations += 1,
        }
        self.time.run(operate(&self.table, step)).await;
    }

    fn check(&self) {
        let told = self.counters.snapshot();
        self.check_calls(&told);
        self.check_items(&told);
    }

    /// Every call that a service has seen was told of, by its name, and no other.
    fn check_calls(&self, told: &Snapshot) {
        let cloud = &self.stack.cloud;
        for (service, asked) in [
            (Service::Kms, Asked::Kms),
            (Service::DynamoDb, Asked::DynamoDb),
        ] {
            for region in [US, EU] {
                let calls = cloud.calls(region, service) as u64;
                assert_eq!(
                    told.calls(asked, region),
                    calls,
                    "{service:?} {region}\n{told}"
                );
            }
        }
        for row in told.rows().filter(|row| row.counter() == "calls") {
            let [service, region, operation] =
                ["service", "region", "operation"].map(|label| row.label(label).unwrap());
            let (service, asked) = match service {
                "kms" => (Service::Kms, Asked::Kms),
                _ => (Service::DynamoDb, Asked::DynamoDb),
            };
            let calls = cloud.calls_of(region, service, operation) as u64;
            assert_eq!(
                told.calls_of(asked, region, operation),
                calls,
                "{operation}\n{told}"
            );
        }
    }

    /// Every operation and every item was told of, once.
    fn check_items(&self, told: &Snapshot) {
        let sum = |counter: &str| {
            let rows = told.rows().filter(|row| row.counter() == counter);
            rows.map(|row| row.count()).sum::<u64>()
        };
        assert_eq!(sum("verbs"), self.operations, "{told}");
        let decrypts = |outcome: &str| {
            let rows = told.rows().filter(|row| {
                row.label("operation") == Some("Decrypt") && row.label("outcome") == Some(outcome)
            });
            rows.map(|row| row.count()).sum::<u64>()
        };
        let ok = CallOutcome::Ok.as_str();
        let opened = told.audit_events(TABLE, "opened");
        assert_eq!(opened, decrypts(ok), "{told}");
        let failed = told.audit_events(TABLE, "keyring");
        assert_eq!(
            opened + failed,
            told.cache_misses("single_flight"),
            "{told}"
        );
        assert_eq!(
            opened + failed,
            sum("audit_events"),
            "nobody tampers\n{told}"
        );
        assert_eq!(failed, told.verification_failures_of(TABLE, "keyring"));
        assert_eq!(failed, told.verification_failures(TABLE));
    }
}

/// Whatever comes of it.
async fn operate(table: &SealedTable<Note>, step: Step) {
    let at = |number| ("ada", number);
    match step {
        Step::Put(number) => drop(table.put(&note("ada", number)).send().await),
        Step::PutNew(number) => {
            let put = table.put(&note("ada", number)).if_not_exists();
            drop(put.send().await);
        }
        Step::Get(number) => drop(table.get(at(number)).send().await),
        Step::Delete(number) => drop(table.delete(at(number)).return_old().send().await),
        Step::Update(number) => {
            let update = table.update(at(number), |note| note.text.push('!'));
            drop(update.send().await);
        }
        Step::View(number) => {
            let views = UpdateExpression::new().set("views", 7_u64);
            drop(
                table
                    .update_unsigned(at(number), views)
                    .return_new()
                    .send()
                    .await,
            );
        }
        Step::Query => drop(table.query("ada").page_size(2).items().partition().await),
        Step::Scan => drop(table.scan().segments(2).items().partition().await),
        Step::BatchGet => drop(table.batch_get([0, 1, 2, 3].map(at)).send().await),
        Step::BatchWrite(number) => {
            let batch = table.batch_write().put(&note("ada", number)).delete(BOB);
            drop(batch.send().await);
        }
        Step::TransactGet(number) => {
            let mut get = TransactGet::new();
            let slots = [get.get(table, at(number)), get.get(table, BOB)];
            let found = get.send().await;
            drop(found.map(|mut found| slots.map(|slot| found.take(slot).is_ok())));
        }
        Step::TransactWrite(number) => {
            let write = TransactWrite::new().put_if_not_exists(table, &note("ada", number));
            drop(write.send().await);
        }
        Step::Fail(..) | Step::Wait(_) => unreachable!("no operation"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn agree_with_what_the_services_have_seen(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut machine = Machine::start().await;
            for step in steps {
                machine.run(step).await;
                machine.check();
            }
        });
    }
}
