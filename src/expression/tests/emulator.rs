//! The embedded DynamoDB judges the corpus, as it is written and as we send it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use super::super::{Condition, ExpressionErrorKind, Placeholders};
use super::corpus::{self, Any, Kind, Verdict};
use super::generate;
use crate::testkit::{Cloud, KeyType, TableDefinition};

const REGION: &str = "us-east-1";
const TABLE: &str = "expressions";

type Names = Option<Vec<(String, String)>>;
type Values = Option<Vec<(String, AttributeValue)>>;

/// A text with what it needs, as it goes to DynamoDB.
struct Request {
    text: String,
    names: Names,
    values: Values,
}

impl Request {
    /// The text as it is written, with the placeholders that it uses.
    fn raw(text: &str) -> Self {
        let (names, values) = (corpus::names_of(text), corpus::values_of(text));
        Self {
            text: text.to_owned(),
            names: (!names.is_empty()).then_some(names),
            values: (!values.is_empty()).then_some(values),
        }
    }

    fn rendered(expression: &Any) -> Self {
        let mut placeholders = Placeholders::new();
        let text = match expression {
            Any::Condition(condition) => condition.render(&mut placeholders),
            Any::Key(condition) => condition.render(&mut placeholders),
            Any::Update(update) => update.render(&mut placeholders),
            Any::Projection(projection) => projection.render(&mut placeholders),
        };
        let (names, values) = placeholders.into_parts();
        Self {
            text: text.expect("it was valid"),
            names,
            values,
        }
    }
}

async fn cloud() -> Cloud {
    let cloud = Cloud::start([REGION]).await.unwrap();
    let table = TableDefinition::new(TABLE)
        .partition_key("pk", KeyType::S)
        .sort_key("sk", KeyType::S);
    cloud.create_global_table(&table).await.unwrap();
    cloud
}

async fn put(client: &Client, item: crate::item::Item) {
    let put = client.put_item().table_name(TABLE).set_item(Some(item));
    put.send().await.unwrap();
}

/// Whether DynamoDB takes the expression. A condition that is false was taken.
async fn is_accepted(client: &Client, kind: Kind, request: Request) -> bool {
    let Request {
        text,
        names,
        values,
    } = request;
    let names = names.map(|names| names.into_iter().collect());
    let values = values.map(|values| values.into_iter().collect());
    let key = |name: &str| corpus::item().remove(name).expect("a key");
    match kind {
        Kind::Condition => {
            let put = client.put_item().table_name(TABLE);
            let put = put
                .set_item(Some(corpus::item()))
                .condition_expression(text);
            let put = put.set_expression_attribute_names(names);
            verdict(put.set_expression_attribute_values(values).send().await)
        }
        Kind::Key => {
            let query = client.query().table_name(TABLE);
            let query = query.key_condition_expression(text);
            let query = query.set_expression_attribute_names(names);
            verdict(query.set_expression_attribute_values(values).send().await)
        }
        Kind::Update => {
            put(client, corpus::item()).await;
            let update = client.update_item().table_name(TABLE);
            let update = update.key("pk", key("pk")).key("sk", key("sk"));
            let update = update.update_expression(text);
            let update = update.set_expression_attribute_names(names);
            verdict(update.set_expression_attribute_values(values).send().await)
        }
        Kind::Projection => {
            let get = client.get_item().table_name(TABLE);
            let get = get.key("pk", key("pk")).key("sk", key("sk"));
            let get = get.projection_expression(text);
            verdict(get.set_expression_attribute_names(names).send().await)
        }
    }
}

/// What DynamoDB says of an expression that it took, and could not apply to the item, or whose
/// values it does not like.
const NOT_THE_EXPRESSION: [&str; 4] = [
    "An operand in the update expression has an incorrect data type",
    "The provided expression refers to an attribute that does not exist in the item",
    "The document path provided in the update expression is invalid for update",
    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound",
];

fn verdict<T, E: ProvideErrorMetadata, R>(outcome: Result<T, SdkError<E, R>>) -> bool {
    let Err(error) = outcome else { return true };
    let message = error.message().unwrap_or_default();
    match error.code() {
        Some("ConditionalCheckFailedException") => true,
        Some("ValidationException") => {
            let mut others = NOT_THE_EXPRESSION.iter();
            others.any(|other| message.contains(other))
        }
        other => panic!("{other:?}: {message}"),
    }
}

#[tokio::test]
async fn dynamodb_takes_what_is_valid_as_written_and_as_rendered() {
    let cloud = cloud().await;
    let client = cloud.dynamodb(REGION);
    put(&client, corpus::item()).await;
    let mut wrong = Vec::new();
    for (kind, text, verdict) in corpus::VALID {
        let raw = is_accepted(&client, *kind, Request::raw(text)).await;
        if raw != (*verdict == Verdict::Agrees) {
            wrong.push(format!("{kind:?} {text:?} as written: {raw}"));
        }
        let parsed = corpus::parse(*kind, text).expect("valid");
        if !is_accepted(&client, *kind, Request::rendered(&parsed)).await {
            wrong.push(format!("{kind:?} {text:?} rendered: refused"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn dynamodb_refuses_what_is_invalid() {
    let cloud = cloud().await;
    let client = cloud.dynamodb(REGION);
    put(&client, corpus::item()).await;
    let mut wrong = Vec::new();
    for (kind, text, verdict) in corpus::INVALID {
        let raw = is_accepted(&client, *kind, Request::raw(text)).await;
        if raw == (*verdict == Verdict::Agrees) {
            wrong.push(format!("{kind:?} {text:?}: {raw}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tokens that mutations put into expressions.
const TOKENS: [&str; 16] = [
    "AND", "OR", "NOT", "(", ")", "=", "<", ",", "n", ":n", "s", "BETWEEN", "IN", ".", "[0]", "SET",
];

/// A valid expression of the corpus with one token dropped, doubled, moved or put in.
fn mutated() -> impl Strategy<Value = (Kind, String)> {
    let agreed = corpus::VALID
        .iter()
        .filter(|(_, _, verdict)| *verdict == Verdict::Agrees);
    let texts: Vec<_> = agreed.map(|(kind, text, _)| (*kind, *text)).collect();
    let change = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..4,
    );
    (select(texts), change, select(&TOKENS[..])).prop_map(|((kind, text), (at, to, how), token)| {
        let mut tokens = generate::tokens(text);
        let from = at.index(tokens.len());
        match how {
            0 => drop(tokens.remove(from)),
            1 => tokens.insert(from, tokens[from].clone()),
            2 => {
                let token = tokens.remove(from);
                tokens.insert(to.index(tokens.len() + 1), token);
            }
            _ => tokens.insert(to.index(tokens.len() + 1), token.to_owned()),
        }
        // The embedded DynamoDB takes no white space before an index.
        (kind, tokens.join(" ").replace("[ ", "["))
    })
}

/// What the embedded DynamoDB lets pass; the corpus says why we do not.
fn is_known_to_differ(kind: ExpressionErrorKind) -> bool {
    use ExpressionErrorKind::{OperandType, PathConflict, RepeatedOperand};
    matches!(kind, OperandType | RepeatedOperand | PathConflict)
}

#[test]
fn dynamodb_judges_mutated_expressions_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cloud = runtime.block_on(cloud());
    let client = cloud.dynamodb(REGION);
    runtime.block_on(put(&client, corpus::item()));
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&mutated(), |(kind, text)| {
        let ours = corpus::parse(kind, &text);
        let accepts = |request| runtime.block_on(is_accepted(&client, kind, request));
        match &ours {
            Err(error) if is_known_to_differ(error.kind()) => {}
            Err(error) => {
                prop_assert!(!accepts(Request::raw(&text)), "we refuse {text:?}: {error}");
            }
            Ok(parsed) => {
                let rendered = Request::rendered(parsed);
                let sent = rendered.text.clone();
                prop_assert!(accepts(Request::raw(&text)), "we take {text:?}");
                prop_assert!(accepts(rendered), "{text:?} was sent as {sent:?}");
            }
        }
        Ok(())
    });
    outcome.unwrap();
}

/// The keys of the items that pass a filter.
async fn passing(client: &Client, request: Request) -> Vec<String> {
    let scan = client.scan().table_name(TABLE);
    let scan = scan.filter_expression(request.text);
    let scan = scan
        .set_expression_attribute_names(request.names.map(|names| names.into_iter().collect()))
        .set_expression_attribute_values(request.values.map(|values| values.into_iter().collect()));
    let page = scan.send().await.unwrap();
    let key = |item: &crate::item::Item| item["sk"].as_s().unwrap().clone();
    page.items().iter().map(key).collect()
}

#[test]
fn our_rendering_means_what_was_written() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cloud = runtime.block_on(cloud());
    let client = cloud.dynamodb(REGION);
    for item in generate::small_items() {
        runtime.block_on(put(&client, item));
    }
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&generate::spelled(), |(condition, text)| {
        let written = Request::raw(&text);
        let parsed = Condition::parse(
            &text,
            written.names.clone().unwrap_or_default(),
            written.values.clone().unwrap_or_default(),
        );
        let parsed = parsed.map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(&parsed, &condition, "{}", text);
        let rendered = Request::rendered(&Any::Condition(parsed));
        let sent = rendered.text.clone();
        let (written, rendered) = runtime.block_on(async {
            (
                passing(&client, written).await,
                passing(&client, rendered).await,
            )
        });
        prop_assert_eq!(written, rendered, "{} was sent as {}", text, sent);
        Ok(())
    });
    outcome.unwrap();
}
