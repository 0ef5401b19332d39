//! Answers that are lost: the condition of a limited table still holds when a write is sent again.

use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_types::sdk_config::RetryConfig;
use dynaseal::testkit::Fault;
use dynaseal::{KmsMrkKeyring, RegionSet};

use super::*;
use crate::support::hurry::Hurry;

/// The table of one tenant, which sends again without waiting.
fn retrying(stack: &Stack) -> SealedTable<Note> {
    let (config, _) = Hurry::apply(stack.config(US).into_builder());
    let config = config
        .retry_config(RetryConfig::standard())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let regions = RegionSet::builder(&config.build()).local(US);
    let regions = regions.build().unwrap();
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
    let table = SealedTable::builder(TABLE, keyring, &regions);
    table.build().unwrap().tenant("acme").unwrap()
}

fn lose_the_next(stack: &Stack, operation: &str) {
    let lost = Fault::LostResponse.on(operation).times(1);
    stack.cloud.region(US).fail(Service::DynamoDb, lost);
    stack.cloud.reset_calls();
}

#[tokio::test]
async fn puts_and_deletes_are_sent_again() {
    let (stack, table) = start_with_notes().await;
    let acme = retrying(&stack);
    for id in ["a-1", "a-2"] {
        lose_the_next(&stack, "PutItem");
        acme.put(&note(id, "acme")).send().await.unwrap();
        assert_eq!(calls(&stack, "PutItem"), 2);
        lose_the_next(&stack, "DeleteItem");
        acme.delete(id).send().await.unwrap();
        assert_eq!(calls(&stack, "DeleteItem"), 2);
        assert_eq!(read(&table, id).await, None);
    }
}

#[tokio::test]
async fn without_another_attempt_nobody_knows() {
    let (stack, table) = start_with_notes().await;
    let acme = table.tenant("acme").unwrap();
    lose_the_next(&stack, "DeleteItem");
    let error = acme.delete("a-1").send().await.unwrap_err();
    assert!(
        matches!(error, OperationError::OutcomeUnknown(_)),
        "{error:?}"
    );
}
