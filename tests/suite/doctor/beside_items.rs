//! Keyrings whose requests have the context of table keys, or of the records of a key store: what is
//! tried with their keys, and what the policy allows.

use dynaseal::item::Model;
use serde_json::{Value, json};

use super::policy::{enforce, is_denied, statements};
use super::*;

const STORE: &str = "branch-keys";
const UUID: &str = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
const KEY_ID: &str = "10111213141516171819201a1b1c1d1e";

type Context<'a> = Vec<(&'a str, &'a str)>;

fn table_keys<T: Model>(stack: &Stack, tenant_attribute: Option<&str>) -> SealedTable<T> {
    let used = used(stack).for_table_keys(tenant_attribute);
    table_with(stack, Saying::new([used], []))
}

fn branch_keys<T: Model>(stack: &Stack, tenant_attribute: Option<&str>) -> SealedTable<T> {
    let used = used(stack).for_key_store(STORE, tenant_attribute);
    table_with(stack, Saying::new([used], []))
}

fn of_table_key() -> Context<'static> {
    vec![
        ("aws-crypto-table-name", "patients"),
        ("dynaseal-purpose", "table-key/1"),
        ("dynaseal-table-key-id", KEY_ID),
    ]
}

fn of_record<'a>(record: &'a str, arn: &'a str) -> Context<'a> {
    vec![
        ("tablename", STORE),
        ("branch-key-id", "acme"),
        ("type", record),
        ("create-time", "2026-01-02T03:04:05.000006Z"),
        ("hierarchy-version", "1"),
        ("kms-arn", arn),
    ]
}

/// The same, with another value under a key, or one entry more.
fn with<'a>(context: &Context<'a>, key: &'a str, value: &'a str) -> Context<'a> {
    let mut context = without(context, key);
    context.push((key, value));
    context
}

fn without<'a>(context: &Context<'a>, key: &str) -> Context<'a> {
    let others = context.iter().filter(|(known, _)| *known != key);
    others.copied().collect()
}

async fn is_allowed(stack: &Stack, action: &str, context: &Context<'_>) -> bool {
    !is_denied(stack, action, context).await
}

/// What a statement allows but for the conditions, on both replicas.
fn assert_allows(stack: &Stack, statement: &Value, sid: &str, actions: &[&str]) {
    assert_eq!(statement["Sid"], sid);
    assert_eq!(statement["Action"], json!(actions));
    let replicas = json!([stack.key.arn(US), stack.key.arn(EU)]);
    assert_eq!(statement["Resource"], replicas);
}

/// Lets nothing pass but requests with this condition.
async fn only(stack: &Stack, condition: Value) {
    let allow = json!({"Effect": "Allow", "Action": "kms:*", "Condition": condition});
    for region in [US, EU] {
        stack.put_key_policy(region, &allow.to_string()).await;
    }
}

fn messages<'a>(report: &'a Report, check: &str) -> Vec<&'a str> {
    let found = all(report, check, US);
    let mut messages: Vec<_> = found.iter().map(|found| found.message()).collect();
    messages.sort_unstable();
    messages
}

#[tokio::test]
async fn tries_the_context_of_a_table_key_once() {
    let stack = start().await;
    let table = table_keys::<Tenanted>(&stack, None);
    let exact = json!({
        "StringEquals": {
            "kms:EncryptionContext:aws-crypto-table-name": "patients",
            "kms:EncryptionContext:dynaseal-purpose": "table-key/1",
            "kms:EncryptionContext:dynaseal-table-key-id": "0".repeat(32),
        },
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": [
            "aws-crypto-table-name", "dynaseal-purpose", "dynaseal-table-key-id",
        ]},
    });
    only(&stack, exact).await;
    let doctor = table.doctor().sample(&tenanted("p-1", "acme"));
    let report = doctor.sample(&tenanted("p-2", "evil")).run().await;
    assert!(report.is_healthy(), "{report}");
    for check in ["generate-data-key", "decrypt"] {
        let message =
            "allowed for this principal with this context: table key context, made-up values";
        assert_eq!(messages(&report, check), [message]);
    }
    for verb in ["GenerateDataKey", "Decrypt"] {
        assert_eq!(stack.cloud.calls_of(US, Service::Kms, verb), 1);
    }

    stack
        .put_key_policy(US, r#"{"Effect":"Deny","Action":"kms:*"}"#)
        .await;
    let report = table.doctor().run().await;
    let denied = messages(&report, "decrypt");
    assert!(denied[0].contains("allow kms:Decrypt"), "{denied:?}");
    assert!(
        !denied[0].contains("give samples"),
        "none would help: {denied:?}"
    );
    let opening = table.open_only().doctor().run().await;
    assert_eq!(messages(&opening, "generate-data-key"), [""; 0]);
    assert_eq!(messages(&opening, "decrypt").len(), 1);
}

#[tokio::test]
async fn tries_the_tenants_of_samples_each_once() {
    let stack = start().await;
    let table = table_keys::<Tenanted>(&stack, Some("tenant"));
    let acme = json!({"StringEquals": {"kms:EncryptionContext:dynaseal-tenant": "acme"}});
    only(&stack, acme).await;
    let report = table.doctor().sample_key("p-1").run().await;
    let made_up = messages(&report, "decrypt");
    assert_eq!(made_up.len(), 1, "{report}");
    assert!(made_up[0].contains("made-up values; ") && made_up[0].contains("give samples"));

    let doctor = table.doctor().sample_key("p-1");
    let doctor = doctor
        .sample(&tenanted("p-2", "acme"))
        .sample(&tenanted("p-3", "acme"));
    let report = doctor.run().await;
    assert!(report.is_healthy(), "{report}");
    let [message] = messages(&report, "generate-data-key")[..] else {
        panic!("{report}")
    };
    let of = "table key context, tenant of sample 2, other values made up";
    assert!(message.ends_with(of), "{message}");

    let report = table
        .doctor()
        .sample(&tenanted("p-2", "acme"))
        .sample(&tenanted("p-3", "evil"))
        .run()
        .await;
    assert_eq!(errors(&report).len(), 4, "{report}");
    assert!(report.findings()[0].message().contains("sample 2"));
    assert!(!report.to_string().contains("evil"));
}

#[tokio::test]
async fn tries_the_records_that_a_key_store_is_read_for_and_decrypts_alone() {
    let stack = start().await;
    let table = branch_keys::<Tenanted>(&stack, None);
    stack
        .put_key_policy(EU, r#"{"Effect":"Deny","Action":"kms:GenerateDataKey"},{"Effect":"Allow","Action":"kms:*"}"#)
        .await;
    let report = table.doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    assert_eq!(messages(&report, "generate-data-key"), [""; 0]);
    let (opened, sealed) = (
        "key store context, of a record that is opened with, made-up values",
        "key store context, of a record that is sealed with, made-up values",
    );
    let tried = |report: &Report| -> Vec<String> {
        let ends = messages(report, "decrypt").into_iter();
        ends.map(|message| message.split("context: ").last().unwrap().to_owned())
            .collect()
    };
    assert_eq!(tried(&report), [opened, sealed]);
    assert_eq!(tried(&table.seal_only().doctor().run().await), [sealed]);
    assert_eq!(tried(&table.open_only().doctor().run().await), [opened]);

    let active = json!({
        "StringEquals": {
            "kms:EncryptionContext:tablename": STORE,
            "kms:EncryptionContext:type": "branch:ACTIVE",
            "kms:EncryptionContext:kms-arn": stack.key.arn(US),
            "kms:EncryptionContext:hierarchy-version": "1",
        },
        "StringLike": {"kms:EncryptionContext:version": "branch:version:*"},
        "Null": {"kms:EncryptionContext:branch-key-id": "false",
            "kms:EncryptionContext:create-time": "false"},
    });
    only(&stack, active).await;
    assert!(table.seal_only().doctor().run().await.is_healthy());
    let report = table.doctor().run().await;
    assert_eq!(
        errors(&report),
        [("decrypt", Some(EU)), ("decrypt", Some(US))]
    );
    assert!(report.findings()[0].message().contains("opened with"));
}

#[tokio::test]
async fn tries_the_branch_keys_of_the_tenants_of_samples() {
    let stack = start().await;
    let table = branch_keys::<Tenanted>(&stack, Some("tenant"));
    let acme = json!({"StringEquals": {"kms:EncryptionContext:branch-key-id": "acme"}});
    only(&stack, acme).await;
    let sampled = table.doctor().sample(&tenanted("p-1", "acme"));
    assert!(sampled.run().await.is_healthy());
    let report = table.doctor().sample_key("p-1").run().await;
    assert_eq!(errors(&report).len(), 4, "{report}");
    assert!(report.findings()[0].message().contains("give samples"));
}

#[tokio::test]
async fn allows_the_table_keys_of_this_table_and_nothing_else() {
    let stack = start().await;
    let table = table_keys::<Tenanted>(&stack, None);
    let policy = table.doctor().iam_policy();
    let [of_keys, _] = statements(&policy).try_into().unwrap();
    let both = ["kms:Decrypt", "kms:GenerateDataKey"];
    assert_allows(&stack, &of_keys, "Saying1TableKeys", &both);
    enforce(&stack, &policy).await;
    assert!(table.doctor().run().await.is_healthy());
    let own = of_table_key();
    let item = vec![
        ("aws-crypto-table-name", "patients"),
        ("aws-crypto-partition-name", "id"),
        ("aws-crypto-attr.id", "p-1"),
    ];
    for action in ["Decrypt", "GenerateDataKey"] {
        assert!(is_allowed(&stack, action, &own).await);
        for foreign in [
            with(&own, "aws-crypto-table-name", "doctors"),
            with(&own, "dynaseal-purpose", "table-key/2"),
            with(&own, "dynaseal-tenant", "acme"),
            with(&own, "aws-crypto-attr.id", "p-1"),
            without(&own, "dynaseal-purpose"),
            with(
                &without(&own, "dynaseal-purpose"),
                "Dynaseal-Purpose",
                "table-key/1",
            ),
            of_record("branch:ACTIVE", &stack.key.arn(US)),
            item.clone(),
            Vec::new(),
        ] {
            assert!(
                !is_allowed(&stack, action, &foreign).await,
                "{action} {foreign:?}"
            );
        }
    }
}

#[tokio::test]
async fn allows_table_keys_with_a_tenant_alone_where_one_is_named() {
    let stack = start().await;
    let table = table_keys::<Tenanted>(&stack, Some("tenant"));
    enforce(&stack, &table.doctor().iam_policy()).await;
    assert!(table.doctor().run().await.is_healthy());
    let own = with(&of_table_key(), "dynaseal-tenant", "acme");
    for action in ["Decrypt", "GenerateDataKey"] {
        assert!(is_allowed(&stack, action, &own).await);
        assert!(!is_allowed(&stack, action, &of_table_key()).await);
    }

    let (seals, opens) = (table.seal_only().doctor(), table.open_only().doctor());
    enforce(&stack, &seals.iam_policy()).await;
    assert!(is_allowed(&stack, "GenerateDataKey", &own).await);
    assert!(!is_allowed(&stack, "Decrypt", &own).await);
    assert!(seals.run().await.is_healthy() && !opens.run().await.is_healthy());
    enforce(&stack, &opens.iam_policy()).await;
    assert!(is_allowed(&stack, "Decrypt", &own).await);
    assert!(!is_allowed(&stack, "GenerateDataKey", &own).await);
    assert!(opens.run().await.is_healthy() && !seals.run().await.is_healthy());
}

#[tokio::test]
async fn allows_the_branch_keys_of_one_key_store_and_nothing_else() {
    let stack = start().await;
    let table = branch_keys::<Tenanted>(&stack, None);
    let policy = table.doctor().iam_policy();
    let [of_keys, _] = statements(&policy).try_into().unwrap();
    assert_allows(&stack, &of_keys, "Saying1KeyStore", &["kms:Decrypt"]);
    enforce(&stack, &policy).await;
    assert!(table.doctor().run().await.is_healthy());
    let (arn, version) = (stack.key.arn(US), format!("branch:version:{UUID}"));
    let active = with(&of_record("branch:ACTIVE", &arn), "version", &version);
    let retired = of_record(&version, &arn);
    let custom = with(&active, "aws-crypto-ec:department", "x");
    for own in [&active, &retired, &custom] {
        assert!(is_allowed(&stack, "Decrypt", own).await, "{own:?}");
        assert!(!is_allowed(&stack, "GenerateDataKey", own).await, "{own:?}");
    }
    for foreign in [
        with(&active, "tablename", "other-keys"),
        without(&active, "tablename"),
        with(&active, "type", "beacon:ACTIVE"),
        with(&active, "department", "x"),
        with(&active, "aws-crypto-table-name", "patients"),
        with(&without(&active, "version"), "Version", &version),
        of_table_key(),
        Vec::new(),
    ] {
        assert!(
            !is_allowed(&stack, "Decrypt", &foreign).await,
            "{foreign:?}"
        );
    }
    let (seals, opens) = (table.seal_only().doctor(), table.open_only().doctor());
    enforce(&stack, &seals.iam_policy()).await;
    assert!(is_allowed(&stack, "Decrypt", &active).await);
    assert!(!is_allowed(&stack, "Decrypt", &retired).await);
    assert!(seals.run().await.is_healthy() && !opens.run().await.is_healthy());
    enforce(&stack, &opens.iam_policy()).await;
    assert!(is_allowed(&stack, "Decrypt", &retired).await);
    assert!(!is_allowed(&stack, "Decrypt", &active).await);
    assert!(opens.run().await.is_healthy() && !seals.run().await.is_healthy());
}

#[tokio::test]
async fn lets_a_keyring_that_opens_alone_make_no_table_key() {
    let stack = start().await;
    let used = [
        used(&stack).for_table_keys(None).decrypt_only(),
        used(&stack).for_key_store(STORE, None).decrypt_only(),
    ];
    let table = table_with::<Patient>(&stack, Saying::new(used, []));
    let [of_table_keys, of_store, _] = statements(&table.doctor().iam_policy()).try_into().unwrap();
    assert_eq!(of_table_keys["Action"], json!(["kms:Decrypt"]));
    let records = &of_store["Condition"]["StringLike"]["kms:EncryptionContext:type"];
    assert_eq!(*records, json!(["branch:version:*"]));
    assert!(statements(&table.seal_only().doctor().iam_policy()).len() == 1);
}

#[tokio::test]
async fn tries_and_allows_the_one_branch_key_where_one_is_configured() {
    let stack = start().await;
    let used = used(&stack).for_key_store(STORE, Some("tenant"));
    let table = table_with::<Tenanted>(&stack, Saying::new([used.branch_key_id("acme")], []));
    enforce(&stack, &table.doctor().iam_policy()).await;
    let report = table.doctor().sample(&tenanted("p-1", "evil")).run().await;
    assert!(report.is_healthy(), "{report}");
    let version = format!("branch:version:{UUID}");
    let arn = stack.key.arn(US);
    let own = of_record(&version, &arn);
    assert!(is_allowed(&stack, "Decrypt", &own).await);
    for foreign in [
        with(&own, "branch-key-id", "evil"),
        without(&own, "branch-key-id"),
    ] {
        assert!(!is_allowed(&stack, "Decrypt", &foreign).await);
    }
}
