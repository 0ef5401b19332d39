//! Conditions of writes: what holds, what comes back with one that fails, and what never leaves.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use dynaseal::error::AttributeIssue;
use dynaseal::expression::{Condition, NO_NAMES, NO_VALUES, attribute};
use dynaseal::testkit::Service;
use dynaseal::{CryptoAction, ItemSchema, SealedTable};

use super::writes::{Account, account};
use super::*;

/// A customer whose signed attributes differ.
fn of_tenant(tenant: &str) -> Customer {
    Customer {
        tenant: tenant.to_owned(),
        ..customer("c-1")
    }
}

async fn tenant(stack: &Stack) -> String {
    let found = stack.table::<Customer>(US).get(("c-1", 7)).send().await;
    found.unwrap().unwrap().tenant
}

/// An administrator spoils the item.
async fn corrupt(stack: &Stack) {
    let mut stored = stack.stored(US, &key("c-1")).await.unwrap();
    stored.insert("plan".to_owned(), s("Free"));
    stack.store(US, &stored).await;
}

#[tokio::test]
async fn a_put_is_written_only_if_its_condition_holds_of_the_stored_item() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table(US);
    let acme = || attribute("tenant").eq("acme");
    let globex = of_tenant("globex");
    table.put(&globex).condition(acme()).send().await.unwrap();
    assert_eq!(tenant(&stack).await, "globex");

    let initech = of_tenant("initech");
    let error = table.put(&initech).condition(acme()).send().await;
    let error = error.unwrap_err();
    assert!(matches!(error, OperationError::Sdk(_)), "{error:?}");
    let stored = error.item().unwrap().as_ref().unwrap();
    assert_eq!(stored.item()["tenant"], s("globex"));
    assert_eq!(stored.item()["ssn"], s("078-05-1120"), "opened");
    assert_eq!(tenant(&stack).await, "globex");
}

#[tokio::test]
async fn an_item_that_fails_a_condition_and_does_not_open_leaves_the_error_what_it_is() {
    let (stack, _) = start_with_customer().await;
    corrupt(&stack).await;
    let put = stack.table(US).put(&customer("c-1")).if_not_exists().send();
    let error = put.await.unwrap_err();
    let sdk = error.sdk_error().unwrap().as_service_error().unwrap();
    assert!(sdk.is_conditional_check_failed_exception());
    let stored = error.item().unwrap();
    assert!(
        matches!(stored, Err(OpenError::Authentication(_))),
        "{stored:?}"
    );
}

#[tokio::test]
async fn several_conditions_must_all_hold() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table(US);
    let put = |tenant, record| {
        table
            .put(&of_tenant("globex"))
            .condition(attribute("tenant").eq(tenant))
            .condition(attribute("record").eq(record))
            .send()
    };
    assert!(put("acme", 8).await.is_err());
    assert!(put("globex", 7).await.is_err());
    put("acme", 7).await.unwrap();
}

#[tokio::test]
async fn a_condition_weakens_neither_the_version_nor_if_not_exists() {
    let stack = start().await;
    let table = stack.table::<Account>(US);
    table.put(&account(0)).send().await.unwrap();
    // OR binds less than the AND that joins them.
    let always = || {
        let exists = attribute("record").exists();
        exists.or(attribute("record").not_exists())
    };
    let stale = table.put(&account(3)).condition(always()).send().await;
    assert!(matches!(stale, Err(OperationError::Sdk(_))), "{stale:?}");
    let again = table.put(&account(0)).condition(always()).send().await;
    assert!(matches!(again, Err(OperationError::Sdk(_))), "{again:?}");
    let never = attribute("record").not_exists();
    let neither = table.put(&account(1)).condition(never).send().await;
    assert!(
        matches!(neither, Err(OperationError::Sdk(_))),
        "{neither:?}"
    );
    let next = table.put(&account(1)).condition(always()).send().await;
    assert_eq!(next.unwrap().version(), Some(2));

    let customers = stack.table(US);
    let put = customers.put(&customer("c-1")).if_not_exists();
    let error = put.condition(always()).send().await.unwrap_err();
    assert!(matches!(error, OperationError::Sdk(_)), "{error:?}");
}

#[tokio::test]
async fn a_deletion_is_done_only_if_its_condition_holds() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table::<Customer>(US);
    let delete = |tenant| {
        let condition = attribute("tenant").eq(tenant);
        table.delete(("c-1", 7)).condition(condition).send()
    };
    let error = delete("globex").await.unwrap_err();
    let stored = error.item().unwrap().as_ref().unwrap();
    assert_eq!(stored.item()["tenant"], s("acme"));
    delete("acme").await.unwrap();
    assert!(stack.stored(US, &key("c-1")).await.is_none());
    let error = delete("acme").await.unwrap_err();
    assert!(matches!(error, OperationError::Sdk(_)) && error.item().is_none());
}

#[tokio::test]
async fn the_replaced_and_the_deleted_item_come_back_opened() {
    use dynaseal::item::Model;
    let stack = start().await;
    let table = stack.table::<Customer>(US);
    let first = table.put(&customer("c-1")).return_old().send().await;
    assert!(first.unwrap().old().is_none(), "there was none");
    let second = table.put(&of_tenant("globex")).return_old().send().await;
    let second = second.unwrap();
    assert!(second.sdk_output().attributes().is_none(), "never sealed");
    let old = Customer::from_opened(second.into_old().unwrap().unwrap());
    assert_eq!(old.unwrap().tenant, "acme");
    let silent = table.put(&of_tenant("globex")).send().await.unwrap();
    assert!(silent.old().is_none(), "nobody asked");

    let delete = table.delete(("c-1", 7)).return_old().send().await.unwrap();
    assert!(delete.sdk_output().attributes().is_none());
    let old = Customer::from_opened(delete.into_old().unwrap().unwrap());
    assert_eq!(old.unwrap().tenant, "globex");
    let delete = table.delete(("c-1", 7)).return_old().send().await.unwrap();
    assert!(delete.old().is_none());
}

#[tokio::test]
async fn an_old_item_that_does_not_open_is_no_failure_of_the_write() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table::<Customer>(US);
    corrupt(&stack).await;
    let put = table.put(&of_tenant("globex")).return_old().send().await;
    let put = put.unwrap();
    assert!(matches!(put.old(), Some(Err(OpenError::Authentication(_)))));
    assert_eq!(tenant(&stack).await, "globex");
    corrupt(&stack).await;
    let delete = table.delete(("c-1", 7)).return_old().send().await.unwrap();
    assert!(matches!(
        delete.old(),
        Some(Err(OpenError::Authentication(_)))
    ));
    assert!(stack.stored(US, &key("c-1")).await.is_none());
}

#[tokio::test]
async fn another_item_does_not_pass_for_the_one_that_comes_back() {
    let (stack, _) = start_with_customer().await;
    stack.table(US).put(&customer("c-2")).send().await.unwrap();
    // A store that deletes another item than it was told, and answers with it.
    let table = stack.meddled::<Customer, _>(|input: &mut DeleteItemInput| {
        input.key = Some(key("c-2"));
    });
    let assert_another = |old: Option<&Result<_, OpenError>>| {
        let Some(Err(OpenError::Attribute(error))) = old else {
            panic!("{old:?}")
        };
        assert_eq!(error.issue(), AttributeIssue::AnotherKey);
    };
    let condition = attribute("tenant").eq("globex");
    let conflict = table.delete(("c-1", 7)).condition(condition).send().await;
    assert_another(conflict.unwrap_err().item());
    let deleted = table.delete(("c-1", 7)).return_old().send().await;
    assert_another(deleted.unwrap().old());
}

/// Conditions that DynamoDB could only evaluate on ciphertext, on nothing, or on the format.
fn refused_conditions() -> Vec<(&'static str, Condition)> {
    let parse = |text| Condition::parse(text, NO_NAMES, NO_VALUES).unwrap();
    let with_value = |text| Condition::parse(text, NO_NAMES, [(":v", "x")]).unwrap();
    vec![
        ("ssn", attribute("ssn").eq("078-05-1120")),
        ("ssn", attribute("tenant").eq(attribute("ssn"))),
        ("ssn", attribute("ssn").size().gt(3)),
        ("ssn", attribute("ssn").begins_with("078")),
        ("ssn", attribute("tenant").contains(attribute("ssn"))),
        ("ssn", attribute("ssn").between("a", "b")),
        ("ssn", attribute("tenant").is_in([attribute("ssn")])),
        ("ssn", !attribute("ssn").eq("x")),
        ("ssn", with_value("attribute_exists(ssn)\tAND\nssn = :v")),
        ("ssn", with_value("tenant = :v\tOR\r\n\tssn = :v")),
        ("address", attribute("address").field("street").eq("x")),
        ("address", attribute("address").field("street").exists()),
        ("phones", attribute("phones").index(0).eq("555")),
        ("address", parse("attribute_exists(address.street)")),
        ("unheardOf", with_value("unheardOf = :v")),
        ("unheardOf", parse("attribute_not_exists(unheardOf)")),
        ("aws_dbe_foot", parse("attribute_exists(aws_dbe_foot)")),
        ("aws_dbe_head", with_value("aws_dbe_head = :v")),
    ]
}

#[tokio::test]
async fn a_condition_on_what_is_encrypted_unknown_or_the_formats_never_leaves() {
    let (stack, _) = start_with_customer().await;
    stack.cloud.reset_calls();
    let table = stack.table::<Customer>(US);
    let views = dynaseal::expression::UpdateExpression::new().increment(":views", 1);
    for (name, condition) in refused_conditions() {
        let shown = format!("{condition:?}");
        let put = table.put(&customer("c-1")).condition(condition.clone());
        let put = put.send().await.unwrap_err();
        let delete = table.delete(("c-1", 7)).condition(condition.clone());
        let delete = delete.send().await.unwrap_err();
        let update = table.update_unsigned(("c-1", 7), views.clone());
        let update = update.condition(condition).send().await.unwrap_err();
        let dynaseal::UpdateError::Write(update) = update else {
            panic!("{shown}: {update:?}")
        };
        let refusals = [refusal(put), refusal(delete), refusal(update)];
        for refused in refusals {
            let refused = refused.unwrap_or_else(|error| panic!("{shown}: {error}"));
            assert_eq!(refused.attribute(), Some(name), "{shown}");
            assert!(refused.to_string().contains(name));
        }
    }
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
}

fn refusal<E>(error: OperationError<E>) -> Result<dynaseal::table::Refused, String> {
    match error {
        OperationError::Refused(refused) => Ok(refused),
        other => Err(format!("{other:?}")),
    }
}

#[tokio::test]
async fn what_is_encrypted_may_be_asked_for_but_not_looked_at() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table::<Customer>(US);
    let exists = attribute("ssn")
        .exists()
        .and(!attribute("scan").not_exists());
    let put = table.put(&of_tenant("globex")).condition(exists);
    put.send().await.unwrap();
    let unsigned = attribute(":views").ge(3).and(attribute("plan").exists());
    let put = table.put(&of_tenant("initech")).condition(unsigned);
    put.send().await.unwrap();
    assert_eq!(tenant(&stack).await, "initech");
}

#[tokio::test]
async fn a_condition_that_is_too_long_never_leaves() {
    let (stack, _) = start_with_customer().await;
    stack.cloud.reset_calls();
    let long = (0..150).map(|n| attribute("tenant").ne(format!("{n}")));
    let long = long.reduce(Condition::and).unwrap();
    let too_long = long.clone().and(long.clone()).and(long);
    let put = stack.table(US).put(&customer("c-1")).condition(too_long);
    let refused = refusal(put.send().await.unwrap_err()).unwrap();
    assert_eq!(refused.attribute(), None);
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
}

/// Names that begin like keywords and functions of the grammar, each once encrypted and once signed.
const KEYWORDS: [&str; 9] = [
    "orders",
    "index",
    "notes",
    "android",
    "inner",
    "between_x",
    "sizes",
    "contains_x",
    "begins_with_x",
];

#[tokio::test]
async fn names_that_begin_like_keywords_are_names() {
    let stack = start().await;
    for action in [CryptoAction::EncryptAndSign, CryptoAction::SignOnly] {
        let schema = ItemSchema::builder(TABLE, "customerId").sort_key_name("record");
        let schema = KEYWORDS
            .iter()
            .fold(schema, |schema, name| schema.action(*name, action));
        let builder = SealedTable::<Item>::builder(TABLE, stack.keyring(US), &stack.regions(US));
        let table = builder.schema(schema.build().unwrap()).build().unwrap();
        let mut stored = key("c-1");
        stored.extend(KEYWORDS.map(|name| (name.to_owned(), s("old"))));
        table.put(&stored).send().await.unwrap();
        stack.cloud.reset_calls();
        for name in KEYWORDS {
            let write = |value| {
                let text = format!("attribute_exists({name})\nAND\t{name}\t=\n:v");
                let condition = Condition::parse(&text, NO_NAMES, [(":v", value)]).unwrap();
                table.put(&stored).condition(condition).send()
            };
            if action == CryptoAction::EncryptAndSign {
                let refused = refusal(write("old").await.unwrap_err()).unwrap();
                assert_eq!(refused.attribute(), Some(name));
                assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
            } else {
                write("old").await.unwrap();
                let error = write("new").await.unwrap_err();
                assert!(matches!(error, OperationError::Sdk(_)), "{name}: {error:?}");
            }
        }
    }
}
