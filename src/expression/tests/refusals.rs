//! What an expression may name: the holes of the reference client, each closed.

use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;

use super::super::rules::AttributeRules;
use super::super::{
    Condition, KeyCondition, NO_NAMES, Placeholders, Refusal, SortKeyCondition, UpdateExpression,
    attribute,
};
use super::generate;
use crate::action::CryptoAction;
use crate::item::ItemSchema;

/// Encrypted names that begin with a keyword or function, or hold one.
const ENCRYPTED: [&str; 14] = [
    "ssn",
    "orders",
    "index",
    "notes",
    "android",
    "inner",
    "between_x",
    "size_x",
    "contains_x",
    "not",
    "in",
    "and_",
    "begins_with_x",
    "a.b",
];

fn schema() -> ItemSchema {
    let schema = ItemSchema::builder("customers", "pk")
        .sort_key_name("sk")
        .action("plan", CryptoAction::SignOnly)
        .action("tenant", CryptoAction::SignAndIncludeInEncryptionContext)
        .allowed_unsigned_attribute("views")
        .allowed_unsigned_attribute_prefix(":");
    let encrypted = ENCRYPTED.into_iter();
    encrypted
        .fold(schema, |schema, name| {
            schema.action(name, CryptoAction::EncryptAndSign)
        })
        .build()
        .expect("a schema")
}

/// Why it is refused, which must be for this name.
fn refused(outcome: Result<(), Refusal>, name: &str) -> String {
    let refusal = outcome.expect_err(name);
    assert_eq!(refusal.attribute(), name);
    let text = refusal.to_string();
    let why = text.strip_prefix(&format!("attribute `{name}` "));
    why.expect("the name first").to_owned()
}

fn parsed(text: &str, name: &str) -> Condition {
    let values: Vec<_> = [(":v", "x"), (":w", "y")]
        .into_iter()
        .filter(|(key, _)| text.contains(key))
        .collect();
    Condition::parse(text, [("#e", name)], values).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Every place in a condition where an attribute's value counts.
const PLACES: [&str; 24] = [
    "#e = :v",
    "#e <> :v",
    "#e < :v",
    ":v >= #e",
    "plan = #e",
    "#e BETWEEN :v AND :w",
    ":v BETWEEN #e AND :w",
    ":v BETWEEN plan AND #e",
    "#e IN (:v, :w)",
    ":v IN (plan, #e)",
    "attribute_type(#e, :v)",
    "begins_with(#e, :v)",
    "begins_with(plan, #e)",
    "contains(#e, :v)",
    "contains(plan, #e)",
    "size(#e) > :v",
    ":v < size(#e)",
    "plan IN (size(#e))",
    "contains(plan, size(#e))",
    "NOT #e = :v",
    "plan = :v AND #e = :v",
    "plan = :v OR (tenant = :v AND NOT (views = :v OR #e = :v))",
    "attribute_exists(#e) AND #e = :v",
    "plan = :v\tAND\n#e = :v",
];

/// `attribute_type` needs the name of a type.
fn in_place(place: &str, name: &str) -> Condition {
    if place.starts_with("attribute_type") {
        return Condition::parse(place, [("#e", name)], [(":v", "S")]).unwrap();
    }
    parsed(place, name)
}

#[test]
fn refuses_encrypted_attributes_wherever_their_value_counts() {
    let schema = schema();
    for place in PLACES {
        for name in ENCRYPTED {
            let why = refused(in_place(place, name).check(&schema), name);
            assert!(why.starts_with("is encrypted"), "{place}: {why}");
        }
        for name in ["plan2", "Ssn", "ssn ", "constructor"] {
            let why = refused(in_place(place, name).check(&schema), name);
            assert!(why.contains("misspelt"), "{place}: {why}");
        }
        for name in ["aws_dbe_head", "aws_dbe_foot", "aws_dbe_b_ssn", "aws_dbe_"] {
            let why = refused(in_place(place, name).check(&schema), name);
            assert!(why.contains("item format"), "{place}: {why}");
        }
        for name in ["pk", "sk", ":anything"] {
            assert_eq!(
                in_place(place, name).check(&schema),
                Ok(()),
                "{place} {name}"
            );
        }
    }
}

#[test]
fn refuses_encrypted_names_that_begin_with_keywords_written_bare() {
    let schema = schema();
    let bare = [
        "orders",
        "index",
        "notes",
        "android",
        "inner",
        "between_x",
        "size_x",
        "contains_x",
    ];
    for name in bare {
        for text in [
            format!("{name} = :v"),
            format!("{name}=:v"),
            format!("plan = :v AND {name} = :v"),
            format!("plan = :v OR\t{name} = :v"),
            format!("plan = :v\nAND\n{name}\n=\n:v"),
            format!("NOT {name} = :v"),
        ] {
            let condition = Condition::parse(&text, NO_NAMES, [(":v", "x")]).unwrap();
            let refusal = condition.check(&schema).unwrap_err();
            assert_eq!(refusal.attribute(), name, "{text:?}");
        }
    }
}

#[test]
fn sees_what_follows_a_tab_or_a_line_end() {
    let schema = schema();
    for space in [" ", "\t", "\n", "\r\n", " \t "] {
        let text = format!("plan = :v{space}AND{space}ssn = :v");
        let condition = Condition::parse(&text, NO_NAMES, [(":v", "x")]).unwrap();
        assert!(condition.check(&schema).is_err(), "{text:?}");
        let sent = condition.render(&mut Placeholders::new()).unwrap();
        assert_eq!(sent, "#0=:0 AND #1=:0", "nothing is lost on the way");
    }
}

#[test]
fn lets_an_encrypted_attribute_exist_or_not() {
    let schema = schema();
    for name in ENCRYPTED {
        for text in [
            "attribute_exists(#e)",
            "attribute_not_exists(#e)",
            "NOT (attribute_exists(#e) OR plan = :v)",
        ] {
            assert_eq!(parsed(text, name).check(&schema), Ok(()), "{text} {name}");
        }
    }
}

#[test]
fn refuses_paths_into_encrypted_attributes_everywhere() {
    let schema = schema();
    for step in [".x", "[0]", ".x[1].y"] {
        for text in [
            format!("#e{step} = :v"),
            format!("plan = #e{step}"),
            format!("attribute_exists(#e{step})"),
            format!("attribute_not_exists(#e{step})"),
            format!("size(#e{step}) = :v"),
        ] {
            let refusal = parsed(&text, "ssn").check(&schema).unwrap_err();
            assert_eq!(refusal.attribute(), "ssn", "{text}");
            assert!(refusal.to_string().contains("as a whole"), "{refusal}");
        }
    }
    assert_eq!(
        parsed("#e.x = :v AND #e[0] = :w", "plan").check(&schema),
        Ok(())
    );
}

#[test]
fn takes_the_exact_name_and_no_other() {
    let schema = schema();
    // `a.b` is encrypted; a path from `a` to `b` names another attribute, which is unknown.
    let refusal = attribute("a").field("b").eq(1).check(&schema).unwrap_err();
    assert_eq!(refusal.attribute(), "a");
    let refusal = attribute("a.b").eq(1).check(&schema).unwrap_err();
    assert_eq!(refusal.attribute(), "a.b");
    // A nested name is a key of a map, and no attribute.
    assert_eq!(attribute("plan").field("ssn").eq(1).check(&schema), Ok(()));
    assert_eq!(
        attribute("plan").field("aws_dbe_head").eq(1).check(&schema),
        Ok(())
    );
}

#[test]
fn refuses_reserved_and_unknown_names_even_to_exist() {
    let schema = schema();
    for name in ["aws_dbe_foot", "unheard_of"] {
        assert!(attribute(name).exists().check(&schema).is_err());
        assert!(attribute(name).not_exists().check(&schema).is_err());
    }
}

#[test]
fn refuses_keys_that_are_encrypted() {
    let schema = schema();
    let sort = || SortKeyCondition::begins_with("x");
    assert_eq!(
        KeyCondition::new("pk", "x")
            .sort("sk", sort())
            .check(&schema),
        Ok(())
    );
    assert!(KeyCondition::new("ssn", "x").check(&schema).is_err());
    assert!(
        KeyCondition::new("pk", "x")
            .sort("orders", sort())
            .check(&schema)
            .is_err()
    );
    assert!(
        KeyCondition::new("aws_dbe_b_ssn", "x")
            .check(&schema)
            .is_err()
    );
}

fn update(text: &str, name: &str) -> UpdateExpression {
    let values = [
        (":v", AttributeValue::N("1".to_owned())),
        (":l", AttributeValue::L(vec![])),
        (":s", AttributeValue::Ss(vec!["x".to_owned()])),
    ];
    let values = values.into_iter().filter(|(key, _)| text.contains(key));
    UpdateExpression::parse(text, [("#e", name)], values)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn refuses_updates_of_what_the_signature_covers() {
    let schema = schema();
    let texts = [
        "SET #e = :v",
        "SET #e.x = :v",
        "SET #e[0] = :v",
        "SET views = #e",
        "SET views = #e + :v",
        "SET views = :v - #e",
        "SET views = if_not_exists(#e, :v)",
        "SET views = if_not_exists(views, #e)",
        "SET views = :v + if_not_exists(#e, :v)",
        "SET views = list_append(#e, :l)",
        "SET views = list_append(:l, #e.x)",
        "SET views = list_append(:l, if_not_exists(#e, :l))",
        "REMOVE #e",
        "REMOVE views, #e[0]",
        "ADD #e :v",
        "ADD views :v, #e.x :v",
        "DELETE #e :s",
        "SET views = :v REMOVE #e",
        "set\tviews = :v\nremove\n#e",
    ];
    // Signed in each way, unknown, a key, a name of the format.
    let names = [
        "plan",
        "tenant",
        "ssn",
        "unconf",
        "pk",
        "sk",
        "aws_dbe_head",
        "aws_dbe_b_ssn",
    ];
    for text in texts {
        for name in names {
            let refusal = update(text, name).check(&schema).unwrap_err();
            assert_eq!(refusal.attribute(), name, "{text}");
        }
        assert_eq!(update(text, ":unsigned").check(&schema), Ok(()), "{text}");
    }
}

#[test]
fn refuses_the_updates_that_the_reference_client_sends() {
    let schema = schema();
    let set = UpdateExpression::parse("SET unconf = :v", NO_NAMES, [(":v", 1)]).unwrap();
    let refusal = set.check(&schema).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "attribute `unconf` is covered by the item's signature, which only a reader of the whole item \
         can check and renew; use `update` to change it, and read the whole item to see it"
    );
    let remove = UpdateExpression::new().remove("aws_dbe_head");
    let refusal = remove.check(&schema).unwrap_err();
    assert_eq!(refusal.attribute(), "aws_dbe_head");
    assert!(refusal.to_string().contains("item format"), "{refusal}");
}

#[test]
fn shows_a_name_of_the_caller_on_one_line() {
    let refusal = attribute("a\nb").exists().check(&schema()).unwrap_err();
    assert!(
        refusal
            .to_string()
            .starts_with("attribute `a\\nb` has no action"),
        "{refusal}"
    );
}

/// Rules under which each name is of one kind.
struct All(Option<CryptoAction>);

impl AttributeRules for All {
    fn action(&self, _name: &str) -> Option<CryptoAction> {
        self.0
    }

    fn is_in_signature_scope(&self, _name: &str) -> bool {
        self.0.is_none_or(CryptoAction::is_signed)
    }
}

proptest! {
    #[test]
    fn names_of_which_none_is_encrypted_pass_and_unknown_ones_do_not(
        condition in generate::condition(),
        update in generate::update(),
    ) {
        prop_assert_eq!(condition.check(&All(Some(CryptoAction::SignOnly))), Ok(()));
        prop_assert_eq!(update.check(&All(Some(CryptoAction::DoNothing))), Ok(()));
        prop_assert!(update.check(&All(Some(CryptoAction::SignOnly))).is_err());
        prop_assert!(update.check(&All(None)).is_err());
        // A condition without any attribute has nothing to refuse.
        let mut placeholders = Placeholders::new();
        condition.render(&mut placeholders).unwrap();
        let (names, _) = placeholders.into_parts::<Vec<_>, Vec<_>>();
        prop_assert_eq!(condition.check(&All(None)).is_err(), names.is_some());
    }

    #[test]
    fn an_encrypted_attribute_is_let_through_only_where_it_exists(condition in generate::condition()) {
        let mut placeholders = Placeholders::new();
        let text = condition.render(&mut placeholders).unwrap();
        // Without the existence of whole attributes, no name may be left in the text.
        let mut rest = text.clone();
        for at in 0..100 {
            for function in ["attribute_exists", "attribute_not_exists"] {
                rest = rest.replace(&format!("{function}(#{at})"), "");
            }
        }
        let passes = condition.check(&All(Some(CryptoAction::EncryptAndSign))).is_ok();
        prop_assert_eq!(passes, !rest.contains('#'), "{}", text);
    }
}
