//! What makes entity types safe to tell apart before anything is verified, at `build`.

use dynaseal::item::ItemSchemaBuilder;

use super::*;

fn schema() -> ItemSchemaBuilder {
    let schema = ItemSchema::builder("app", "pk").sort_key_name("sk");
    schema.action("kind", CryptoAction::SignOnly)
}

/// Two untyped entity types of these discriminators and schemas.
fn two(
    a: (Discriminator, ItemSchemaBuilder),
    b: (Discriminator, ItemSchemaBuilder),
) -> EntitiesBuilder {
    Entities::builder()
        .untyped_entity("a", a.0, a.1.build().unwrap())
        .untyped_entity("b", b.0, b.1.build().unwrap())
}

fn prefix(prefix: &str) -> Discriminator {
    Discriminator::sort_key_prefix(prefix)
}

fn kind(value: &str) -> Discriminator {
    Discriminator::attribute("kind", value)
}

fn assert_refused(entities: EntitiesBuilder, words: &[&str]) {
    match entities.build() {
        Ok(entities) => panic!("built: {entities:?}"),
        Err(error) => {
            let error = error.to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}

#[test]
fn builds_what_is_disjoint() {
    for (a, b) in [
        (prefix("A#"), prefix("B#")),
        (kind("a"), kind("b")),
        (Discriminator::sort_key("A"), prefix("B")),
        (
            Discriminator::partition_key_prefix("A#").and(kind("x")),
            Discriminator::partition_key_prefix("B#"),
        ),
    ] {
        two((a, schema()), (b, schema())).build().unwrap();
    }
}

#[test]
fn refuses_discriminators_that_one_item_could_satisfy_together() {
    for (a, b) in [
        (prefix("A#"), prefix("A#B")),
        (prefix("A#"), prefix("A#")),
        (kind("a"), kind("a")),
        (prefix("A#"), Discriminator::sort_key("A#1")),
        (prefix("A#"), kind("b")),
        (prefix("A#"), Discriminator::partition_key_prefix("B#")),
        (prefix("A#").and(kind("a")), prefix("A#")),
    ] {
        let words = ["could be selected as entity `a` and as `b`"];
        assert_refused(two((a, schema()), (b, schema())), &words);
    }
}

#[test]
fn refuses_discriminators_that_select_all_or_nothing() {
    let empty = ["entity `a`: a discriminator needs a value or prefix that is not empty"];
    assert_refused(two((prefix(""), schema()), (prefix("B"), schema())), &empty);
    assert_refused(two((kind(""), schema()), (kind("b"), schema())), &empty);
    let never = kind("a").and(kind("A"));
    let words = ["the discriminator of entity `a` contradicts itself"];
    assert_refused(two((never, schema()), (kind("b"), schema())), &words);
}

#[test]
fn refuses_a_selector_that_some_type_does_not_sign_in_clear() {
    let plain = || ItemSchema::builder("app", "pk").sort_key_name("sk");
    let words = [
        "attribute `kind` selects entity `a`, so it must be signed and in clear in all",
        "not in `b`",
    ];
    for b in [
        plain(),
        plain().action("kind", CryptoAction::EncryptAndSign),
        plain().others(CryptoAction::EncryptAndSign),
    ] {
        assert_refused(two((kind("a"), schema()), (kind("b"), b)), &words);
    }
    let signed = plain().others(CryptoAction::SignOnly);
    two((kind("a"), schema()), (kind("b"), signed))
        .build()
        .unwrap();
    let included = plain().action("kind", CryptoAction::SignAndIncludeInEncryptionContext);
    two((kind("a"), schema()), (kind("b"), included))
        .build()
        .unwrap();
}

#[test]
fn refuses_an_unsigned_selector_by_name_and_by_prefix() {
    let plain = || ItemSchema::builder("app", "pk").sort_key_name("sk");
    for b in [
        plain().allowed_unsigned_attribute("kind"),
        plain().allowed_unsigned_attribute_prefix("ki"),
    ] {
        let words = ["attribute `kind` is signed in entity `a` and unsigned in another"];
        assert_refused(two((kind("a"), schema()), (kind("b"), b)), &words);
    }
    let nowhere = || plain().allowed_unsigned_attribute("kind");
    let words = ["attribute `kind` selects entity `a`"];
    assert_refused(two((kind("a"), nowhere()), (kind("b"), nowhere())), &words);
}

#[test]
fn refuses_an_attribute_that_is_unsigned_in_one_and_signed_in_another() {
    let signed = |action| schema().action("views", action);
    let unsigned = [
        schema().allowed_unsigned_attribute("views"),
        schema().allowed_unsigned_attribute_prefix("v"),
    ];
    for unsigned in unsigned {
        for action in [CryptoAction::EncryptAndSign, CryptoAction::SignOnly] {
            let words = ["attribute `views` is signed in entity `b` and unsigned in another"];
            let entities = two(
                (prefix("A"), unsigned.clone()),
                (prefix("B"), signed(action)),
            );
            assert_refused(entities, &words);
        }
    }
}

#[test]
fn refuses_a_type_that_would_take_unsigned_attributes_of_another_for_its_own() {
    let unsigned = || schema().allowed_unsigned_attribute("views");
    let others = || schema().others(CryptoAction::EncryptAndSign);
    let words = ["entity `b` takes every attribute it does not name, and `views` is unsigned"];
    assert_refused(
        two((prefix("A"), unsigned()), (prefix("B"), others())),
        &words,
    );
    let prefixed = || schema().allowed_unsigned_attribute_prefix(":");
    let words = ["entity `b` takes every attribute it does not name, and `:` is unsigned"];
    assert_refused(
        two((prefix("A"), prefixed()), (prefix("B"), others())),
        &words,
    );
    let named = others().allowed_unsigned_attribute("views");
    two((prefix("A"), unsigned()), (prefix("B"), named))
        .build()
        .unwrap();
}

#[test]
fn refuses_two_unsigned_prefixes() {
    let with = |prefix: &str| schema().allowed_unsigned_attribute_prefix(prefix);
    let words = ["two unsigned prefixes, `:` and `_`"];
    assert_refused(
        two((prefix("A"), with(":")), (prefix("B"), with("_"))),
        &words,
    );
    let same = two((prefix("A"), with(":")), (prefix("B"), schema()));
    let entities = same.build().unwrap();
    let b = entities.schema("b").unwrap();
    assert!(!b.is_in_signature_scope(":x"), "the table's prefix");
    assert_eq!(b.action(":x"), None);
}

#[test]
fn refuses_what_is_not_of_one_table() {
    let with = |b: ItemSchemaBuilder| {
        two(
            (prefix("A"), schema()),
            (Discriminator::partition_key_prefix("B"), b),
        )
    };
    let same = "entities `a` and `b` have different";
    let other = ItemSchema::builder("other", "pk").sort_key_name("sk");
    assert_refused(with(other), &[same, "logical table names"]);
    let other = ItemSchema::builder("app", "id").sort_key_name("sk");
    assert_refused(with(other), &[same, "partition keys"]);
    let other = ItemSchema::builder("app", "pk").sort_key_name("range");
    assert_refused(with(other), &[same, "sort keys"]);
    assert_refused(with(ItemSchema::builder("app", "pk")), &[same, "sort keys"]);
    let keyless = ItemSchema::builder("app", "pk");
    let words = ["entity `b`: a discriminator looks at the sort key, and the table has none"];
    assert_refused(two((prefix("A"), schema()), (prefix("B"), keyless)), &words);
}

#[test]
fn refuses_names_and_models_that_repeat_and_a_table_of_nothing() {
    assert_refused(Entities::builder(), &["at least one"]);
    let twice = Entities::builder()
        .untyped_entity("a", prefix("A"), schema().build().unwrap())
        .untyped_entity("a", prefix("B"), schema().build().unwrap());
    assert_refused(twice, &["two entities are called `a`"]);
    let nameless = Entities::builder().untyped_entity("", prefix("A"), schema().build().unwrap());
    assert_refused(nameless, &["needs a name"]);
    let twice = Entities::builder()
        .entity::<Order>("a", prefix("A"))
        .entity::<Order>("b", prefix("B"));
    assert_refused(twice, &["entities `a` and `b` are one model"]);
    let schemaless = Entities::builder().entity::<Item>("a", prefix("A"));
    assert_refused(schemaless, &["entity `a`: it states no schema"]);
}

#[test]
fn says_which_entity_a_mistake_of_a_model_is_in() {
    #[derive(Serialize, Deserialize, Seal)]
    #[seal(default = "sign")]
    struct Homeless {
        #[seal(partition_key)]
        pk: String,
        #[seal(sort_key)]
        sk: String,
    }
    let homeless = || Entities::builder().entity::<Homeless>("stray", prefix("A"));
    assert_refused(homeless(), &["entity `stray`: the model names no table"]);
    homeless().logical_table_name("app").build().unwrap();
    assert_refused(
        homeless()
            .logical_table_name("app")
            .max_encrypted_data_keys(0),
        &["entity `stray`: the number of encrypted data keys"],
    );
}

#[test]
fn settings_reach_the_schemas_of_models() {
    let entities = Entities::builder()
        .entity::<Order>("order", prefix("A"))
        .allowed_unsigned_attribute_prefix(":")
        .build()
        .unwrap();
    let schema = entities.schema("order").unwrap();
    assert_eq!(schema.action(":x"), Some(CryptoAction::DoNothing));
    let shown = format!(
        "{:?}",
        Entities::builder().entity::<Order>("order", prefix("A"))
    );
    assert!(shown.contains("order"), "{shown}");
}

#[tokio::test]
async fn a_handle_is_worth_what_the_weakest_entity_type_is_worth() {
    use dynaseal::table::Limits;

    let weak = AlgorithmSuite::SymsigHmacSha384;
    let strong = || ItemSchema::builder("app", "pk").sort_key_name("sk");
    let stack = start().await;
    let limits = |schemas: [ItemSchemaBuilder; 2]| {
        let [a, b] = schemas.map(|schema| schema.build().unwrap());
        let entities = Entities::builder()
            .untyped_entity("a", Discriminator::sort_key_prefix("A#"), a)
            .untyped_entity("b", Discriminator::sort_key_prefix("B#"), b)
            .build()
            .unwrap();
        let table = SealedTable::<Entity>::builder(TABLE, stack.keyring(US), &stack.regions(US));
        let table = table.entities(&entities).build().unwrap();
        table.open_only().limits()
    };
    assert_eq!(limits([strong(), strong()]), Limits::Permission);
    for weak in [strong().algorithm_suite(weak), strong().accept_suite(weak)] {
        assert_eq!(limits([weak.clone(), strong()]), Limits::Api);
        assert_eq!(limits([strong(), weak]), Limits::Api);
    }
}
