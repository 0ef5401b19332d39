//! The names are DynamoDB's: no schema, item or expression can have them.

use dynaseal::error::AttributeIssue;
use dynaseal::expression::{Condition, UpdateExpression, attribute};
use dynaseal::{
    CryptoAction, ItemEncryptor, ItemSchema, OperationError, RawAesKeyring, SealError, UpdateError,
};

use super::*;

#[test]
fn no_schema_signs_encrypts_or_names_them() {
    use CryptoAction::{EncryptAndSign, SignAndIncludeInEncryptionContext, SignOnly};
    for action in [EncryptAndSign, SignOnly, SignAndIncludeInEncryptionContext] {
        let schema = ItemSchema::builder("t", "id").others(action);
        let schema = schema
            .allowed_unsigned_attribute_prefix("aws:")
            .build()
            .unwrap();
        for name in REPLICATION {
            assert_eq!(schema.action(name), None);
            assert!(!schema.is_in_signature_scope(name));
        }
        assert!(!schema.is_in_signature_scope("aws:x"), "the caller's own");
    }
    let schema = ItemSchema::builder("t", "id").build().unwrap();
    assert!(schema.is_in_signature_scope("aws:rep:x"));
    for name in REPLICATION {
        let builders = [
            ItemSchema::builder("t", "id").action(name, SignOnly),
            ItemSchema::builder("t", "id").allowed_unsigned_attribute(name),
            ItemSchema::builder("t", "id").sort_key_name(name),
        ];
        for builder in builders {
            let error = builder.build().unwrap_err().to_string();
            assert!(error.contains("`aws:rep:` are reserved"), "{error}");
        }
    }
}

#[tokio::test]
async fn an_item_that_brings_one_is_not_sealed() {
    let schema = ItemSchema::builder("t", "id")
        .others(CryptoAction::SignOnly)
        .allowed_unsigned_attribute_prefix("aws:");
    let keyring = RawAesKeyring::new("legacy", "key", [3; 32]).unwrap();
    let encryptor = ItemEncryptor::new(schema.build().unwrap(), keyring);
    for name in REPLICATION.into_iter().chain(["aws:rep:x"]) {
        let error = encryptor
            .seal(item([("id", s("p-1")), (name, s("x"))]))
            .await;
        let SealError::Attribute(error) = error.unwrap_err() else {
            panic!("an attribute")
        };
        assert_eq!(
            (error.name(), error.issue()),
            (name, AttributeIssue::Reserved)
        );
    }
}

#[tokio::test]
async fn no_expression_and_no_closure_names_one() {
    let (stack, _) = start().await;
    let schema = ItemSchema::builder("parcels", "id")
        .others(CryptoAction::SignOnly)
        .allowed_unsigned_attribute_prefix(":");
    let table: SealedTable = SealedTable::builder("parcels", stack.keyring(US), &stack.regions(US))
        .schema(schema.build().unwrap())
        .build()
        .unwrap();
    for name in REPLICATION {
        let conditions: [Condition; 2] = [attribute(name).exists(), attribute(name).eq("x")];
        for condition in conditions {
            let error = table.query("p-1").filter(condition.clone()).page().await;
            assert!(matches!(error.unwrap_err(), OperationError::Refused(_)));
            let error = table.delete("p-1").condition(condition).send().await;
            assert!(matches!(error.unwrap_err(), OperationError::Refused(_)));
        }
        let set = UpdateExpression::new().set(attribute(name), "x");
        let remove = UpdateExpression::new().remove(attribute(name));
        for update in [set, remove] {
            let error = table.update_unsigned("p-1", update).send().await;
            let error = error.unwrap_err();
            assert!(
                matches!(&error, UpdateError::Write(OperationError::Refused(refused)) if refused.attribute() == Some(name)),
                "{error:?}"
            );
        }
        let change = |item: &mut Item| drop(item.insert(name.to_owned(), s("x")));
        let error = table.update("p-1", change).send().await.unwrap_err();
        let UpdateError::Write(OperationError::Seal(SealError::Attribute(error))) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.issue(), AttributeIssue::Reserved);
    }
    assert_replicated(&stack.stored(US, &key()).await.unwrap());
}
