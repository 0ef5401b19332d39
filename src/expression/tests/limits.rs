//! Limits: DynamoDB's, and our own against hostile text.

use aws_sdk_dynamodb::types::AttributeValue;

use super::super::ExpressionErrorKind as Kind;
use super::super::validity::check_len;
use super::super::{
    Condition, NO_NAMES, NO_VALUES, Placeholders, Projection, UpdateExpression, attribute,
};

fn condition(text: &str) -> Result<Condition, Kind> {
    Condition::parse(text, NO_NAMES, NO_VALUES).map_err(|error| error.kind())
}

fn with_value(text: &str) -> Result<Condition, Kind> {
    Condition::parse(text, NO_NAMES, [(":v", 1)]).map_err(|error| error.kind())
}

fn rendering(condition: Condition) -> Result<String, Kind> {
    let text = condition.render(&mut Placeholders::new());
    text.map_err(|error| error.kind())
}

#[test]
fn takes_text_of_4096_bytes_and_no_more() {
    let text = |blanks: usize| format!("attribute_exists(a){}", " ".repeat(blanks));
    assert!(condition(&text(4_096 - 19)).is_ok());
    assert_eq!(condition(&text(4_097 - 19)), Err(Kind::TooLong));
    assert!(check_len(&"x".repeat(4_096)).is_ok());
    assert_eq!(
        check_len(&"x".repeat(4_097)).unwrap_err().kind(),
        Kind::TooLong
    );
}

#[test]
fn refuses_a_rendering_of_more_than_4096_bytes() {
    // 9 bytes and a comma for each.
    let path = |at: u32| attribute("list").index(1_000_000 + at);
    let names = |count| Projection::new((0..count).map(path));
    let render = |projection: Projection| projection.render(&mut Placeholders::new());
    assert!(render(names(341)).unwrap().len() <= 4_096);
    assert_eq!(render(names(400)).unwrap_err().kind(), Kind::TooLong);
}

#[test]
fn takes_300_operators_and_no_more() {
    // Each comparison is an operator, and each `OR` is one.
    let chain = |comparisons: usize| vec!["a=:v"; comparisons].join(" OR ");
    assert!(with_value(&chain(150)).is_ok());
    assert_eq!(with_value(&chain(151)), Err(Kind::TooManyOperators));
    let one = with_value(&chain(150)).unwrap();
    // 299 operators, `NOT` the 300th, the 301st is one too many.
    assert!(rendering(!one.clone()).is_ok());
    assert_eq!(rendering(!!one.clone()), Err(Kind::TooManyOperators));
    assert_eq!(
        rendering(one.or(attribute("a").size().eq(1))),
        Err(Kind::TooManyOperators)
    );
}

#[test]
fn counts_the_operators_of_updates() {
    let update = |sums: u32| {
        let sums = (0..sums).map(|at| attribute("l").index(at));
        sums.fold(UpdateExpression::new(), |update, path| {
            update.increment(path, 1)
        })
    };
    let kind = |update: UpdateExpression| {
        let text = update.render(&mut Placeholders::new());
        text.map(|_| ()).map_err(|error| error.kind())
    };
    assert_eq!(kind(update(200)), Ok(()));
    assert_eq!(kind(update(301)), Err(Kind::TooManyOperators));
}

#[test]
fn takes_1_to_100_operands_of_in() {
    let list = |count: usize| attribute("a").is_in(std::iter::repeat_n(1, count));
    assert_eq!(rendering(list(0)), Err(Kind::OperandCount));
    assert!(rendering(list(1)).is_ok());
    assert!(rendering(list(100)).is_ok());
    assert_eq!(rendering(list(101)), Err(Kind::OperandCount));
    let text = |count: usize| format!("a IN ({})", vec![":v"; count].join(","));
    assert!(with_value(&text(100)).is_ok());
    assert_eq!(with_value(&text(101)), Err(Kind::OperandCount));
}

#[test]
fn takes_32_elements_of_a_path_and_no_more() {
    let text = |elements: usize| format!("attribute_exists({})", vec!["a"; elements].join("."));
    assert!(condition(&text(32)).is_ok());
    assert_eq!(condition(&text(33)), Err(Kind::PathTooDeep));
    let path = (0..31).fold(attribute("a"), |path, _| path.index(0));
    assert!(rendering(path.clone().exists()).is_ok());
    assert_eq!(rendering(path.index(0).exists()), Err(Kind::PathTooDeep));
}

#[test]
fn refuses_names_that_no_attribute_has() {
    for name in [String::new(), "x".repeat(65_536)] {
        assert_eq!(
            rendering(attribute(name.clone()).exists()),
            Err(Kind::AttributeName)
        );
        assert_eq!(
            rendering(attribute("a").field(name.clone()).exists()),
            Err(Kind::AttributeName)
        );
        let parsed = Condition::parse("#n = :v", [("#n", name)], [(":v", 1)]);
        let error = parsed.unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (Kind::AttributeName, Some(0))
        );
    }
    assert!(rendering(attribute("x".repeat(65_535)).exists()).is_ok());
}

#[test]
fn refuses_placeholders_that_do_not_match() {
    let kind = |text, names: &[(&str, &str)], values: &[(&str, u32)]| {
        let parsed = Condition::parse(text, names.iter().copied(), values.iter().copied());
        parsed
            .map(|_| ())
            .map_err(|error| (error.kind(), error.offset()))
    };
    assert_eq!(kind("a = :v", &[], &[(":v", 1)]), Ok(()));
    assert_eq!(kind("a = :v", &[], &[]), Err((Kind::Undefined, Some(4))));
    assert_eq!(
        kind("#a = :v", &[], &[(":v", 1)]),
        Err((Kind::Undefined, Some(0)))
    );
    assert_eq!(
        kind("a = :v", &[], &[("v", 1)]),
        Err((Kind::Undefined, Some(4)))
    );
    assert_eq!(
        kind("a = :v", &[("#a", "a")], &[(":v", 1)]),
        Err((Kind::Unused, None))
    );
    assert_eq!(
        kind("a = :v", &[], &[(":v", 1), (":w", 1)]),
        Err((Kind::Unused, None))
    );
    let twice = &[("#a", "a"), ("#a", "b")];
    assert_eq!(
        kind("#a = :v", twice, &[(":v", 1)]),
        Err((Kind::DefinedTwice, None))
    );
    // `#A` is another placeholder.
    assert_eq!(
        kind("#A = :v", &[("#a", "a")], &[(":v", 1)]),
        Err((Kind::Undefined, Some(0)))
    );
}

#[test]
fn nests_64_levels_and_no_more() {
    let nested = |levels: usize| {
        format!(
            "{}a = :v{}",
            "(b = :v OR ".repeat(levels),
            ")".repeat(levels)
        )
    };
    assert!(with_value(&nested(64)).is_ok());
    assert_eq!(with_value(&nested(65)), Err(Kind::TooDeep));
    let negated = |levels: usize| format!("{}a = :v", "NOT ".repeat(levels));
    assert!(with_value(&negated(64)).is_ok());
    assert_eq!(with_value(&negated(65)), Err(Kind::TooDeep));
    let built = (0..65).fold(attribute("a").exists(), |condition, _| !condition);
    assert_eq!(rendering(built), Err(Kind::TooDeep));
}

#[test]
fn has_what_it_parsed_rendered() {
    let nested = format!("{}a = :v{}", "(b = :v OR ".repeat(64), ")".repeat(64));
    assert!(rendering(with_value(&nested).unwrap()).is_ok());
    let negated = format!("{}a = :v", "NOT ".repeat(64));
    assert!(rendering(with_value(&negated).unwrap()).is_ok());
}

#[test]
fn overflows_no_small_stack_on_hostile_text() {
    let hostile = || {
        for piece in [
            "(",
            "NOT ",
            "NOT(",
            "((a=:v)OR ",
            "size(",
            "a IN (",
            "a.",
            "a[0]",
            "[",
            "a BETWEEN ",
        ] {
            let text = piece.repeat(4_096 / piece.len());
            assert!(with_value(&text).is_err(), "{piece}");
        }
        let values = || [(":v", AttributeValue::L(vec![]))];
        for piece in [
            "(",
            "if_not_exists(a,",
            "list_append(",
            "list_append(list_append(:v,:v),",
        ] {
            let text = format!("SET a={}", piece.repeat(4_080 / piece.len()));
            assert!(
                UpdateExpression::parse(&text, NO_NAMES, values()).is_err(),
                "{piece}"
            );
        }
        let deep = format!("SET a={}:v{}", "list_append(:v,".repeat(64), ")".repeat(64));
        assert!(UpdateExpression::parse(&deep, NO_NAMES, values()).is_ok());
        let deep = format!("SET a={}:v{}", "list_append(:v,".repeat(65), ")".repeat(65));
        let error = UpdateExpression::parse(&deep, NO_NAMES, values()).unwrap_err();
        assert_eq!(error.kind(), Kind::TooDeep);
    };
    // A quarter of what a thread has, and debug builds are not sparing.
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    thread.spawn(hostile).unwrap().join().unwrap();
}

#[test]
fn refuses_what_was_built_and_does_nothing() {
    let update = UpdateExpression::new().render(&mut Placeholders::new());
    assert_eq!(update.unwrap_err().kind(), Kind::Empty);
    let projection = Projection::new(NO_NAMES.map(|(name, _)| name));
    let projection = projection.render(&mut Placeholders::new());
    assert_eq!(projection.unwrap_err().kind(), Kind::Empty);
}

#[test]
fn refuses_what_was_built_with_operands_that_do_not_fit() {
    let list = || AttributeValue::L(vec![]);
    assert_eq!(rendering(attribute("a").lt(true)), Err(Kind::OperandType));
    assert_eq!(
        rendering(attribute("a").begins_with(1)),
        Err(Kind::OperandType)
    );
    assert_eq!(
        rendering(attribute("a").between(1, "2")),
        Err(Kind::OperandType)
    );
    assert_eq!(
        rendering(attribute("a").eq(attribute("a"))),
        Err(Kind::RepeatedOperand)
    );
    let kind = |update: UpdateExpression| {
        let text = update.render(&mut Placeholders::new());
        text.map(|_| ()).map_err(|error| error.kind())
    };
    let new = UpdateExpression::new;
    assert_eq!(kind(new().increment("a", "one")), Err(Kind::OperandType));
    assert_eq!(kind(new().append_to_list("a", 1)), Err(Kind::OperandType));
    assert_eq!(kind(new().append_to_list("a", list())), Ok(()));
    assert_eq!(kind(new().add("a", "one")), Err(Kind::OperandType));
    assert_eq!(kind(new().delete("a", 1)), Err(Kind::OperandType));
    assert_eq!(kind(new().set("a", 1).remove("a")), Err(Kind::PathConflict));
    assert_eq!(
        kind(new().set("a", 1).remove(attribute("a").index(0))),
        Err(Kind::PathConflict)
    );
    let map_and_list = new().set(attribute("a").field("x"), 1);
    let map_and_list = map_and_list.remove("b").add(attribute("a").index(0), 1);
    assert_eq!(kind(map_and_list), Err(Kind::PathConflict));
}
