//! A table by its ARN, which is a way around sealing in the reference client.

use dynaseal::item::Entity;
use dynaseal::testkit::Service;
use dynaseal::{ConfigError, RegionSet, SealedTable};

use super::*;

fn arn(region: &str, resource: &str) -> String {
    format!("arn:aws:dynamodb:{region}:111122223333:{resource}")
}

fn by_name(
    stack: &Stack,
    name: &str,
    regions: &RegionSet,
) -> Result<SealedTable<Customer>, ConfigError> {
    SealedTable::builder(name, stack.keyring(US), regions).build()
}

#[tokio::test]
async fn an_arn_of_any_region_of_the_set_finds_the_local_replica_by_name() {
    let stack = start().await;
    let both = RegionSet::builder(&stack.config(US)).local(US).fallback(EU);
    let both = both.build().unwrap();
    for (at, region) in [US, EU].into_iter().enumerate() {
        let id = format!("c-{at}");
        let arn = arn(region, "table/customers");
        let table = by_name(&stack, &arn, &both).unwrap();
        let mut written = customer(&id);
        written.views = Unsigned::new(1);
        table.put(&written).send().await.unwrap();
        let stored = stack.stored(US, &key(&id)).await.unwrap();
        assert!(stored["ssn"].is_b() && stored.contains_key("aws_dbe_foot"));
        let named = stack.table::<Customer>(US);
        assert!(named.get((&id, 7)).send().await.unwrap().is_some());
        assert!(table.get((&id, 7)).send().await.unwrap().is_some());
        // The double answers no ARN of an account, so a request with one would have failed.
        assert!(format!("{table:?}").contains("table_name: \"customers\""));
        table.delete((&id, 7)).send().await.unwrap();
    }
    assert_eq!(stack.cloud.calls(EU, Service::DynamoDb), 0);
}

#[tokio::test]
async fn the_double_takes_no_arn_for_the_table() {
    let stack = start().await;
    let get = stack.cloud.dynamodb(US).get_item();
    let get = get
        .table_name(arn(US, "table/customers"))
        .set_key(Some(key("c-1")));
    assert!(get.send().await.is_err());
}

#[tokio::test]
async fn what_names_something_else_is_refused_before_anything_is_sent() {
    let stack = start().await;
    let us = stack.regions(US);
    for (name, why) in [
        (
            arn(EU, "table/customers"),
            "its region is none of the region set",
        ),
        (
            arn(US, "table/customers/index/by-plan"),
            "it names an index",
        ),
        (
            arn(US, "table/customers/stream/2026-01-01T00:00:00.000"),
            "a stream",
        ),
        (arn(US, "global-table/customers"), "a table ARN is"),
        ("customers ".to_owned(), "a table name has"),
        ("us-east-1:customers".to_owned(), "a table ARN is"),
    ] {
        let error = by_name(&stack, &name, &us).unwrap_err().to_string();
        assert!(error.contains(why), "{name}: {error}");
        assert!(!error.contains('\n'));
        let mixed = SealedTable::<Entity>::builder(&name, stack.keyring(US), &us).build();
        assert!(mixed.unwrap_err().to_string().contains(why));
    }
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}
