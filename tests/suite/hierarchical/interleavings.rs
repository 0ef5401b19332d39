//! Random interleavings of rotation, writing, reading and replication that lags.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Rotate,
    Seal(usize),
    Open(usize, usize),
    Replicate,
    Pass(u64),
    Flush(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let region = || 0usize..2;
    let step = prop_oneof![
        2 => Just(Step::Rotate),
        4 => region().prop_map(Step::Seal),
        6 => (region(), any::<usize>()).prop_map(|(region, n)| Step::Open(region, n)),
        2 => Just(Step::Replicate),
        2 => (1u64..70).prop_map(Step::Pass),
        1 => region().prop_map(Step::Flush),
    ];
    prop::collection::vec(step, 1..50)
}

/// A region whose key store is its own replica, and what that has.
struct Place {
    keyring: HierarchicalKeyring,
    encryptor: ItemEncryptor,
    has: BTreeSet<[u8; 16]>,
    /// The newest version that it has, and since when by the clock of the world.
    newest: ([u8; 16], Duration),
}

struct Run {
    world: World,
    store: KeyStore,
    places: [Place; 2],
    sealed: Vec<Item>,
    /// How often a region lagged behind what it was to open.
    lagged: usize,
}

impl Run {
    async fn start() -> Self {
        let world = World::with(&["acme"]).await;
        let store = world.store(&world.alone(US));
        let first = world.run(store.describe_active("acme")).await.unwrap();
        let first = bytes(&first.version().to_string());
        let places = [US, EU].map(|region| {
            let keyring = world.keyring(&world.alone(region));
            Place {
                encryptor: encryptor(keyring.clone()),
                keyring,
                has: BTreeSet::from([first]),
                newest: (first, Duration::ZERO),
            }
        });
        Self {
            world,
            store,
            places,
            sealed: Vec::new(),
            lagged: 0,
        }
    }

    async fn take(&mut self, step: Step) {
        let now = self.world.time.elapsed();
        match step {
            Step::Rotate => {
                let rotated = self.world.run(self.store.version_key("acme")).await;
                let version = bytes(&rotated.unwrap().to_string());
                let home = &mut self.places[0];
                home.has.insert(version);
                home.newest = (version, now);
            }
            Step::Replicate => {
                self.world.replicate().await;
                let (version, since) = self.places[0].newest;
                let [home, other] = &mut self.places;
                other.has.clone_from(&home.has);
                if other.newest.0 != version {
                    other.newest = (version, now.max(since));
                }
                // What was absent is remembered for so long.
                self.world.pass(2 * SECOND).await;
            }
            Step::Seal(place) => self.seal(place).await,
            Step::Open(place, n) if !self.sealed.is_empty() => {
                self.open(place, n % self.sealed.len()).await;
            }
            Step::Open(..) => {}
            Step::Pass(seconds) => self.world.pass(Duration::from_secs(seconds)).await,
            Step::Flush(place) => self.places[place].keyring.flush(),
        }
    }

    async fn seal(&mut self, place: usize) {
        let Place {
            encryptor,
            has,
            newest,
            ..
        } = &self.places[place];
        let id = format!("o-{}", self.sealed.len());
        let sealed = self.world.seal(encryptor, "acme", &id).await;
        let version = version(&sealed);
        assert!(has.contains(&version));
        if self.world.time.elapsed() >= newest.1 + TTL {
            assert_eq!(version, newest.0, "the old version outlived the TTL");
        }
        self.sealed.push(sealed);
    }

    async fn open(&mut self, place: usize, n: usize) {
        let Place { encryptor, has, .. } = &self.places[place];
        let sealed = &self.sealed[n];
        if has.contains(&version(sealed)) {
            self.world.assert_opens(encryptor, sealed).await;
        } else {
            let error = self.world.refusal(encryptor, sealed).await;
            assert_eq!(only_kind(&error), KeyringErrorKind::NotYetReplicated);
            self.lagged += 1;
        }
    }
}

fn bytes(uuid: &str) -> [u8; 16] {
    let digits = uuid.replace('-', "");
    u128::from_str_radix(&digits, 16).unwrap().to_be_bytes()
}

async fn run(steps: Vec<Step>) -> usize {
    let mut run = Run::start().await;
    for step in steps {
        run.take(step).await;
    }
    run.lagged
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn opens_the_right_item_or_says_that_its_version_has_not_come_yet(steps in steps()) {
        block_on(run(steps));
    }
}

#[test]
fn notices_a_lag_that_is_real() {
    let steps = vec![Step::Rotate, Step::Seal(0), Step::Open(1, 0)];
    assert_eq!(block_on(run(steps.clone())), 1);
    let healed = [steps, vec![Step::Replicate, Step::Open(1, 0)]].concat();
    assert_eq!(block_on(run(healed)), 1);
}
