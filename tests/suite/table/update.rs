//! Updates by closure.

mod concurrent;
mod kept;
mod limits;
mod lost;
mod refused;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use dynaseal::item::Model;
use dynaseal::testkit::Service;
use dynaseal::{CryptoAction, SealedTable, UpdateError};

use super::meanwhile::{NoWait, calls, delay_the_next, fail, lose_the_next, now, retrying};
use super::*;

/// A model with a counter that is encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
pub(super) struct Purse {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: u64,
    coins: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[seal(sign)]
    state: String,
    #[seal(version, start = "one")]
    version: u64,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

pub(super) fn purse() -> Purse {
    Purse {
        customer_id: "c-1".to_owned(),
        record: 7,
        coins: 0,
        note: Some("for a rainy day".to_owned()),
        state: "open".to_owned(),
        version: 0,
        views: Unsigned::new(3),
    }
}

async fn start_with_purse() -> (Stack, SealedTable<Purse>) {
    let stack = start().await;
    let table = stack.table::<Purse>(US);
    table.put(&purse()).send().await.unwrap();
    stack.cloud.reset_calls();
    (stack, table)
}

async fn stored(table: &SealedTable<Purse>) -> Purse {
    table.get(("c-1", 7)).send().await.unwrap().unwrap()
}

/// Another writer adds a hundred coins.
fn add_hundred(table: &SealedTable<Purse>) -> impl Future<Output = ()> + Send + 'static {
    let update = table.update(("c-1", 7), |purse| purse.coins += 100).send();
    async move { drop(update.await.unwrap()) }
}

#[tokio::test]
async fn changes_what_the_closure_changes_and_seals_it_again() {
    let (stack, table) = start_with_purse().await;
    let before = stack.stored(US, &key("c-1")).await.unwrap();
    stack.cloud.reset_calls();
    let update = table.update(("c-1", 7), |purse| {
        purse.coins += 5;
        purse.state = "shut".to_owned();
    });
    let updated = update.send().await.unwrap();
    let expected = Purse {
        coins: 5,
        state: "shut".to_owned(),
        version: 2,
        ..purse()
    };
    assert_eq!(updated.model(), &expected);
    assert!(updated.is_written());
    assert_eq!(updated.version(), Some(2));
    assert_eq!(updated.attempts(), 1);
    assert!(updated.sdk_output().is_some());
    assert_eq!(calls(&stack, "GetItem"), 1);
    assert_eq!(calls(&stack, "UpdateItem"), 1);
    assert_eq!(stored(&table).await, expected);
    assert_eq!(updated.into_model(), expected);

    let after = stack.stored(US, &key("c-1")).await.unwrap();
    assert!(after["coins"].is_b() && after["note"].is_b());
    assert_ne!(before["note"], after["note"], "under a key of its own");
    assert_ne!(before["aws_dbe_foot"], after["aws_dbe_foot"]);
}

#[tokio::test]
async fn attributes_come_and_go() {
    let (stack, table) = start_with_purse().await;
    let update = table.update(("c-1", 7), |purse| purse.note = None);
    assert_eq!(update.send().await.unwrap().model().note, None);
    let sealed = stack.stored(US, &key("c-1")).await.unwrap();
    assert!(!sealed.contains_key("note"));
    assert_eq!(stored(&table).await.note, None);
    let update = table.update(("c-1", 7), |purse| purse.note = Some("back".to_owned()));
    update.send().await.unwrap();
    assert_eq!(stored(&table).await.note.as_deref(), Some("back"));
}

#[tokio::test]
async fn nothing_is_written_where_nothing_changes() {
    let (stack, table) = start_with_purse().await;
    let update = table.update(("c-1", 7), |purse| purse.coins *= 2);
    let updated = update.send().await.unwrap();
    assert!(!updated.is_written());
    assert_eq!(updated.version(), None);
    assert_eq!(updated.model().version, 1);
    assert_eq!(calls(&stack, "UpdateItem"), 0);
    assert_eq!(stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"), 0);
}

#[tokio::test]
async fn the_closure_may_refuse_and_its_error_is_kept() {
    let (stack, table) = start_with_purse().await;
    let update = table.update(("c-1", 7), |purse| {
        purse.coins = purse
            .coins
            .checked_sub(1)
            .filter(|n| *n >= 0)
            .ok_or("broke")?;
        Ok::<_, &str>(())
    });
    let error = update.send().await.unwrap_err();
    let UpdateError::Closure(cause) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(cause.to_string(), "broke");
    assert_eq!(
        format!("{error:?} {error}"),
        "Closure(..) closure refused the change"
    );
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "broke"
    );
    assert_eq!(calls(&stack, "UpdateItem"), 0);
}

#[tokio::test]
async fn consumed_capacity_reaches_both_ways_of_writing() {
    let (_stack, table) = start_with_purse().await;
    let update = || {
        let update = table.update(("c-1", 7), |purse| purse.coins += 1);
        update.customize(|b| b.return_consumed_capacity(ReturnConsumedCapacity::Total))
    };
    let updated = update().send().await.unwrap();
    let output = updated.sdk_output().unwrap();
    assert!(output.consumed_capacity().is_some());
    assert!(updated.transaction_output().is_none());
    let updated = update().exactly_once().send().await.unwrap();
    let output = updated.transaction_output().unwrap();
    assert_eq!(output.consumed_capacity().len(), 1);
    assert!(updated.sdk_output().is_none());
    assert_eq!(updated.version(), Some(3));
}

#[tokio::test]
async fn reads_and_writes_in_the_local_region_alone() {
    let (stack, _) = start_with_purse().await;
    stack.cloud.replicate().await;
    stack.cloud.reset_calls();
    let table = stack.table::<Purse>(EU);
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    update.await.unwrap();
    for service in [Service::DynamoDb, Service::Kms] {
        assert_eq!(stack.cloud.calls(US, service), 0);
        assert_eq!(stack.cloud.calls(EU, service), 2);
    }
    let unsigned = dynaseal::expression::UpdateExpression::new().increment(":views", 1);
    table
        .update_unsigned(("c-1", 7), unsigned)
        .send()
        .await
        .unwrap();
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    assert_eq!(stored(&table).await.coins, 1);
    assert_eq!(stored(&stack.table(US)).await.coins, 0, "lag");
}

#[tokio::test]
async fn reads_consistently() {
    let (stack, _) = start_with_purse().await;
    let (table, seen) = stack.witnessed::<Purse, GetItemInput>();
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    update.await.unwrap();
    let seen = seen.lock().unwrap();
    let consistent: Vec<_> = seen.iter().map(GetItemInput::consistent_read).collect();
    assert_eq!(consistent, [Some(true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_future_is_send_and_borrows_nothing() {
    let (_stack, table) = start_with_purse().await;
    let spawned = {
        let table = table.clone();
        let add = 7;
        tokio::spawn(
            table
                .update(("c-1", 7), move |purse| purse.coins += add)
                .send(),
        )
    };
    assert_eq!(spawned.await.unwrap().unwrap().model().coins, 7);
}
