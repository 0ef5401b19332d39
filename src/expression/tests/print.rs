//! What is printed is what is parsed, and nothing else.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;

use super::super::{
    Condition, KeyCondition, NO_NAMES, NO_VALUES, Placeholders, Projection, SortKeyCondition,
    UpdateExpression, attribute,
};
use super::{corpus, generate};

type Names = Vec<(String, String)>;
type Values = Vec<(String, AttributeValue)>;

fn parts(placeholders: Placeholders) -> (Names, Values) {
    let (names, values) = placeholders.into_parts();
    (names.unwrap_or_default(), values.unwrap_or_default())
}

fn rendered(condition: &Condition) -> String {
    condition.render(&mut Placeholders::new()).expect("valid")
}

proptest! {
    #[test]
    fn parsing_undoes_rendering_of_conditions(condition in generate::condition()) {
        let mut placeholders = Placeholders::new();
        let text = condition.render(&mut placeholders).unwrap();
        let (names, values) = parts(placeholders);
        prop_assert_eq!(Condition::parse(&text, names, values).unwrap(), condition, "{}", text);
    }

    #[test]
    fn parsing_undoes_rendering_of_key_conditions(condition in generate::key_condition()) {
        let mut placeholders = Placeholders::new();
        let text = condition.render(&mut placeholders).unwrap();
        let (names, values) = parts(placeholders);
        prop_assert_eq!(KeyCondition::parse(&text, names, values).unwrap(), condition, "{}", text);
    }

    #[test]
    fn parsing_undoes_rendering_of_updates(update in generate::update()) {
        let mut placeholders = Placeholders::new();
        let text = update.render(&mut placeholders).unwrap();
        let (names, values) = parts(placeholders);
        prop_assert_eq!(UpdateExpression::parse(&text, names, values).unwrap(), update, "{}", text);
    }

    #[test]
    fn parsing_undoes_rendering_of_projections(projection in generate::projection()) {
        let mut placeholders = Placeholders::new();
        let text = projection.render(&mut placeholders).unwrap();
        let (names, _) = parts(placeholders);
        prop_assert_eq!(Projection::parse(&text, names).unwrap(), projection, "{}", text);
    }

    #[test]
    fn a_rendering_holds_placeholders_and_no_name(condition in generate::condition()) {
        let mut placeholders = Placeholders::new();
        let text = condition.render(&mut placeholders).unwrap();
        let known = [
            "AND", "OR", "NOT", "BETWEEN", "IN", "size", "attribute_exists", "attribute_not_exists",
            "attribute_type", "begins_with", "contains",
        ];
        for token in generate::tokens(&text) {
            let is_word = token.starts_with(|c: char| c.is_alphabetic());
            prop_assert!(!is_word || known.contains(&token.as_str()), "{} in {}", token, text);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        for kind in [
            corpus::Kind::Condition,
            corpus::Kind::Key,
            corpus::Kind::Update,
            corpus::Kind::Projection,
        ] {
            let _ = corpus::parse(kind, &text);
        }
    }
}

#[test]
fn puts_parentheses_where_they_are_needed_and_nowhere_else() {
    let (a, b, c) = (
        || attribute("a").exists(),
        || attribute("b").exists(),
        || attribute("c").exists(),
    );
    let shown = |condition: Condition| {
        rendered(&condition)
            .replace("attribute_exists(#0)", "a")
            .replace("attribute_exists(#1)", "b")
            .replace("attribute_exists(#2)", "c")
    };
    assert_eq!(shown(a().and(b()).and(c())), "a AND b AND c");
    assert_eq!(shown(a().and(b().and(c()))), "a AND b AND c");
    assert_eq!(shown(a().or(b()).and(c())), "(a OR b) AND c");
    assert_eq!(shown(a().or(b().and(c()))), "a OR b AND c");
    assert_eq!(shown(!a().and(b())), "NOT (a AND b)");
    assert_eq!(shown((!a()).and(b())), "NOT a AND b");
    assert_eq!(shown(!!a()), "NOT (NOT a)");
    assert_eq!(shown(!a().or(b()).or(!c())), "NOT (a OR b OR NOT c)");
}

#[test]
fn joins_conditions_of_two_origins_without_mixing_up_their_placeholders() {
    let theirs = Condition::parse("#n = :v", [("#n", "plan")], [(":v", "gold")]).unwrap();
    let other = Condition::parse("#n = :v", [("#n", "state")], [(":v", "open")]).unwrap();
    let ours = attribute("aws_dbe_foot").eq([1, 2, 3]);
    let mut placeholders = Placeholders::new();
    let text = theirs
        .or(other)
        .and(ours)
        .render(&mut placeholders)
        .unwrap();
    assert_eq!(text, "(#0=:0 OR #1=:1) AND #2=:2");
    let (names, values) = parts(placeholders);
    let names: BTreeMap<_, _> = names.into_iter().collect();
    assert_eq!(names["#0"], "plan");
    assert_eq!(names["#1"], "state");
    assert_eq!(names["#2"], "aws_dbe_foot");
    assert_eq!(
        values[1],
        (":1".to_owned(), AttributeValue::S("open".to_owned()))
    );
}

#[test]
fn shares_placeholders_among_the_expressions_of_one_request() {
    let mut placeholders = Placeholders::new();
    let key = KeyCondition::new("pk", "c-1").sort("sk", SortKeyCondition::ge(5));
    let filter = attribute("total").ge(5).and(attribute("pk").ne("x"));
    let projection = Projection::new(["total", "pk"]);
    assert_eq!(key.render(&mut placeholders).unwrap(), "#0=:0 AND #1>=:1");
    assert_eq!(
        filter.render(&mut placeholders).unwrap(),
        "#2>=:1 AND #0<>:2"
    );
    assert_eq!(projection.render(&mut placeholders).unwrap(), "#2,#0");
    let (names, values) = parts(placeholders);
    assert_eq!((names.len(), values.len()), (3, 3));
}

#[test]
fn has_no_map_where_there_is_nothing() {
    let (names, values): (Option<Names>, Option<Values>) = Placeholders::new().into_parts();
    assert_eq!((names, values), (None, None));
    let mut placeholders = Placeholders::new();
    attribute("a").exists().render(&mut placeholders).unwrap();
    let (names, values): (Option<Names>, Option<Values>) = placeholders.into_parts();
    assert!(names.is_some() && values.is_none());
}

#[test]
fn renders_updates_in_one_order_of_clauses() {
    let text = "DELETE d :s ADD c :n REMOVE b[1] SET a = if_not_exists(a, :n) + :n, e = list_append(e, :l)";
    let values = [
        (":n", AttributeValue::N("1".to_owned())),
        (":l", AttributeValue::L(vec![])),
        (":s", AttributeValue::Ss(vec!["x".to_owned()])),
    ];
    let update = UpdateExpression::parse(text, NO_NAMES, values).unwrap();
    assert_eq!(
        update.render(&mut Placeholders::new()).unwrap(),
        "SET #0=if_not_exists(#0,:0)+:0,#1=list_append(#1,:1) REMOVE #2[1] ADD #3 :0 DELETE #4 :2"
    );
}

#[test]
fn turns_a_key_comparison_whose_value_comes_first() {
    let turned = [
        ("=", SortKeyCondition::eq("v")),
        ("<", SortKeyCondition::gt("v")),
        ("<=", SortKeyCondition::ge("v")),
        (">", SortKeyCondition::lt("v")),
        (">=", SortKeyCondition::le("v")),
    ];
    for (comparator, sort) in turned {
        let text = format!("pk = :p AND :v {comparator} sk");
        let parsed = KeyCondition::parse(&text, NO_NAMES, [(":v", "v"), (":p", "p")]).unwrap();
        assert_eq!(
            parsed,
            KeyCondition::new("pk", "p").sort("sk", sort),
            "{text}"
        );
    }
}

#[test]
fn fits_a_key_condition_to_the_keys() {
    let values = || [(":p", "p"), (":s", "s")];
    let parsed = KeyCondition::parse("sk = :s AND pk = :p", NO_NAMES, values()).unwrap();
    assert_eq!(parsed.partition_name(), "sk");
    let fitted = parsed.clone().with_keys("pk", Some("sk")).unwrap();
    assert_eq!(fitted.partition_name(), "pk");
    assert_eq!(fitted.partition_value(), &AttributeValue::S("p".to_owned()));
    assert_eq!(fitted.sort_name(), Some("sk"));
    assert_eq!(
        fitted,
        KeyCondition::new("pk", "p").sort("sk", SortKeyCondition::eq("s"))
    );
    assert_eq!(fitted.clone().with_keys("pk", Some("sk")), Ok(fitted));

    let message = |partition, sort| {
        let error = parsed.clone().with_keys(partition, sort).unwrap_err();
        error.to_string()
    };
    assert_eq!(message("pk", None), "`sk` is no sort key here");
    assert_eq!(message("pk", Some("other")), "`sk` is no sort key here");
    assert_eq!(
        message("other", Some("sk")),
        "the partition key is `other`, and the key condition has no equality on it"
    );
}

#[test]
fn shows_names_and_no_value_in_debug() {
    let secret = "secret-078-05-1120";
    let condition = attribute("ssn")
        .eq(secret)
        .or(attribute("a\nb").is_in([secret, secret]));
    let key = KeyCondition::new("pk", secret).sort("sk", SortKeyCondition::begins_with(secret));
    let sort = SortKeyCondition::between(secret, secret);
    let update = UpdateExpression::new()
        .set("a", secret)
        .add("b", secret)
        .delete("c", secret);
    let value: super::super::UpdateValue = attribute("a").plus(secret);
    let operand: super::super::Operand = secret.into();
    let shown = format!("{condition:?} {key:?} {sort:?} {update:?} {value:?} {operand:?}");
    assert!(!shown.contains("secret"), "{shown}");
    assert!(!shown.contains('\n'), "{shown}");
    for name in ["ssn", "pk", "sk", "`a\\nb` IN (:_,:_)"] {
        assert!(shown.contains(name), "{name} in {shown}");
    }
}

#[test]
fn tells_errors_apart_without_showing_values() {
    let error = Condition::parse("ssn = 078051120", NO_NAMES, NO_VALUES).unwrap_err();
    assert!(!error.to_string().contains("078"), "{error}");
    let values = [(":secret", "078-05-1120"), (":other", "x")];
    let error = Condition::parse("ssn < :secret", NO_NAMES, values).unwrap_err();
    assert_eq!(error.to_string(), "`:other` is defined and not used");
    let value = AttributeValue::L(vec![AttributeValue::S("078-05-1120".to_owned())]);
    let error = Condition::parse("ssn < :secret", NO_NAMES, [(":secret", value)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`<` takes strings, numbers and binary only at byte 0"
    );
    assert!(!format!("{error:?}").contains("078"));
}
