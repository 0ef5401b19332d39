//! What an expression costs before it is sent: parsing DynamoDB's text, and building the same tree by
//! field names. `cargo bench --bench expression`

use aws_sdk_dynamodb::types::AttributeValue;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dynaseal::expression::{Condition, NO_NAMES, UpdateExpression, attribute};

const SHORT: &str = "attribute_not_exists(id)";
const MEDIUM: &str =
    "(plan = :gold OR plan = :silver) AND attribute_exists(ssn) AND NOT size(orders) > :many";

fn values() -> [(&'static str, AttributeValue); 3] {
    [
        (":gold", AttributeValue::S("gold".to_owned())),
        (":silver", AttributeValue::S("silver".to_owned())),
        (":many", AttributeValue::N("10".to_owned())),
    ]
}

/// Near the 300 operators that DynamoDB takes.
fn long() -> String {
    let terms: Vec<_> = (0..140).map(|at| format!("a{at} = :v")).collect();
    terms.join(" AND ")
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse a condition");
    let none: [(&str, AttributeValue); 0] = [];
    group.throughput(Throughput::Bytes(SHORT.len() as u64));
    group.bench_function("short", |b| {
        b.iter(|| Condition::parse(SHORT, NO_NAMES, none.clone()).expect("valid"));
    });
    group.throughput(Throughput::Bytes(MEDIUM.len() as u64));
    group.bench_function("medium", |b| {
        b.iter(|| Condition::parse(MEDIUM, NO_NAMES, values()).expect("valid"));
    });
    let long = long();
    let value = AttributeValue::N("1".to_owned());
    group.throughput(Throughput::Bytes(long.len() as u64));
    group.bench_function("long", |b| {
        b.iter(|| Condition::parse(&long, NO_NAMES, [(":v", value.clone())]).expect("valid"));
    });
    group.finish();
}

fn build(criterion: &mut Criterion) {
    criterion.bench_function("build the medium condition", |b| {
        b.iter(|| {
            let plan = attribute("plan").is_in(["gold", "silver"]);
            let few = !attribute("orders").size().gt(10);
            plan.and(attribute("ssn").exists()).and(few)
        });
    });
    criterion.bench_function("parse an update", |b| {
        let one = || [(":one", AttributeValue::N("1".to_owned()))];
        b.iter(|| UpdateExpression::parse("ADD views :one", NO_NAMES, one()).expect("valid"));
    });
}

criterion_group!(benches, parse, build);
criterion_main!(benches);
