//! An administrator puts an old image back, which is sealed as validly as ever.

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use dynaseal::table::{ItemError, SlotError, TransactGet};

use super::*;
use crate::support::meddler::{lying_regions, meddled_regions, witness};

#[tokio::test]
async fn a_get_reports_it_after_one_consistent_look_in_the_region_of_writes() {
    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::default());
    let table = in_regions(&stack, &stack.regions(US), &memory);
    let (old, new) = put_and_raise(&stack, &table).await;
    assert_eq!(state(&table).await, FreshnessState::Fresh);
    stack.store(US, &old).await;

    let (seen, inputs) = witness::<GetItemInput>();
    let reader = in_regions(&stack, &meddled_regions(&stack.config(US), seen), &memory);
    let error = get(&reader).await.unwrap_err();
    assert!(error.is_retryable(), "a replica may have lagged");
    assert_eq!(error.region(), Some(US));
    assert_stale(&stale(error), Some(version(&old)), version(&new), US);
    let consistent: Vec<_> = inputs
        .lock()
        .unwrap()
        .iter()
        .map(GetItemInput::consistent_read)
        .collect();
    assert_eq!(consistent, [None, Some(true)]);

    // It is told as long as it is so.
    assert!(matches!(get(&table).await, Err(OperationError::Stale(_))));
    stack.store(US, &new).await;
    assert_eq!(state(&table).await, FreshnessState::Fresh);
}

#[tokio::test]
async fn who_saw_nothing_newer_cannot_know() {
    let stack = start().await;
    let (old, _) = put_and_raise(&stack, &stack.table(US)).await;
    stack.store(US, &old).await;
    assert_eq!(state(&stack.table(US)).await, FreshnessState::Fresh);
}

#[tokio::test]
async fn every_other_read_reports_it_for_the_item_alone() {
    let stack = start().await;
    let table: Table = stack.table(US);
    let (old, new) = put_and_raise(&stack, &table).await;
    table.put(&account(2)).send().await.unwrap();
    stack.store(US, &old).await;
    let assert_one = |error: &ItemError| match error {
        ItemError::Stale(stale) => {
            assert_stale(stale, Some(version(&old)), version(&new), US);
            assert!(error.is_retryable());
            assert_eq!(error.region(), Some(US));
        }
        other => panic!("{other:?}"),
    };

    for page in [
        table.query("ada").page().await.unwrap(),
        table.scan().page().await.unwrap(),
    ] {
        let (items, unopened) = page.partition();
        assert_eq!((items.len(), unopened.len()), (1, 1));
        assert_one(unopened[0].error());
    }
    let batch = table.batch_get([KEY, ("ada", 2)]).send().await.unwrap();
    let [(_, Err(error)), (_, Ok(Some(_)))] = batch.results() else {
        panic!("{batch:?}")
    };
    assert_one(error);

    let mut reads = TransactGet::new();
    let (first, second) = (reads.get(&table, KEY), reads.get(&table, ("ada", 2)));
    stack.cloud.reset_calls();
    let mut found = reads.send().await.unwrap();
    assert_eq!(
        calls(&stack, "TransactGetItems"),
        2,
        "the picture was taken again"
    );
    let error = found.take(first).unwrap_err();
    assert!(error.is_retryable());
    let SlotError::Stale(stale) = error else {
        panic!("{error:?}")
    };
    assert_stale(&stale, Some(version(&old)), version(&new), US);
    assert!(found.take(second).unwrap().is_some());
}

/// What was never given a version is older than anything that was.
#[tokio::test]
async fn an_item_from_before_versions_is_older_than_all() {
    #[derive(Serialize, Deserialize, Seal)]
    #[seal(table = "accounts", default = "encrypt")]
    struct Bare {
        #[seal(partition_key)]
        owner: String,
        #[seal(sort_key)]
        number: u32,
        balance: i64,
        #[seal(sign)]
        state: String,
    }
    let stack = start().await;
    let table: Table = stack.table(US);
    let bare = Bare {
        owner: "ada".to_owned(),
        number: 1,
        balance: 1_000_000,
        state: "open".to_owned(),
    };
    let bare_table = stack.table::<Bare>(US);
    bare_table.put(&bare).send().await.unwrap();
    assert_eq!(state(&table).await, FreshnessState::Unchecked);
    let old = stack.stored(US, &key(1)).await.unwrap();
    table.delete(KEY).send().await.unwrap();
    let (_, new) = put_and_raise(&stack, &table).await;
    stack.store(US, &old).await;
    let error = table.get(KEY).send_opened().await.unwrap_err();
    assert_stale(&stale(error), None, version(&new), US);
}

/// A store may spell a signed number as it likes; the signature does not mind.
#[tokio::test]
async fn another_spelling_of_the_version_hides_nothing() {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;

    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::default());
    let table = in_regions(&stack, &stack.regions(US), &memory);
    let (old, new) = put_and_raise(&stack, &table).await;
    let respell = |output: &mut GetItemOutput| {
        let version = output.item.as_mut().unwrap().get_mut("version").unwrap();
        *version = n(&format!("{}.00", version.as_n().unwrap()));
    };
    let reader = in_regions(&stack, &lying_regions(&stack.config(US), respell), &memory);
    assert_eq!(state(&reader).await, FreshnessState::Fresh);
    stack.store(US, &old).await;
    let error = reader.get(KEY).send_opened().await.unwrap_err();
    assert_stale(&stale(error), Some(version(&old)), version(&new), US);
}

#[tokio::test]
async fn it_goes_unnoticed_where_freshness_is_off() {
    let stack = start().await;
    let table = builder(&stack, US).without_freshness().build().unwrap();
    let (old, _) = put_and_raise(&stack, &table).await;
    stack.store(US, &old).await;
    assert_eq!(state(&table).await, FreshnessState::Unchecked);
    assert_eq!(raise(&table).await, version(&old) + 1);
    table.forget_version(KEY).await.unwrap();
}

#[tokio::test]
async fn it_is_believed_once_what_was_seen_is_forgotten() {
    let stack = start().await;
    let table: Table = stack.table(US);
    let (old, _) = put_and_raise(&stack, &table).await;
    stack.store(US, &old).await;
    table.forget_version(("ada", 2)).await.unwrap();
    assert!(get(&table).await.is_err(), "that was another item");
    table.open_only().forget_version(KEY).await.unwrap();
    assert_eq!(state(&table).await, FreshnessState::Fresh);
    assert_eq!(raise(&table).await, version(&old) + 1);
}
