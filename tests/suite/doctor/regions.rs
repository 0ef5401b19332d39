//! Regions that do not answer.

use std::time::Duration;

use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use dynaseal::error::FaultClass;

use super::*;

/// What must be found of a region that is down, and nothing else wrong.
fn assert_down(report: &Report) {
    let found = errors(report);
    assert_eq!(
        found,
        [("key-exists", Some(EU)), ("table-exists", Some(EU))],
        "{report}"
    );
    for (check, _) in found {
        let finding = one(report, check, EU);
        assert_eq!(finding.fault(), Some(FaultClass::Unavailable));
        assert!(
            finding.message().contains("does not answer"),
            "{}",
            finding.message()
        );
    }
    let not_tried = one(report, "decrypt", EU).message();
    assert_eq!(not_tried, "not tried: the region does not answer");
    for check in ["key-state", "decrypt", "generate-data-key", "table-status"] {
        assert_eq!(one(report, check, US).severity(), Severity::Ok);
    }
    assert!(!report.has_usable_replicas());
}

#[tokio::test]
async fn reports_a_region_that_refuses_connections_and_looks_at_the_others() {
    let stack = start().await;
    for service in [Service::Kms, Service::DynamoDb] {
        stack.cloud.region(EU).fail(service, Fault::Unavailable);
    }
    assert_down(&table::<Patient>(&stack).doctor().run().await);
}

/// Whatever is waited for has passed.
#[derive(Clone, Debug)]
struct NoTime;

impl AsyncSleep for NoTime {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}

#[tokio::test]
async fn reports_a_region_that_never_answers() {
    let stack = start().await;
    for service in [Service::Kms, Service::DynamoDb] {
        stack.cloud.region(EU).fail(service, Fault::Hang);
    }
    let impatient = stack.config(EU).into_builder().sleep_impl(NoTime);
    let stalled = StalledStreamProtectionConfig::disabled();
    let impatient = impatient.stalled_stream_protection(stalled).build();
    let clients = |config| {
        let dynamodb = aws_sdk_dynamodb::Client::new(config);
        (dynamodb, aws_sdk_kms::Client::new(config))
    };
    let us = stack.config(US);
    let ((us_dynamodb, us_kms), (eu_dynamodb, eu_kms)) = (clients(&us), clients(&impatient));
    let set = RegionSet::from_clients(US, us_dynamodb, us_kms);
    let set = set.fallback(EU, eu_dynamodb, eu_kms).build().unwrap();
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &set).unwrap();
    let table = SealedTable::<Patient>::builder(TABLE, keyring, &set)
        .build()
        .unwrap();
    // The sleep of the other region is real, and longer than any answer takes.
    let doctor = table.doctor().timeout(Duration::from_secs(600));
    assert_down(&doctor.run().await);
}

#[tokio::test]
async fn tells_throttling_and_lost_credentials_from_an_outage() {
    let stack = start().await;
    let table = table::<Patient>(&stack);
    let region = stack.cloud.region(EU);
    region.fail(Service::Kms, Fault::Status(400, "ThrottlingException"));
    let report = table.doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    assert_eq!(at(&report, Severity::Warning).len(), 3);
    assert_eq!(
        one(&report, "decrypt", EU).fault(),
        Some(FaultClass::Throttled)
    );

    region.recover();
    let expired = Fault::Status(400, "ExpiredTokenException");
    region.fail(Service::DynamoDb, expired);
    let report = table.doctor().run().await;
    assert_eq!(errors(&report), [("table-exists", Some(EU))]);
    let message = report.findings()[0].message();
    assert!(message.contains("ExpiredTokenException") && message.contains("credentials"));
}

#[tokio::test]
async fn looks_at_one_region_where_the_set_has_one() {
    let stack = start().await;
    let report = stack.table::<Patient>(US).doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    let info = [("logical-table-name", None), ("region-set", None)];
    assert_eq!(at(&report, Severity::Info), info);
    assert!(all(&report, "table-replicas", US).is_empty());
    for service in [Service::Kms, Service::DynamoDb] {
        assert_eq!(stack.cloud.calls(EU, service), 0);
    }
}
