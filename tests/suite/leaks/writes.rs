//! Conditional writes and updates: what they print, whether they succeed, fail or are refused.

use dynaseal::expression::{Condition, UpdateExpression, attribute};
use dynaseal::testkit::{Fault, Service};
use dynaseal::{SealedTable, UpdateError};

use super::failures::{start_with_patient, table_of};
use super::*;

/// A condition full of secrets, which holds.
fn holds() -> Condition {
    let tenant = attribute("tenant").eq(TENANT);
    tenant.and(attribute("visit").between(SORT, SORT))
}

/// A condition full of secrets, which does not hold.
fn fails() -> Condition {
    attribute("tenant")
        .ne(TENANT)
        .or(attribute("tenant").begins_with(STREET))
}

fn views() -> UpdateExpression {
    UpdateExpression::new().set("views", UNSIGNED)
}

fn key() -> (&'static str, u64) {
    (PARTITION, SORT)
}

async fn start_with_table(exhibits: &Exhibits) -> (Stack, SealedTable<Patient>) {
    let (stack, _) = start_with_patient(exhibits).await;
    let table = table_of::<Patient>(&stack, US, exhibits);
    (stack, table)
}

#[tokio::test]
async fn writes_that_succeed_show_no_secret() {
    let (exhibits, _guard) = Exhibits::listen();
    let (_stack, table) = start_with_table(&exhibits).await;
    let put = table.put(&patient()).condition(holds()).return_old();
    exhibits.show("Put", &put);
    exhibits.show("PutOutput", &put.send().await.unwrap());

    let update = table.update_unsigned(key(), views()).condition(holds());
    exhibits.show("UpdateUnsigned", &update);
    let output = update.return_new().send().await.unwrap();
    exhibits.show("UpdateUnsignedOutput", &output);

    let update = table.update(key(), |patient| {
        patient.ssn = "219-09-9999".to_owned().into();
    });
    exhibits.show("Update", &update);
    exhibits.show("UpdateOutput", &update.send().await.unwrap());

    let delete = table.delete(key()).condition(holds()).return_old();
    exhibits.show("Delete", &delete);
    exhibits.show("DeleteOutput", &delete.send().await.unwrap());
    let log = exhibits.log();
    for verb in ["PutItem", "UpdateUnsigned", "Update{", "DeleteItem"] {
        assert!(log.contains(verb), "{verb} in {log}");
    }
    exhibits.assert_clean(&all_secrets(), 16);
}

#[tokio::test]
async fn conditions_that_fail_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (_stack, table) = start_with_table(&exhibits).await;
    let put = table.put(&patient()).condition(fails()).send();
    let put = put.await.unwrap_err();
    assert!(put.item().unwrap().is_ok());
    exhibits.show_error("put", &put);
    let delete = table.delete(key()).condition(fails()).send();
    exhibits.show_error("delete", &delete.await.unwrap_err());
    let update = table.update_unsigned(key(), views()).condition(fails());
    exhibits.show_error("update", &update.send().await.unwrap_err());
    exhibits.assert_clean(&all_secrets(), 18);
}

#[tokio::test]
async fn lost_answers_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, table) = start_with_table(&exhibits).await;
    let lose = |operation: &str| {
        let lost = Fault::LostResponse.on(operation).times(1);
        stack.cloud.region(US).fail(Service::DynamoDb, lost);
    };
    lose("PutItem");
    let put = table.put(&patient()).condition(holds()).send();
    exhibits.show_error("put", &put.await.unwrap_err());
    lose("UpdateItem");
    let update = table.update_unsigned(key(), views()).send();
    exhibits.show_error("update_unsigned", &update.await.unwrap_err());
    for operation in ["UpdateItem", "TransactWriteItems"] {
        lose(operation);
        let mut update = table.update(key(), |patient| patient.ssn = SSN.to_owned().into());
        if operation == "TransactWriteItems" {
            update = update.exactly_once();
        }
        let updated = update.send().await;
        assert!(!updated.unwrap().is_written(), "it is that already");
        let mut update = table.update(key(), |patient| {
            let flipped: String = patient.ssn.expose().chars().rev().collect();
            patient.ssn = flipped.into();
        });
        if operation == "TransactWriteItems" {
            update = update.exactly_once();
        }
        let error = update.send().await.unwrap_err();
        assert!(matches!(error, UpdateError::OutcomeUnknown(_)), "{error:?}");
        exhibits.show_error("update", &error);
        // Back to what all expect.
        let restore = table.update(key(), |patient| patient.ssn = SSN.to_owned().into());
        restore.send().await.unwrap();
    }
    lose("DeleteItem");
    let delete = table.delete(key()).condition(holds()).send();
    exhibits.show_error("delete", &delete.await.unwrap_err());
    let log = exhibits.log();
    assert!(log.contains("outcome=\"outcome unknown\""), "{log}");
    exhibits.assert_clean(&all_secrets(), 30);
}

#[tokio::test]
async fn refused_updates_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, table) = start_with_table(&exhibits).await;
    let show = async |what: &str, change: fn(&mut Patient) -> Result<(), String>| {
        let error = table.update(key(), change).send().await.unwrap_err();
        exhibits.show_error(what, &error);
    };
    show("closure", |patient| {
        Err(format!("not {}", patient.ssn.expose()))
    })
    .await;
    show("key", |patient| {
        patient.id = SSN.to_owned();
        Ok(())
    })
    .await;
    show("unsigned", |patient| {
        patient.views = Unsigned::new(UNSIGNED + 1);
        Ok(())
    })
    .await;
    show("too large", |patient| {
        patient.ssn = SSN.repeat(40_000).into();
        Ok(())
    })
    .await;
    let put = table.put(&patient()).condition(attribute("ssn").eq(SSN));
    exhibits.show_error("condition", &put.send().await.unwrap_err());
    let signed = UpdateExpression::new().set("ssn", SSN);
    let update = table.update_unsigned(key(), signed);
    exhibits.show_error("update_unsigned", &update.send().await.unwrap_err());
    let fault = Fault::Status(400, "ValidationException");
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, fault.on("UpdateItem"));
    show("sdk", |patient| {
        patient.ssn = "219-09-9999".to_owned().into();
        Ok(())
    })
    .await;
    exhibits.assert_clean(&all_secrets(), 24);
}
