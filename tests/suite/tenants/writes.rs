//! Writes that open nothing, through a limited table: none touches an item of another tenant.

use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::table::{
    BatchWriteCause, CancellationCode, SealOnly, TransactWrite, TransactionError, UpdateError,
};

use super::*;

fn view() -> UpdateExpression {
    UpdateExpression::new().add("views", 1)
}

async fn start_limited() -> (Stack, SealedTable<Note>, SealedTable<Note>, SealOnly<Note>) {
    let (stack, table) = start_with_notes().await;
    let acme = table.tenant("acme").unwrap();
    let intake = table.seal_only().tenant("acme").unwrap();
    (stack, table, acme, intake)
}

async fn assert_untouched(table: &SealedTable<Note>) {
    assert_eq!(read(table, "g-1").await, Some(note("g-1", "globex")));
}

#[tokio::test]
async fn puts_items_of_its_own_over_nothing_and_over_its_own() {
    let (stack, table, acme, intake) = start_limited().await;
    let theirs = note("a-1", "globex");
    let error = acme.put(&theirs).send().await.unwrap_err();
    assert!(matches!(
        error,
        OperationError::Seal(SealError::TenantMismatch(_))
    ));
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);

    let ours = note("g-1", "acme");
    for error in [
        acme.put(&ours).send().await.unwrap_err(),
        acme.put(&ours).if_not_exists().send().await.unwrap_err(),
        acme.put(&ours).return_old().send().await.unwrap_err(),
        intake.put(&ours).send().await.unwrap_err(),
    ] {
        assert!(is_refused_write(&error), "{error:?}");
        assert!(error.item().is_none() && error.sdk_error().is_none());
    }
    assert_untouched(&table).await;

    acme.put(&note("a-1", "acme")).send().await.unwrap();
    acme.put(&note("a-2", "acme")).send().await.unwrap();
    intake.put(&note("a-2", "acme")).send().await.unwrap();
    let new = acme.put(&note("a-2", "acme")).if_not_exists();
    let error = new.send().await.unwrap_err();
    assert!(matches!(error, OperationError::Sdk(_)), "its own is there");
    assert!(error.item().unwrap().is_ok());
}

#[tokio::test]
async fn deletes_its_own_and_nothing_and_no_others() {
    let (_stack, table, acme, intake) = start_limited().await;
    let state = || attribute("state").eq("new");
    for error in [
        acme.delete("g-1").send().await.unwrap_err(),
        acme.delete("g-1").idempotent().send().await.unwrap_err(),
        acme.delete("g-1")
            .condition(state())
            .send()
            .await
            .unwrap_err(),
        acme.delete("g-1").return_old().send().await.unwrap_err(),
        intake.delete("g-1").send().await.unwrap_err(),
    ] {
        assert!(is_refused_write(&error), "{error:?}");
        assert!(error.item().is_none());
    }
    assert_untouched(&table).await;

    // Joined as a whole: an `OR` of the caller's opens no way around.
    let or = attribute("state").eq("new").or(attribute("id").exists());
    let error = acme.delete("g-1").condition(or).send().await.unwrap_err();
    assert!(is_refused_write(&error), "{error:?}");
    let error = acme.delete("a-1").condition(attribute("state").eq("old"));
    let error = error.send().await.unwrap_err();
    assert!(matches!(error, OperationError::Sdk(_)), "its own condition");

    acme.delete("x-1").send().await.expect("absent is no error");
    let deleted = acme.delete("a-1").return_old().send().await.unwrap();
    assert_eq!(
        deleted.into_old().unwrap().unwrap().item()["tenant"],
        s("acme")
    );
    acme.delete("a-1").send().await.expect("twice is no error");
}

#[tokio::test]
async fn updates_in_place_what_is_its_own() {
    let (_stack, table, acme, intake) = start_limited().await;
    for error in [
        acme.update_unsigned("g-1", view())
            .send()
            .await
            .unwrap_err(),
        intake
            .update_unsigned("g-1", view())
            .send()
            .await
            .unwrap_err(),
    ] {
        let UpdateError::Write(error) = &error else {
            panic!("{error:?}")
        };
        assert!(is_refused_write(error), "{error:?}");
    }
    assert_untouched(&table).await;
    let error = acme
        .update_unsigned("x-1", view())
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, UpdateError::NotFound), "{error:?}");
    acme.update_unsigned("a-1", view()).send().await.unwrap();
    intake.update_unsigned("a-1", view()).send().await.unwrap();
    assert_eq!(read(&table, "a-1").await.unwrap().views, Unsigned::new(2));
}

#[tokio::test]
async fn transactions_hold_to_the_tenant_with_every_operation() {
    let (_stack, table, acme, intake) = start_limited().await;
    let theirs = || note("g-1", "acme");
    let is_there = || attribute("state").eq("new");
    let refused = [
        TransactWrite::new().put(&acme, &theirs()),
        TransactWrite::new().put(&intake, &theirs()),
        TransactWrite::new().put_if(&acme, &theirs(), is_there()),
        TransactWrite::new().delete(&acme, "g-1"),
        TransactWrite::new().delete_if(&acme, "g-1", is_there()),
        TransactWrite::new().check(&acme, "g-1", is_there()),
        TransactWrite::new().update_unsigned(&acme, "g-1", view()),
        TransactWrite::new().update_unsigned_if(&acme, "g-1", view(), is_there()),
    ];
    for (index, transaction) in refused.into_iter().enumerate() {
        let error = transaction.delete(&acme, "a-1").send().await.unwrap_err();
        assert!(
            matches!(error, TransactionError::Cancelled(_)),
            "{index}: {error:?}"
        );
        let reason = &error.reasons()[0];
        assert_eq!(
            reason.code(),
            CancellationCode::ConditionalCheckFailed,
            "{index}"
        );
        if let Some(found) = reason.item() {
            assert!(is_another_tenants(found.as_ref().unwrap_err()), "{index}");
        }
    }
    let error = TransactWrite::new().put(&acme, &note("a-1", "globex"));
    let error = error.send().await.unwrap_err();
    let failed = error.failed_operation().unwrap().seal_error();
    assert!(matches!(failed, Some(SealError::TenantMismatch(_))));
    assert_untouched(&table).await;
    assert!(read(&table, "a-1").await.is_some());

    TransactWrite::new()
        .put(&acme, &note("a-2", "acme"))
        .update_unsigned(&acme, "a-1", view())
        .delete(&acme, "x-1")
        .check(&acme, "x-2", attribute("id").not_exists())
        .send()
        .await
        .unwrap();
    TransactWrite::new()
        .put(&acme, &note("a-2", "acme"))
        .check(&acme, "a-1", is_there())
        .send()
        .await
        .unwrap();
    let deleting = TransactWrite::new().delete(&acme, "a-1");
    deleting
        .delete_if(&acme, "a-2", is_there())
        .send()
        .await
        .unwrap();
    assert_eq!(read(&table, "a-2").await, None);
}

#[tokio::test]
async fn batches_put_its_own_and_delete_nothing() {
    let (stack, table, acme, intake) = start_limited().await;
    for batch in [
        acme.batch_write().delete("a-1"),
        acme.batch_write().put(&note("a-2", "acme")).delete("g-1"),
        intake.batch_write().delete("g-1"),
    ] {
        let failure = batch.send().await.unwrap_err();
        let BatchWriteCause::Operation(OperationError::Refused(refused)) = failure.cause() else {
            panic!("{failure:?}")
        };
        assert!(refused.to_string().contains("TransactWrite"), "{refused}");
    }
    let failure = acme.batch_write().put(&note("a-2", "globex")).send().await;
    let failure = failure.unwrap_err();
    assert!(
        matches!(
            failure.cause(),
            BatchWriteCause::Operation(OperationError::Seal(SealError::TenantMismatch(_)))
        ),
        "{failure:?}"
    );
    assert_eq!(calls(&stack, "BatchWriteItem"), 0);
    let batch = acme
        .batch_write()
        .puts(&[note("a-2", "acme"), note("a-3", "acme")]);
    batch.send().await.unwrap();
    assert!(read(&table, "a-3").await.is_some());
    assert_untouched(&table).await;
}

/// Whoever strips the tenant off an item makes it nobody's, not everybody's.
#[tokio::test]
async fn refuses_to_delete_what_was_changed() {
    let (stack, _table, acme, _) = start_limited().await;
    let mut stored = stack.stored(US, &key("a-1")).await.unwrap();
    stored.remove("tenant");
    stack.store(US, &stored).await;
    let error = acme.delete("a-1").send().await.unwrap_err();
    let OperationError::TenantMismatch(mismatch) = &error else {
        panic!("{error:?}")
    };
    assert!(!mismatch.has_tenant());
    stored.insert("tenant".to_owned(), n("7"));
    stack.store(US, &stored).await;
    let error = acme.delete("a-1").send().await.unwrap_err();
    assert!(is_refused_write(&error), "{error:?}");
}
