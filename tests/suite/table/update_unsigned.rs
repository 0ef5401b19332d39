//! Updates of unsigned attributes in place.

use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::{
    AttributeAction, AttributeValueUpdate, ReturnConsumedCapacity, ReturnValue,
};
use dynaseal::UpdateError;
use dynaseal::expression::{NO_NAMES, NO_VALUES, UpdateExpression, attribute};
use dynaseal::item::Model;
use dynaseal::table::UpdateWriteError;
use dynaseal::testkit::{Fault, Service};

use super::meanwhile::{NoWait, calls, delay_the_next, fail, lose_the_next, retrying};
use super::*;

fn increment() -> UpdateExpression {
    UpdateExpression::new().increment(":views", 1)
}

async fn views(stack: &Stack) -> u64 {
    let found = stack.table::<Customer>(US).get(("c-1", 7)).send().await;
    *found.unwrap().unwrap().views.unauthenticated()
}

fn assert_unknown(error: &UpdateError) {
    assert!(matches!(error, UpdateError::OutcomeUnknown(_)), "{error:?}");
    assert!(!error.is_retryable());
    assert_eq!(error.region(), Some(US));
}

#[tokio::test]
async fn counts_in_place_without_a_key_and_the_item_still_verifies() {
    let (stack, before) = start_with_customer().await;
    stack.cloud.reset_calls();
    let table = stack.table::<Customer>(US);
    let output = table.update_unsigned(("c-1", 7), increment()).send().await;
    let output = output.unwrap();
    assert!(output.item().is_none() && output.updated().is_none());
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 1);
    let after = stack.stored(US, &key("c-1")).await.unwrap();
    assert_eq!(after["aws_dbe_foot"], before["aws_dbe_foot"]);
    assert_eq!(views(&stack).await, 4);
}

#[tokio::test]
async fn returns_the_item_before_or_after_or_what_was_updated() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table::<Customer>(US);
    let update = || table.update_unsigned(("c-1", 7), increment());
    let opened = |output: dynaseal::table::UpdateUnsignedOutput| {
        assert!(output.sdk_output().attributes().is_none(), "never sealed");
        let item = output.into_item().unwrap().unwrap();
        let customer = Customer::from_opened(item).unwrap();
        assert_eq!(customer.ssn.expose(), "078-05-1120");
        *customer.views.unauthenticated()
    };
    assert_eq!(opened(update().return_new().send().await.unwrap()), 4);
    assert_eq!(opened(update().return_old().send().await.unwrap()), 4);
    let output = update().return_new().return_updated().send().await.unwrap();
    assert!(output.item().is_none());
    let updated = output.updated().unwrap().unauthenticated();
    assert_eq!(updated, &item([(":views", n("6"))]));
}

#[tokio::test]
async fn part_of_a_signed_item_is_never_returned() {
    let (stack, _) = start_with_customer().await;
    // A store that answers with more than it was asked for.
    let table = stack.meddled::<Customer, _>(|input: &mut UpdateItemInput| {
        input.return_values = Some(ReturnValue::AllNew);
    });
    let update = table.update_unsigned(("c-1", 7), increment());
    let output = update.return_updated().send().await.unwrap();
    let updated = output.updated().unwrap().unauthenticated();
    assert_eq!(updated, &item([(":views", n("4"))]));
    assert!(output.sdk_output().attributes().is_none());
}

#[tokio::test]
async fn an_item_that_does_not_open_afterwards_is_no_failure_of_the_update() {
    let (stack, mut stored) = start_with_customer().await;
    stored.insert("plan".to_owned(), s("Free"));
    stack.store(US, &stored).await;
    let table = stack.table::<Customer>(US);
    let update = table.update_unsigned(("c-1", 7), increment()).return_new();
    let output = update.send().await.unwrap();
    assert!(matches!(
        output.item(),
        Some(Err(OpenError::Authentication(_)))
    ));
}

#[tokio::test]
async fn makes_no_item_and_touches_no_plaintext() {
    let stack = start().await;
    let table = stack.table::<Customer>(US);
    let update = || table.update_unsigned(("c-1", 7), increment());
    let error = update().send().await.unwrap_err();
    assert!(matches!(error, UpdateError::NotFound), "{error:?}");
    assert!(stack.stored(US, &key("c-1")).await.is_none());

    let mut plaintext = key("c-1");
    plaintext.insert(":views".to_owned(), n("3"));
    stack.store(US, &plaintext).await;
    let always = attribute("record")
        .exists()
        .or(attribute("record").not_exists());
    let error = update().condition(always).send().await.unwrap_err();
    assert!(matches!(error, UpdateError::PlaintextItem), "{error:?}");
    assert_eq!(stack.stored(US, &key("c-1")).await.unwrap(), plaintext);
}

#[tokio::test]
async fn a_condition_of_the_callers_is_told_from_the_tables_own() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table::<Customer>(US);
    let update = |tenant| {
        let condition = attribute("tenant").eq(tenant);
        table
            .update_unsigned(("c-1", 7), increment())
            .condition(condition)
            .send()
    };
    update("acme").await.unwrap();
    let error = update("globex").await.unwrap_err();
    let UpdateError::Write(OperationError::Sdk(failure)) = &error else {
        panic!("{error:?}")
    };
    let Some(UpdateWriteError::Update(sdk)) = failure.error().as_service_error() else {
        panic!("{error:?}")
    };
    assert!(sdk.is_conditional_check_failed_exception());
    let stored = error.item().unwrap().as_ref().unwrap();
    assert_eq!(stored.item()["ssn"], s("078-05-1120"));
    assert!(!error.is_retryable());
    assert_eq!(views(&stack).await, 4);
}

/// Expressions that name, write or read what is signed, unknown, a key or the format's.
fn refused_expressions() -> Vec<(&'static str, UpdateExpression)> {
    let update = UpdateExpression::new;
    let parse = |text| UpdateExpression::parse(text, NO_NAMES, NO_VALUES).unwrap();
    let with_value = |text| UpdateExpression::parse(text, NO_NAMES, [(":v", 1)]).unwrap();
    vec![
        ("ssn", update().set("ssn", "x")),
        ("plan", update().set("plan", "x")),
        ("tenant", update().remove("tenant")),
        ("record", update().increment("record", 1)),
        ("customerId", update().set("customerId", "c-2")),
        ("lucky", update().add("lucky", 1)),
        (
            "tags",
            update().delete(
                "tags",
                aws_sdk_dynamodb::types::AttributeValue::Ss(vec!["vip".into()]),
            ),
        ),
        ("phones", update().append_to_list("phones", "x")),
        (
            "address",
            update().set(attribute("address").field("street"), "x"),
        ),
        ("phones", update().remove(attribute("phones").index(0))),
        ("ssn", update().set(":views", attribute("ssn"))),
        (
            "ssn",
            update().set(":views", attribute("ssn").if_not_exists(1)),
        ),
        (
            "record",
            update().set(":views", attribute("record").plus(1)),
        ),
        ("unconfigured", with_value("SET unconfigured = :v")),
        ("unconfigured", parse("REMOVE\tunconfigured")),
        ("aws_dbe_head", parse("REMOVE aws_dbe_head")),
        ("aws_dbe_foot", with_value("SET\naws_dbe_foot\t=\r\n:v")),
        ("aws_dbe_b_ssn", with_value("SET aws_dbe_b_ssn = :v")),
        ("SETx", with_value("set SETx = :v")),
        ("removed", parse("remove removed")),
    ]
}

#[tokio::test]
async fn an_expression_on_what_is_signed_or_the_formats_never_leaves() {
    let (stack, _) = start_with_customer().await;
    stack.cloud.reset_calls();
    let table = stack.table::<Customer>(US);
    for (name, expression) in refused_expressions() {
        for expression in [expression.clone(), expression.increment(":views", 1)] {
            let shown = format!("{expression:?}");
            let update = table.update_unsigned(("c-1", 7), expression);
            let error = update.send().await.unwrap_err();
            let UpdateError::Write(OperationError::Refused(refused)) = error else {
                panic!("{shown}: {error:?}")
            };
            assert_eq!(refused.attribute(), Some(name), "{shown}");
        }
    }
    let nothing = table.update_unsigned(("c-1", 7), UpdateExpression::new());
    let error = nothing.send().await.unwrap_err();
    assert!(
        matches!(error, UpdateError::Write(OperationError::Refused(_))),
        "{error:?}"
    );
    let no_pair = table.update_unsigned(dynaseal::item::Key::new("c-1"), increment());
    let error = no_pair.send().await.unwrap_err();
    assert!(
        matches!(error, UpdateError::Write(OperationError::Refused(_))),
        "{error:?}"
    );
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn what_belongs_to_the_table_is_refused_in_updates() {
    let (stack, _) = start_with_customer().await;
    stack.cloud.reset_calls();
    let table = stack.table::<Customer>(US);
    let legacy = AttributeValueUpdate::builder().action(AttributeAction::Delete);
    type Customize = Box<
        dyn Fn(
            aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder,
        )
            -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder,
    >;
    let legacy = legacy.build();
    let refused: Vec<Customize> = vec![
        Box::new(|b| b.table_name("elsewhere")),
        Box::new(|b| b.key("customerId", s("c-2"))),
        Box::new(|b| b.update_expression("REMOVE ssn")),
        Box::new(move |b| b.attribute_updates("ssn", legacy.clone())),
        Box::new(|b| b.condition_expression("attribute_exists(ssn)")),
        Box::new(|b| b.expression_attribute_names("#a", "ssn")),
        Box::new(|b| b.expression_attribute_values(":a", s("x"))),
        Box::new(|b| b.return_values(ReturnValue::UpdatedOld)),
    ];
    for (at, customize) in refused.iter().enumerate() {
        let unsigned = table.update_unsigned(("c-1", 7), increment());
        let unsigned = unsigned.customize(customize).send().await.unwrap_err();
        let update = table.update(("c-1", 7), |c| c.tenant.clear());
        let update = update.customize(customize).send().await.unwrap_err();
        for error in [unsigned, update] {
            assert!(
                matches!(error, UpdateError::Write(OperationError::Refused(_))),
                "{at}: {error:?}"
            );
        }
    }
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn consumed_capacity_is_asked_for() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table::<Customer>(US);
    let total = ReturnConsumedCapacity::Total;
    let update = table.update_unsigned(("c-1", 7), increment());
    let update = update.customize(|b| b.return_consumed_capacity(total));
    let output = update.send().await.unwrap();
    assert!(output.sdk_output().consumed_capacity().is_some());
}

#[tokio::test]
async fn a_lost_answer_leaves_an_increment_unknown_and_it_is_not_sent_again() {
    let (stack, _) = start_with_customer().await;
    let table = retrying::<Customer>(&stack, NoWait::default());
    lose_the_next(&stack, "UpdateItem");
    let update = table.update_unsigned(("c-1", 7), increment());
    assert_unknown(&update.send().await.unwrap_err());
    assert_eq!(calls(&stack, "UpdateItem"), 1);
    assert_eq!(views(&stack).await, 4);
}

#[tokio::test]
async fn what_certainly_was_not_applied_is_sent_again() {
    let (stack, _) = start_with_customer().await;
    let table = retrying::<Customer>(&stack, NoWait::default());
    for fault in [
        Fault::Status(400, "ThrottlingException"),
        Fault::Unavailable,
    ] {
        fail(&stack, fault.on("UpdateItem").times(1));
    }
    let update = table.update_unsigned(("c-1", 7), increment());
    update.send().await.unwrap();
    assert_eq!(calls(&stack, "UpdateItem"), 3);
    assert_eq!(views(&stack).await, 4);
}

#[tokio::test]
async fn an_idempotent_update_is_sent_again_after_a_lost_answer() {
    let (stack, _) = start_with_customer().await;
    let table = retrying::<Customer>(&stack, NoWait::default());
    let ten = UpdateExpression::new().set(":views", 10);
    let update = || table.update_unsigned(("c-1", 7), ten.clone()).idempotent();
    delay_the_next(&stack, "UpdateItem");
    lose_the_next(&stack, "UpdateItem");
    update().send().await.unwrap();
    assert_eq!(calls(&stack, "UpdateItem"), 3);
    assert_eq!(views(&stack).await, 10);

    lose_the_next(&stack, "UpdateItem");
    let error = update().return_old().send().await.unwrap_err();
    assert_unknown(&error);
    assert_eq!(calls(&stack, "UpdateItem"), 4, "the old item would be lost");

    lose_the_next(&stack, "UpdateItem");
    let not_ten = attribute(":views").ne(10).or(attribute("record").eq(7));
    update().condition(not_ten).send().await.unwrap();
}
