//! An administrator of the table tries to have an item read as something else.

use dynaseal::ItemEncryptor;

use super::*;

#[tokio::test]
async fn a_changed_type_attribute_is_refused() {
    let (stack, table) = start_with_items().await;
    let mut stored = stack.stored(US, &key("NOTE#1")).await.unwrap();
    // It selects the note's own schema or none, never another: the keys must fit as well.
    for (kind, sk) in [("order", "ORDER#9"), ("customer", "PROFILE")] {
        stored.insert("kind".to_owned(), s(kind));
        stored.insert("sk".to_owned(), s(sk));
        stack.store(US, &stored).await;
        let error = refusal(&table, sk).await;
        assert!(
            matches!(
                error,
                OpenError::Keyring(_)
                    | OpenError::SuiteBelowPolicy(_)
                    | OpenError::Authentication(_)
            ),
            "{kind}: {error:?}"
        );
    }
    let mut stored = stack.stored(US, &key("NOTE#1")).await.unwrap();
    stored.insert("kind".to_owned(), s("order"));
    stack.store(US, &stored).await;
    let error = refusal(&table, "NOTE#1").await;
    let OpenError::Entity(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.found(), None);
}

/// With a local key nothing but our own checks stands between an administrator and the reader.
#[tokio::test]
async fn a_changed_selector_is_refused_without_kms_as_well() {
    let kinds = |sk| Discriminator::sort_key_prefix(sk);
    let entities = Entities::builder()
        .entity::<Customer>("customer", kinds("PROFILE"))
        .entity::<Order>("order", kinds("ORDER#"))
        .build()
        .unwrap();
    let keyring = || dynaseal::RawAesKeyring::new("app", "key", [7; 32]).unwrap();
    let encryptor = ItemEncryptor::of_entities(&entities, keyring());
    let sealed = encryptor.seal(customer().to_item().unwrap()).await.unwrap();
    let mut moved = sealed.clone();
    moved.insert("sk".to_owned(), s("PROFILE-2"));
    let error = encryptor.open(moved.clone()).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Keyring(_)),
        "its key is in the context: {error:?}"
    );
    moved.insert("sk".to_owned(), s("ORDER#1"));
    let error = encryptor.open(moved).await.unwrap_err();
    assert!(matches!(error, OpenError::Keyring(_)), "{error:?}");

    let by_kind = |name| Discriminator::attribute("kind", name);
    let entities = Entities::builder()
        .entity::<Customer>("customer", by_kind("customer"))
        .untyped_entity("note", by_kind("note"), note_schema())
        .build()
        .unwrap();
    let encryptor = ItemEncryptor::of_entities(&entities, keyring());
    let sealed = encryptor.seal(customer().to_item().unwrap()).await.unwrap();
    assert_eq!(
        encryptor.open(sealed.clone()).await.unwrap().entity(),
        Some("customer")
    );
    let mut changed = sealed;
    changed.insert("kind".to_owned(), s("note"));
    let error = encryptor.open(changed.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");
    changed.remove("kind");
    let error = encryptor.open(changed).await.unwrap_err();
    assert!(matches!(error, OpenError::Entity(_)), "{error:?}");
}

#[tokio::test]
async fn an_item_moved_under_another_prefix_is_refused() {
    let (stack, table) = start_with_items().await;
    let mut stored = stack.stored(US, &key("ORDER#7")).await.unwrap();
    stored.insert("sk".to_owned(), s("ORDER#8"));
    stack.store(US, &stored).await;
    let error = refusal(&table, "ORDER#8").await;
    assert!(matches!(error, OpenError::Keyring(_)), "{error:?}");
    stored.insert("sk".to_owned(), s("PROFILE"));
    stack.store(US, &stored).await;
    let error = refusal(&table, "PROFILE").await;
    assert!(matches!(error, OpenError::Entity(_)), "{error:?}");
}

/// What is unsigned is unsigned in every type, so a name cannot be made to leave the signature.
#[tokio::test]
async fn a_signed_attribute_under_an_unsigned_name_is_refused() {
    let (stack, table) = start_with_items().await;
    let stored = stack.stored(US, &key("ORDER#7")).await.unwrap();
    let mut renamed = stored.clone();
    let plan = renamed.remove("plan").unwrap();
    renamed.insert("views".to_owned(), plan);
    stack.store(US, &renamed).await;
    let error = refusal(&table, "ORDER#7").await;
    assert!(matches!(error, OpenError::SchemaChanged(_)), "{error:?}");

    // Added to a type that does not know it: nobody's, and not in the model.
    let mut added = stored;
    added.insert("views".to_owned(), n("1000"));
    stack.store(US, &added).await;
    let orders = table.typed::<Order>().unwrap();
    let read = orders.get(("CUSTOMER#1", "ORDER#7")).send().await.unwrap();
    assert_eq!(
        read.unwrap(),
        Order {
            version: 1,
            ..order()
        }
    );
}

/// The note's schema takes a suite under which whoever may open can forge; the customer's does not.
#[tokio::test]
async fn a_weaker_suite_of_one_type_opens_no_other() {
    let (stack, table) = start_with_items().await;
    let schema = ItemSchema::of_model(Customer::SCHEMA, None).unwrap();
    let schema = schema
        .algorithm_suite(AlgorithmSuite::SymsigHmacSha384)
        .build();
    let forger = ItemEncryptor::new(schema.unwrap(), stack.keyring(US));
    let forged = forger.seal(customer().to_item().unwrap()).await.unwrap();
    stack.store(US, &forged).await;
    let error = refusal(&table, "PROFILE").await;
    assert!(matches!(error, OpenError::SuiteBelowPolicy(_)), "{error:?}");
    assert!(
        table
            .get(("CUSTOMER#1", "NOTE#1"))
            .send()
            .await
            .unwrap()
            .is_some()
    );
}

/// Sealed by somebody whose schema encrypts the type attribute: what then stands there in clear selects.
#[tokio::test]
async fn a_selector_that_was_not_signed_in_clear_is_refused() {
    let (stack, table) = start_with_items().await;
    let schema = ItemSchema::builder("app", "pk").sort_key_name("sk");
    let schema = schema.others(CryptoAction::EncryptAndSign);
    let careless = ItemEncryptor::new(schema.build().unwrap(), stack.keyring(US));
    let mut sealed = careless.seal(note()).await.unwrap();
    assert!(of(&sealed, "kind").is_b());
    stack.store(US, &sealed).await;
    let error = refusal(&table, "NOTE#1").await;
    assert!(matches!(error, OpenError::Entity(_)), "{error:?}");
    sealed.insert("kind".to_owned(), s("note"));
    stack.store(US, &sealed).await;
    let OpenError::Attribute(error) = refusal(&table, "NOTE#1").await else {
        panic!()
    };
    assert_eq!(
        (error.name(), error.issue()),
        ("kind", AttributeIssue::NotBinary)
    );
}
