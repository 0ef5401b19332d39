//! Writes that happen twice: sent again after a lost answer, and the caller's condition holds once more.
//!
//! Found by the chaos suite. A version, a footer or a token hold once,
//! so none of this concerns updates, transactions and items with a version.

use dynaseal::expression::attribute;
use dynaseal::{OperationError, SealedTable};

use super::meanwhile::{NoWait, calls, lose_the_next, retrying};
use super::*;

#[tokio::test]
async fn a_deletion_that_is_sent_again_deletes_what_others_made_meanwhile() {
    let (stack, _) = start_with_customer().await;
    let others: SealedTable<Customer> = stack.table(US);
    let meanwhile = NoWait::default();
    let table = retrying::<Customer>(&stack, meanwhile.clone());
    lose_the_next(&stack, "DeleteItem");
    meanwhile.then(async move {
        let put = others.put(&customer("c-1")).if_not_exists();
        put.send().await.expect("the first deletion happened");
    });
    let delete = table.delete(("c-1", 7));
    let delete = delete.condition(attribute("tenant").eq("acme"));
    delete.send().await.unwrap();
    assert_eq!(calls(&stack, "DeleteItem"), 2);
    assert!(stack.stored(US, &key("c-1")).await.is_none());
}

#[tokio::test]
async fn a_put_that_is_sent_again_makes_anew_what_others_deleted_meanwhile() {
    let stack = start().await;
    let others: SealedTable<Customer> = stack.table(US);
    let meanwhile = NoWait::default();
    let table = retrying::<Customer>(&stack, meanwhile.clone());
    lose_the_next(&stack, "PutItem");
    meanwhile.then(async move {
        let delete = others.delete(("c-1", 7)).return_old().send().await;
        let old = delete.unwrap().into_old();
        assert!(old.is_some(), "the first put happened");
    });
    table
        .put(&customer("c-1"))
        .if_not_exists()
        .send()
        .await
        .unwrap();
    assert!(stack.stored(US, &key("c-1")).await.is_some());
}

#[tokio::test]
async fn neither_happens_where_the_answer_matters() {
    let (stack, _) = start_with_customer().await;
    let table = retrying::<Customer>(&stack, NoWait::default());
    lose_the_next(&stack, "DeleteItem");
    let delete = table.delete(("c-1", 7)).return_old();
    let delete = delete.condition(attribute("tenant").eq("acme"));
    let error = delete.send().await.unwrap_err();
    assert!(matches!(error, OperationError::OutcomeUnknown(_)));
    assert_eq!(calls(&stack, "DeleteItem"), 1);
}
