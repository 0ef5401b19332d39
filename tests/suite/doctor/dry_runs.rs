//! What this principal may do with a key, under the contexts that items have.

use dynaseal::error::FaultClass;
use dynaseal::item::{Discriminator, Entities, Entity};
use dynaseal::keyring::{DiscoveryFilter, KmsMrkDiscoveryKeyring};
use dynaseal::testkit::ACCOUNT_ID;
use dynaseal::{CryptoAction, ItemSchema};

use super::*;

const ALL: &str = r#"{"Effect":"Allow","Action":"kms:*"}"#;

#[tokio::test]
async fn finds_what_a_policy_denies_and_where() {
    let stack = start().await;
    let deny = r#"{"Effect":"Deny","Action":"kms:GenerateDataKey"}"#;
    stack.put_key_policy(EU, &format!("{deny},{ALL}")).await;
    let report = table::<Patient>(&stack).doctor().run().await;
    assert_eq!(errors(&report), [("generate-data-key", Some(EU))]);
    let denied = one(&report, "generate-data-key", EU);
    assert_eq!(denied.fault(), Some(FaultClass::Denied));
    assert_eq!(denied.key_arn(), Some(&*stack.key.arn(EU)));
    assert!(
        denied
            .message()
            .contains("allow kms:GenerateDataKey to this principal")
    );
    let allowed = one(&report, "generate-data-key", US).message();
    assert!(
        allowed.starts_with("allowed for this principal with this context"),
        "{allowed}"
    );
    assert_eq!(one(&report, "decrypt", EU).severity(), Severity::Ok);
}

#[tokio::test]
async fn tries_each_handle_s_own_power_alone() {
    let stack = start().await;
    let table = table::<Patient>(&stack);
    for (verb, other) in [
        ("GenerateDataKey", "Decrypt"),
        ("Decrypt", "GenerateDataKey"),
    ] {
        let deny = format!(r#"{{"Effect":"Deny","Action":"kms:{verb}"}},{ALL}"#);
        stack.put_key_policy(US, &deny).await;
        let (seals, opens) = (table.seal_only(), table.open_only());
        let [sealing, opening] = [seals.doctor().run().await, opens.doctor().run().await];
        let is_sealing = verb == "GenerateDataKey";
        assert_eq!(sealing.is_healthy(), !is_sealing, "{verb} {sealing}");
        assert_eq!(opening.is_healthy(), is_sealing, "{verb} {opening}");
        assert!(all(&sealing, "decrypt", US).is_empty());
        assert!(all(&opening, "generate-data-key", US).is_empty());

        stack.cloud.reset_calls();
        let healthy = if is_sealing {
            opens.doctor()
        } else {
            seals.doctor()
        };
        healthy.run().await;
        assert_eq!(stack.cloud.calls_of(US, Service::Kms, verb), 0);
        assert_eq!(stack.cloud.calls_of(US, Service::Kms, other), 1);
    }
}

#[tokio::test]
async fn tries_both_header_versions_where_something_is_in_the_context() {
    let stack = start().await;
    let table = table::<Tenanted>(&stack);
    let report = table.doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    let [sealed] = all(&report, "generate-data-key", US)[..] else {
        panic!("nothing is sealed as version 1")
    };
    assert!(
        sealed.message().contains("header version 2"),
        "{}",
        sealed.message()
    );
    let opened = all(&report, "decrypt", US);
    assert_eq!(opened.len(), 2);

    // Items from before are not certain to exist, so it is no error that they would not open.
    let with_legend = r#"{"Effect":"Allow","Action":"kms:*",
        "Condition":{"Null":{"kms:EncryptionContext:aws-crypto-legend":"false"}}}"#;
    stack.put_key_policy(US, with_legend).await;
    let report = table.doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    let old = at(&report, Severity::Warning);
    assert_eq!(old, [("decrypt", Some(US))]);
    let old = report.findings()[0].message();
    assert!(
        old.contains("sealed before any attribute was in the context"),
        "{old}"
    );
}

#[tokio::test]
async fn finds_policies_on_values_only_by_samples_that_have_them() {
    let stack = start().await;
    let table = table::<Tenanted>(&stack);
    let acme = r#"{"Effect":"Allow","Action":"kms:*","Condition":{"StringEquals":
        {"kms:EncryptionContext:aws-crypto-attr.tenant":"acme"}}}"#;
    let legacy = r#"{"Effect":"Allow","Action":"kms:*","Condition":{"Null":
        {"kms:EncryptionContext:aws-crypto-legend":"true"}}}"#;
    stack.put_key_policy(US, &format!("{acme},{legacy}")).await;
    let report = table.doctor().run().await;
    assert_eq!(
        errors(&report),
        [("decrypt", Some(US)), ("generate-data-key", Some(US))]
    );
    assert!(report.findings()[0].message().contains("give samples"));

    let sampled = table.doctor().sample(&tenanted("p-1", "acme")).run().await;
    assert!(sampled.is_healthy(), "{sampled}");
    let both = table.doctor().sample(&tenanted("p-1", "acme"));
    let both = both.sample(&tenanted("p-1", "evil")).run().await;
    let second = |finding: &&Finding| finding.severity() == Severity::Error;
    let second: Vec<_> = both.findings().iter().filter(second).collect();
    assert_eq!(second.len(), 2, "{both}");
    assert!(
        second
            .iter()
            .all(|finding| finding.message().contains("sample 2"))
    );
    // Of a key alone, the tenant is made up.
    let key = table.doctor().sample_key("p-1").run().await;
    assert_eq!(errors(&key).len(), 2, "{key}");
}

#[tokio::test]
async fn carries_the_grant_tokens_of_the_keyring() {
    let stack = start().await;
    let invalid = Fault::Status(400, "InvalidGrantTokenException");
    stack
        .cloud
        .region(US)
        .fail(Service::Kms, invalid.on("Decrypt"));
    let keyring = keyring(&stack).grant_tokens(["a-token"]).unwrap();
    let report = table_with::<Patient>(&stack, keyring).doctor().run().await;
    assert_eq!(errors(&report), [("decrypt", Some(US))]);
    let message = report.findings()[0].message();
    assert!(message.contains("InvalidGrantTokenException"), "{message}");
    assert!(!message.contains("a-token"));
}

#[tokio::test]
async fn tries_nothing_if_it_is_told_so() {
    let stack = start().await;
    stack
        .put_key_policy(US, r#"{"Effect":"Deny","Action":"kms:*"}"#)
        .await;
    let doctor = table::<Patient>(&stack).doctor().skip_dry_runs();
    let report = doctor.run().await;
    assert!(report.is_healthy(), "{report}");
    assert!(all(&report, "decrypt", US).is_empty());
    stack.disable_key(US, &stack.key).await;
    let report = doctor.run().await;
    assert_eq!(errors(&report), [("key-state", Some(US))]);
    assert!(all(&report, "decrypt", US).is_empty());
    for region in [US, EU] {
        for operation in ["Decrypt", "GenerateDataKey"] {
            assert_eq!(stack.cloud.calls_of(region, Service::Kms, operation), 0);
        }
    }
}

#[tokio::test]
async fn cannot_try_keys_that_items_choose() {
    let stack = start().await;
    let filter = DiscoveryFilter::new("aws", [ACCOUNT_ID]).unwrap();
    let keyring = KmsMrkDiscoveryKeyring::new(filter, &regions(&stack)).unwrap();
    let table = table_with::<Patient>(&stack, keyring);
    let report = table.open_only().doctor().run().await;
    assert_eq!(report.worst(), Severity::Info, "{report}");
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    let report = table.doctor().run().await;
    assert_eq!(at(&report, Severity::Warning), [("keyring", None)]);
    assert!(report.findings()[0].message().contains("open_only()"));
}

fn entities() -> Entities {
    let schema = |included: Option<&str>| {
        let schema = ItemSchema::builder("patients", "id");
        let include = CryptoAction::SignAndIncludeInEncryptionContext;
        let schema = included
            .into_iter()
            .fold(schema, |s, name| s.action(name, include));
        schema.build().unwrap()
    };
    let prefix = Discriminator::partition_key_prefix;
    let entities = Entities::builder()
        .untyped_entity("bill", prefix("b-"), schema(None))
        .untyped_entity("note", prefix("n-"), schema(None))
        .untyped_entity("visit", prefix("v-"), schema(Some("clinic")));
    entities.build().unwrap()
}

#[tokio::test]
async fn tries_the_contexts_of_all_entity_types_and_alike_ones_once() {
    let stack = start().await;
    let builder = SealedTable::<Entity>::builder(TABLE, keyring(&stack), &regions(&stack));
    let table = builder.entities(&entities()).build().unwrap();
    let report = table.doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    let tried = |report: &Report, check| {
        let mut tried: Vec<_> = all(report, check, US)
            .iter()
            .map(|found| {
                found
                    .message()
                    .rsplit("context: ")
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        tried.sort();
        tried
    };
    let sealed = [
        "header version 1, made-up values",
        "header version 2, entity `visit`, made-up values",
    ];
    assert_eq!(tried(&report, "generate-data-key"), sealed);
    assert_eq!(all(&report, "decrypt", US).len(), 3);

    let report = table
        .doctor()
        .sample_key("n-1")
        .sample_key("x-1")
        .run()
        .await;
    let sealed = [
        "header version 1, entity `bill`, made-up values",
        "header version 1, entity `note`, sample 1",
        "header version 2, entity `visit`, made-up values",
    ];
    assert_eq!(tried(&report, "generate-data-key"), sealed);
    let nobody = report
        .findings()
        .iter()
        .find(|found| found.check() == "sample")
        .unwrap();
    assert_eq!(nobody.severity(), Severity::Warning);
    assert!(
        nobody
            .message()
            .starts_with("sample 2 is none of this table")
    );
}
