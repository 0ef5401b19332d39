use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::Notify;

use super::*;
use crate::cache::test_support::TestClock;
use crate::keyring::test_support::{Answer, FakeKms, Sealed, entries, seal, seal_with};
use crate::keyring::{KmsMrkKeyring, RawAesKeyring};
use crate::suite::AlgorithmSuite::{EcdsaP384, SymsigHmacSha384};

const SECOND: Duration = Duration::from_secs(1);

/// A keyring that counts how often it opens, and answers as it is told.
#[derive(Debug)]
struct Watched {
    inner: RawAesKeyring,
    opens: AtomicUsize,
    instead: Mutex<Option<Instead>>,
    valid_for: Mutex<Option<Duration>>,
    gate: Option<Notify>,
}

#[derive(Clone, Copy, Debug)]
enum Instead {
    NotMine,
    Fail(KeyringErrorKind),
}

impl Watched {
    fn new() -> Self {
        Self {
            inner: RawAesKeyring::new("ours", "key", [1; 32]).unwrap(),
            opens: AtomicUsize::new(0),
            instead: Mutex::default(),
            valid_for: Mutex::default(),
            gate: None,
        }
    }

    fn opens(&self) -> usize {
        self.opens.load(Ordering::Relaxed)
    }

    fn answer(&self, instead: Option<Instead>) {
        *self.instead.lock().unwrap() = instead;
    }

    fn last_for(&self, time: Duration) {
        *self.valid_for.lock().unwrap() = Some(time);
    }

    async fn open(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        self.opens.fetch_add(1, Ordering::Relaxed);
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        let instead = *self.instead.lock().unwrap();
        match instead {
            Some(Instead::NotMine) => return Ok(Unwrapped::NotMine),
            Some(Instead::Fail(kind)) => return Err(KeyringError::new(kind)),
            None => {}
        }
        let valid_for = *self.valid_for.lock().unwrap();
        let unwrapped = self.inner.on_decrypt(request).await?;
        Ok(match (unwrapped, valid_for) {
            (Unwrapped::Opened(opened), Some(time)) => Unwrapped::Opened(opened.valid_for(time)),
            (other, _) => other,
        })
    }
}

impl Keyring for Watched {
    fn name(&self) -> &str {
        "watched"
    }

    fn binding(&self) -> KeyBinding {
        self.inner.binding()
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        self.inner.on_encrypt(request)
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.open(request))
    }
}

struct Bench {
    clock: TestClock,
    inner: Arc<Watched>,
    keyring: CachingKeyring,
}

fn bench(configure: fn(CachingKeyringBuilder) -> CachingKeyringBuilder) -> Bench {
    around(Watched::new(), configure)
}

fn around(inner: Watched, configure: fn(CachingKeyringBuilder) -> CachingKeyringBuilder) -> Bench {
    let (clock, inner) = (TestClock::new(), Arc::new(inner));
    let regions = FakeKms::default().regions("eu-west-1", &[]);
    let builder = configure(CachingKeyring::builder(Arc::clone(&inner), &regions));
    Bench {
        keyring: builder.build_with(clock.clock()).unwrap(),
        clock,
        inner,
    }
}

impl Bench {
    async fn seal(&self, tenant: &str) -> Sealed {
        let context = entries(&[("table", "t"), ("tenant", tenant)]);
        seal_with(&self.keyring, context).await.unwrap()
    }

    /// Opens, and answers whether the keyring inside was asked.
    async fn asks(&self, sealed: &Sealed) -> bool {
        let before = self.inner.opens();
        sealed.assert_opens(&self.keyring).await;
        self.inner.opens() > before
    }

    /// What is left of the time of what is opened.
    async fn left(&self, sealed: &Sealed) -> Duration {
        match sealed.open(&self.keyring).await {
            Ok(Unwrapped::Opened(opened)) => opened.valid_for.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Lets the background come to rest.
    async fn settle(&self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn asks_once_for_a_hot_item() {
    let bench = bench(|builder| builder);
    let sealed = bench.seal("acme").await;
    for _ in 0..100 {
        sealed.assert_opens(&bench.keyring).await;
    }
    assert_eq!(bench.inner.opens(), 1);
}

#[tokio::test]
async fn names_keyring_key_and_region_as_the_one_inside_did() {
    let kms = FakeKms::default();
    let regions = kms.regions("eu-west-1", &[]);
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1";
    let inner = KmsMrkKeyring::new(arn, &regions).unwrap();
    let keyring = CachingKeyring::builder(inner, &regions).build().unwrap();
    let sealed = seal(&keyring).await.unwrap();
    for _ in 0..2 {
        let Ok(Unwrapped::Opened(opened)) = sealed.open(&keyring).await else {
            panic!("not opened");
        };
        let shown = format!("{opened:?}");
        assert!(shown.contains("kms-mrk") && shown.contains(arn), "{shown}");
        assert!(shown.contains(r#"region: Some("eu-west-1")"#), "{shown}");
    }
    let decrypts = kms.calls().into_iter();
    let decrypts = decrypts.filter(|call| call.target.ends_with(".Decrypt"));
    assert_eq!(decrypts.count(), 1);

    assert_eq!(keyring.name(), "kms-mrk");
    assert_eq!(keyring.binding(), KeyBinding::KmsContext);
    let used = keyring.kms_keys();
    assert_eq!(used[0].key_arn().as_deref(), Some(arn));
    assert_eq!(used.len(), 1);

    kms.always(Answer::Error(400, "AccessDeniedException"));
    let other = sealed.with_wrapped(0, |wrapped| wrapped[0] ^= 1);
    let error = other.refusal(&keyring).await;
    assert!(error.to_string().starts_with("kms-mrk: "), "{error}");
}

#[tokio::test]
async fn makes_fresh_keys_for_each_item_it_seals() {
    let bench = bench(|builder| builder);
    let (one, other) = (bench.seal("acme").await, bench.seal("acme").await);
    assert_ne!(one.data_key, other.data_key);
    assert!(bench.asks(&one).await && bench.asks(&other).await);
}

/// What was opened for one item is no answer to any other question.
#[tokio::test]
async fn asks_anew_for_whatever_was_changed() {
    let bench = bench(|builder| builder);
    let sealed = bench.seal("acme").await;
    assert!(bench.asks(&sealed).await);

    let mut suite = DecryptRequest::new(EcdsaP384, &sealed.context, &sealed.edks);
    let before = bench.inner.opens();
    assert!(bench.keyring.on_decrypt(suite).await.is_ok());
    assert_eq!(bench.inner.opens(), before + 1, "another suite");

    let context = bench.seal("globex").await.context;
    suite = DecryptRequest::new(SymsigHmacSha384, &context, &sealed.edks);
    assert!(
        bench.keyring.on_decrypt(suite).await.is_err(),
        "another context"
    );

    let mut twice = [&sealed.edks[..], &sealed.edks[..]].concat();
    let request = DecryptRequest::new(SymsigHmacSha384, &sealed.context, &twice);
    let before = bench.inner.opens();
    assert!(bench.keyring.on_decrypt(request).await.is_ok());
    assert_eq!(
        bench.inner.opens(),
        before + 1,
        "one more encrypted data key"
    );

    twice[1] = bench.seal("acme").await.edks.remove(0);
    for order in [[0, 1], [1, 0]] {
        let edks = order.map(|n: usize| twice[n].clone());
        let request = DecryptRequest::new(SymsigHmacSha384, &sealed.context, &edks);
        let Ok(Unwrapped::Opened(opened)) = bench.keyring.on_decrypt(request).await else {
            panic!("not opened");
        };
        let own = *opened.keys.data_key.0.expose() == sealed.data_key;
        assert_eq!(own, order[0] == 0, "another order");
    }

    let cut = sealed.with_wrapped(0, |wrapped| wrapped[3] ^= 1);
    assert!(cut.open(&bench.keyring).await.is_err(), "another byte");
}

#[tokio::test]
async fn ends_an_entry_after_its_age_by_either_clock() {
    let bench = bench(|builder| builder.max_age(60 * SECOND));
    let sealed = bench.seal("acme").await;
    assert!(bench.asks(&sealed).await);
    bench.clock.advance(40 * SECOND);
    assert!(!bench.asks(&sealed).await);
    assert_eq!(bench.left(&sealed).await, 20 * SECOND);
    bench.clock.suspend(20 * SECOND);
    assert!(bench.asks(&sealed).await);
}

#[tokio::test]
async fn does_not_add_its_time_to_that_of_the_keyring_inside() {
    let bench = bench(|builder| builder.max_age(60 * SECOND));
    let sealed = bench.seal("acme").await;
    bench.inner.last_for(7 * SECOND);
    assert_eq!(bench.left(&sealed).await, 7 * SECOND);
    bench.clock.advance(5 * SECOND);
    assert_eq!(bench.left(&sealed).await, 2 * SECOND);
    bench.clock.advance(2 * SECOND);
    assert!(bench.asks(&sealed).await);

    bench.keyring.flush();
    bench.inner.last_for(600 * SECOND);
    assert_eq!(bench.left(&sealed).await, 60 * SECOND);
}

#[tokio::test]
async fn does_not_add_up_the_times_of_caches_around_each_other() {
    let inner = bench(|builder| builder.max_age(60 * SECOND));
    let regions = FakeKms::default().regions("eu-west-1", &[]);
    let outer = CachingKeyring::builder(inner.keyring.clone(), &regions);
    let outer = outer.max_age(600 * SECOND).build_with(inner.clock.clock());
    let outer = outer.unwrap();
    let sealed = inner.seal("acme").await;
    sealed.assert_opens(&inner.keyring).await;
    inner.clock.advance(45 * SECOND);
    sealed.assert_opens(&outer).await;
    assert_eq!(inner.inner.opens(), 1);
    inner.clock.advance(15 * SECOND);
    sealed.assert_opens(&outer).await;
    assert_eq!(inner.inner.opens(), 2);
}

#[tokio::test]
async fn remembers_neither_failures_nor_what_is_not_its_own() {
    let bench = bench(|builder| builder);
    let sealed = bench.seal("acme").await;
    for kind in [KeyringErrorKind::Denied, KeyringErrorKind::Unavailable] {
        bench.inner.answer(Some(Instead::Fail(kind)));
        assert_eq!(sealed.refusal(&bench.keyring).await.kind(), kind);
    }
    bench.inner.answer(Some(Instead::NotMine));
    sealed.assert_not_mine(&bench.keyring).await;
    bench.inner.answer(None);
    assert!(bench.asks(&sealed).await);
}

#[tokio::test]
async fn forgets_at_once_what_a_refresh_is_refused() {
    for instead in [
        Instead::NotMine,
        Instead::Fail(KeyringErrorKind::Denied),
        Instead::Fail(KeyringErrorKind::Disabled),
        Instead::Fail(KeyringErrorKind::InvalidCiphertext),
    ] {
        let bench = bench(|builder| builder.max_age(100 * SECOND));
        let sealed = bench.seal("acme").await;
        assert!(bench.asks(&sealed).await);
        bench.inner.answer(Some(instead));
        bench.clock.advance(96 * SECOND);
        sealed.assert_opens(&bench.keyring).await;
        bench.settle().await;
        let opened = sealed.open(&bench.keyring).await;
        assert!(!matches!(opened, Ok(Unwrapped::Opened(_))), "{instead:?}");
    }
}

#[tokio::test]
async fn keeps_what_a_refresh_finds_unavailable_until_its_time_is_over_and_no_longer() {
    let bench = bench(|builder| builder.max_age(100 * SECOND));
    let sealed = bench.seal("acme").await;
    assert!(bench.asks(&sealed).await);
    let trouble = Instead::Fail(KeyringErrorKind::Unavailable);
    bench.inner.answer(Some(trouble));
    bench.clock.advance(96 * SECOND);
    sealed.assert_opens(&bench.keyring).await;
    bench.settle().await;
    assert_eq!(bench.inner.opens(), 2);
    sealed.assert_opens(&bench.keyring).await;
    bench.clock.advance(4 * SECOND);
    let kind = sealed.refusal(&bench.keyring).await.kind();
    assert_eq!(kind, KeyringErrorKind::Unavailable);
}

#[tokio::test]
async fn never_mixes_two_tenants() {
    let bench = bench(|builder| builder);
    let (acme, globex) = (bench.seal("acme").await, bench.seal("globex").await);
    for _ in 0..3 {
        acme.assert_opens(&bench.keyring).await;
        globex.assert_opens(&bench.keyring).await;
        for (context, edks) in [(&acme.context, &globex.edks), (&globex.context, &acme.edks)] {
            let request = DecryptRequest::new(SymsigHmacSha384, context, edks);
            assert!(bench.keyring.on_decrypt(request).await.is_err());
        }
    }
}

#[tokio::test]
async fn keeps_to_its_bounds() {
    let entries = bench(|builder| builder.max_entries(2));
    let items = join_all(["a", "b", "c"].map(|tenant| entries.seal(tenant))).await;
    for item in &items {
        assert!(entries.asks(item).await);
    }
    assert!(!entries.asks(&items[2]).await && !entries.asks(&items[1]).await);
    assert!(entries.asks(&items[0]).await);

    let uses = bench(|builder| builder.max_uses(3));
    let item = uses.seal("acme").await;
    for _ in 0..9 {
        item.assert_opens(&uses.keyring).await;
        uses.settle().await;
    }
    assert_eq!(uses.inner.opens(), 3);

    let bytes = bench(|builder| builder.max_bytes(1200));
    let items = join_all(["a", "b", "c"].map(|tenant| bytes.seal(tenant))).await;
    for item in &items {
        assert!(bytes.asks(item).await);
    }
    assert!(!bytes.asks(&items[2]).await && bytes.asks(&items[0]).await);
}

#[tokio::test]
async fn asks_once_for_all_who_open_an_item_at_the_same_time() {
    let mut inner = Watched::new();
    inner.gate = Some(Notify::new());
    let bench = around(inner, |builder| builder);
    let sealed = bench.seal("acme").await;
    let mut first = Box::pin(sealed.open(&bench.keyring));
    assert!(first.as_mut().now_or_never().is_none());
    let mut others = Box::pin(join_all((0..100).map(|_| sealed.open(&bench.keyring))));
    assert!(others.as_mut().now_or_never().is_none());
    // Whoever began it may leave.
    drop(first);
    bench.inner.gate.as_ref().unwrap().notify_one();
    for opened in others.await {
        assert!(matches!(opened, Ok(Unwrapped::Opened(_))));
    }
    assert_eq!(bench.inner.opens(), 1);
}

#[tokio::test]
async fn forgets_everything_when_it_is_told_to() {
    let bench = bench(|builder| builder);
    let sealed = bench.seal("acme").await;
    assert!(bench.asks(&sealed).await && !bench.asks(&sealed).await);
    bench.keyring.clone().flush();
    assert!(bench.asks(&sealed).await);
}

#[test]
fn refuses_bounds_under_which_there_is_nothing_to_do() {
    let refused = |configure: fn(CachingKeyringBuilder) -> CachingKeyringBuilder| {
        let regions = FakeKms::default().regions("eu-west-1", &[]);
        let builder = CachingKeyring::builder(Watched::new(), &regions);
        configure(builder).build().unwrap_err().to_string()
    };
    for age in [
        |builder: CachingKeyringBuilder| builder.max_age(Duration::from_millis(999)),
        |builder: CachingKeyringBuilder| builder.max_age(Duration::from_millis(86_400_001)),
    ] {
        assert!(refused(age).contains("between 1 s and 24 h"));
    }
    assert!(refused(|builder| builder.max_entries(0)).contains("nothing"));
    assert!(refused(|builder| builder.max_uses(0)).contains("nothing"));
    assert!(refused(|builder| builder.max_bytes(0)).contains("nothing"));
}

#[tokio::test]
async fn prints_neither_keys_nor_contexts() {
    let bench = bench(|builder| builder);
    let sealed = bench.seal("acme").await;
    sealed.assert_opens(&bench.keyring).await;
    let shown = format!("{:?}", bench.keyring);
    assert!(shown.contains("entries: 1"), "{shown}");
    let key = format!("{:?}", sealed.data_key);
    for secret in ["acme", key.trim_matches(['[', ']'])] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
