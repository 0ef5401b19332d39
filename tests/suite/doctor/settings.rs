//! What it says without asking anybody.

use dynaseal::{AlgorithmSuite, MultiKeyring, RawAesKeyring};

use super::*;

fn messages(report: &Report, check: &str) -> Vec<(Severity, String)> {
    let of = report
        .findings()
        .iter()
        .filter(|finding| finding.check() == check);
    of.map(|finding| (finding.severity(), finding.message().to_owned()))
        .collect()
}

#[tokio::test]
async fn warns_of_suites_that_openers_can_forge() {
    let stack = start().await;
    let builder = || SealedTable::<Patient>::builder(TABLE, keyring(&stack), &regions(&stack));
    let unsigned = AlgorithmSuite::SymsigHmacSha384;

    let signed = builder().build().unwrap();
    let found = messages(&signed.doctor().run().await, "suite");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Severity::Ok);

    let weak = builder().algorithm_suite(unsigned).build().unwrap();
    let found = messages(&weak.doctor().run().await, "suite");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Severity::Warning);
    assert!(found[0].1.contains("can forge"), "{}", found[0].1);

    let mixed = builder().accept_suite(unsigned).build().unwrap();
    let found = messages(&mixed.doctor().run().await, "suite");
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].0, Severity::Warning);
    assert!(found[0].1.contains("accept_suite"), "{}", found[0].1);
    let found = messages(&mixed.seal_only().doctor().run().await, "suite");
    assert_eq!(found.len(), 1, "who only seals accepts nothing");

    let raw = RawAesKeyring::new("ours", "one", [7; 32]).unwrap();
    let local = table_with::<Patient>(&stack, MultiKeyring::new(keyring(&stack)).child(raw));
    let found = messages(&local.doctor().run().await, "suite");
    assert_eq!(found[0].0, Severity::Info);
}

#[tokio::test]
async fn says_what_items_are_bound_to() {
    let stack = start().await;
    let found = messages(
        &table::<Patient>(&stack).doctor().run().await,
        "logical-table-name",
    );
    assert_eq!(found[0].0, Severity::Info);
    assert!(found[0].1.contains("`patients`") && found[0].1.contains("staging"));
    let builder = SealedTable::<Patient>::builder(TABLE, keyring(&stack), &regions(&stack));
    let own = builder.logical_table_name(TABLE).build().unwrap();
    let found = messages(&own.doctor().run().await, "logical-table-name");
    assert_eq!(found[0].0, Severity::Ok);
}

#[tokio::test]
async fn says_that_keys_are_configured_by_arn_and_not_by_alias() {
    let stack = start().await;
    let report = table::<Patient>(&stack).doctor().run().await;
    let found = messages(&report, "key-arn");
    assert_eq!(found.len(), 1);
    assert!(found[0].0 == Severity::Ok && found[0].1.contains("no alias"));
    let raw = RawAesKeyring::new("ours", "one", [7; 32]).unwrap();
    let report = table_with::<Patient>(&stack, raw).doctor().run().await;
    assert_eq!(messages(&report, "keyring")[0].0, Severity::Info);
    assert!(report.is_healthy() && messages(&report, "key-exists").is_empty());
}
