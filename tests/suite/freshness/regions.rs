//! Two regions write one item, and the last writer wins: what is noticed of it, and what is not.

use super::*;

/// A bank with a process in each region, both of which have seen the account.
struct Bank {
    stack: Stack,
    us: Table,
    eu: Table,
}

impl Bank {
    async fn start() -> Self {
        let stack = start().await;
        let (us, eu): (Table, Table) = (stack.table(US), stack.table(EU));
        us.put(&account(1)).send().await.unwrap();
        stack.cloud.replicate().await;
        get(&eu).await.unwrap().unwrap();
        Self { stack, us, eu }
    }

    /// Both write the next version, the one in Europe later.
    async fn fork(&self) -> u64 {
        let version = raise(&self.us).await;
        assert_eq!(raise(&self.eu).await, version);
        self.stack.cloud.replicate().await;
        version
    }
}

#[tokio::test]
async fn a_lost_write_is_reported_to_the_process_that_made_it() {
    let bank = Bank::start().await;
    let version = bank.fork().await;
    let error = get(&bank.us).await.unwrap_err();
    assert!(!error.is_retryable(), "somebody must know first");
    assert_eq!(error.region(), Some(US));
    let diverged = diverged(error);
    assert_eq!((diverged.version(), diverged.region()), (version, US));
    assert_eq!(state(&bank.eu).await, FreshnessState::Fresh, "it has won");
}

#[tokio::test]
async fn it_is_told_once_and_work_goes_on_from_what_is_there() {
    let bank = Bank::start().await;
    let version = bank.fork().await;
    let update = bank.us.update(KEY, |account| account.balance += 1).send();
    let error = update.await.unwrap_err();
    let dynaseal::UpdateError::Read(error) = error else {
        panic!("{error:?}")
    };
    diverged(error);
    assert_eq!(state(&bank.us).await, FreshnessState::Fresh);
    assert_eq!(raise(&bank.us).await, version + 1);
}

#[tokio::test]
async fn who_only_saw_the_lost_write_is_told_as_well() {
    let bank = Bank::start().await;
    let reader: Table = bank.stack.table(US);
    raise(&bank.us).await;
    assert_eq!(state(&reader).await, FreshnessState::Fresh);
    raise(&bank.eu).await;
    bank.stack.cloud.replicate().await;
    diverged(get(&reader).await.unwrap_err());
}

#[tokio::test]
async fn pages_and_transactions_report_it_too() {
    use dynaseal::table::{ItemError, SlotError, TransactGet};

    for read in 0..4 {
        let bank = Bank::start().await;
        bank.fork().await;
        let unopened = match read {
            0 => bank.us.query("ada").page().await.unwrap().partition().1,
            1 => bank.us.scan().page().await.unwrap().partition().1,
            2 => vec![
                bank.us
                    .batch_get([KEY])
                    .send()
                    .await
                    .unwrap()
                    .found()
                    .unwrap_err(),
            ],
            _ => {
                let mut reads = TransactGet::new();
                let slot = reads.get(&bank.us, KEY);
                let error = reads.send().await.unwrap().take(slot).unwrap_err();
                assert!(matches!(error, SlotError::Diverged(_)), "{error:?}");
                assert!(!error.is_retryable());
                continue;
            }
        };
        let error = unopened[0].error();
        assert!(matches!(error, ItemError::Diverged(_)), "{error:?}");
        assert!(!unopened[0].is_retryable());
    }
}

/// A transaction whose picture is taken again for another item does not forget what diverged.
#[tokio::test]
async fn a_second_picture_does_not_hide_what_the_first_has_told() {
    use dynaseal::table::{SlotError, TransactGet};

    let bank = Bank::start().await;
    bank.us.put(&account(2)).send().await.unwrap();
    let old = bank.stack.stored(US, &key(2)).await.unwrap();
    let update = bank.us.update(("ada", 2), |account| account.balance += 1);
    update.send().await.unwrap();
    bank.fork().await;
    bank.stack.store(US, &old).await;
    let mut reads = TransactGet::new();
    let (forked, older) = (reads.get(&bank.us, KEY), reads.get(&bank.us, ("ada", 2)));
    let mut found = reads.send().await.unwrap();
    let error = found.take(older).unwrap_err();
    assert!(matches!(error, SlotError::Stale(_)), "{error:?}");
    let error = found.take(forked).unwrap_err();
    assert!(matches!(error, SlotError::Diverged(_)), "{error:?}");
}

/// The limit that is documented: nothing in version 8 tells on which version 7 it was built.
#[tokio::test]
async fn a_loss_that_a_later_version_has_overtaken_is_not_detected() {
    let bank = Bank::start().await;
    let lost = bank.fork().await;
    assert_eq!(raise(&bank.eu).await, lost + 1);
    bank.stack.cloud.replicate().await;
    assert_eq!(state(&bank.us).await, FreshnessState::Fresh);
    let found = get(&bank.us).await.unwrap().unwrap();
    assert_eq!(found.balance, 2, "three were added, and nobody was told");
}

#[tokio::test]
async fn a_winner_with_a_lower_version_is_stale_until_somebody_decides() {
    let bank = Bank::start().await;
    let first = raise(&bank.us).await;
    let second = raise(&bank.us).await;
    assert_eq!(raise(&bank.eu).await, first);
    bank.stack.cloud.replicate().await;
    for _ in 0..2 {
        let error = get(&bank.us).await.unwrap_err();
        assert_stale(&stale(error), Some(first), second, US);
    }
    bank.us.forget_version(KEY).await.unwrap();
    assert_eq!(raise(&bank.us).await, second);
}

/// A process that writes in one region and reads in another sees its own write late, and is told.
#[tokio::test]
async fn a_region_that_lags_behind_what_the_process_saw_elsewhere_is_stale_until_it_catches_up() {
    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::default());
    let shared = |region| {
        let table = builder(&stack, region).freshness(Arc::clone(&memory));
        table.build().unwrap()
    };
    let (us, eu) = (shared(US), shared(EU));
    us.put(&account(1)).send().await.unwrap();
    stack.cloud.replicate().await;
    let new = raise(&us).await;
    stack.cloud.reset_calls();
    let error = get(&eu).await.unwrap_err();
    assert!(error.is_retryable());
    assert_stale(&stale(error), Some(new - 1), new, EU);
    let reads = |region| {
        use dynaseal::testkit::Service;
        stack.cloud.calls_of(region, Service::DynamoDb, "GetItem")
    };
    assert_eq!((reads(US), reads(EU)), (0, 2));
    stack.cloud.replicate().await;
    assert_eq!(state(&eu).await, FreshnessState::Fresh);
}
