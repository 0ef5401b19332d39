//! What the doctor shows of the samples it is given, and of what it asks with.

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::keyring::{
    DecryptRequest, EncryptRequest, KeyBinding, Keyring, KmsKeyUse, Unwrapped, future,
};
use dynaseal::table::{Doctor, Report, StartError};
use dynaseal::testkit::{Fault, Service};
use dynaseal::{CryptoAction, Item, ItemSchema, RegionSet, SealedTable};

use super::*;

/// Everything that a user could print.
fn show(exhibits: &Exhibits, report: &Report) {
    exhibits.show("Report", report);
    exhibits.show("Report, as a table", &report.to_string());
    exhibits.show("Report, as JSON", &serde_json::to_string(report).unwrap());
    for finding in report.findings() {
        exhibits.show("Finding", finding);
    }
    let policy = report.iam_policy();
    exhibits.show("IamPolicy", policy);
    exhibits.show("IamPolicy, as text", &policy.to_string());
    let start = StartError::Unhealthy(Box::new(report.clone()));
    exhibits.show("StartError", &start);
    exhibits.show("StartError, as text", &start.to_string());
}

fn table(stack: &Stack, exhibits: &Exhibits) -> SealedTable<Patient> {
    let set = RegionSet::builder(&stack.config(US)).local(US).fallback(EU);
    let keyring = keyring(stack, US, exhibits);
    let used = keyring.kms_keys();
    assert!(used.iter().any(KmsKeyUse::has_grant_tokens));
    exhibits.show("KmsKeyUse", &used);
    let builder = SealedTable::builder(TABLE, keyring, &set.build().unwrap());
    builder.build().unwrap()
}

fn doctor(table: &SealedTable<Patient>) -> Doctor<Patient> {
    table
        .doctor()
        .sample_key((PARTITION, SORT))
        .sample(&patient())
}

#[tokio::test]
async fn a_doctor_gives_nothing_of_its_samples_away_whatever_fails() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let table = table(&stack, &exhibits);
    exhibits.show("Doctor", &doctor(&table));
    exhibits.show("IamPolicy", &doctor(&table).iam_policy().to_string());
    let healthy = doctor(&table).run().await;
    assert!(healthy.is_healthy(), "{healthy}");
    show(&exhibits, &healthy);

    let region = stack.cloud.region(US);
    for fault in [
        Fault::Status(400, "ValidationException"),
        Fault::Status(500, "KMSInternalException"),
        // A service that quotes what it was sent where a code belongs.
        Fault::Status(400, TENANT),
        Fault::Unavailable,
    ] {
        region.fail(Service::Kms, fault.on("Decrypt"));
        region.fail(Service::Kms, fault.on("GenerateDataKey"));
        let report = doctor(&table).run().await;
        assert!(!report.is_healthy(), "{report}");
        show(&exhibits, &report);
        region.recover();
    }
    let deny = r#"{"Effect":"Deny","Action":"kms:*"}"#;
    stack.put_key_policy(US, deny).await;
    show(&exhibits, &doctor(&table).run().await);
    exhibits.assert_clean(&all_secrets(), 200);
}

#[tokio::test]
async fn a_doctor_gives_nothing_of_samples_away_that_are_none_of_the_table() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let schema = ItemSchema::builder(TABLE, "id").sort_key_name("visit");
    let builder = SealedTable::<Item>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let table = builder.schema(schema.build().unwrap()).build().unwrap();
    let no_number = AttributeValue::N(STREET.to_owned());
    let odd = item([("id", s(PARTITION)), ("visit", no_number)]);
    let report = table.doctor().sample_key(TENANT).sample(&odd).run().await;
    let samples = report.findings().iter();
    let samples = samples.filter(|found| found.check() == "sample");
    assert_eq!(samples.count(), 2, "{report}");
    show(&exhibits, &report);
    exhibits.assert_clean(&all_secrets(), 20);
}

#[tokio::test]
async fn a_doctor_gives_no_tenant_away_whom_it_tries_in_other_contexts_than_items() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let used = || KmsKeyUse::new("ours", stack.key.arn(US), [US]).unwrap();
    let uses = [
        used().for_table_keys(Some("tenant")),
        used().for_key_store("keys", Some("tenant")),
    ];
    exhibits.show("KmsKeyUse", &uses);
    let schema = ItemSchema::builder(TABLE, "id").sort_key_name("visit");
    let include = CryptoAction::SignAndIncludeInEncryptionContext;
    let schema = schema.action("tenant", include);
    let sample = item([
        ("id", s(PARTITION)),
        ("visit", AttributeValue::N(SORT.to_string())),
        ("tenant", s(TENANT)),
    ]);
    for used in uses {
        let keyring = Saying { used };
        let builder = SealedTable::<Item>::builder(TABLE, keyring, &stack.regions(US));
        let table = builder
            .schema(schema.clone().build().unwrap())
            .build()
            .unwrap();
        for statement in [
            r#"{"Effect":"Allow","Action":"kms:*"}"#,
            r#"{"Effect":"Deny","Action":"kms:*"}"#,
        ] {
            stack.put_key_policy(US, statement).await;
            let report = table.doctor().sample(&sample).sample_items(9).run().await;
            assert!(
                report.to_string().contains("tenant of sample 1"),
                "{report}"
            );
            show(&exhibits, &report);
        }
    }
    exhibits.assert_clean(&all_secrets(), 40);
}

/// Says that it uses a key, and does nothing.
#[derive(Debug)]
struct Saying {
    used: KmsKeyUse,
}

impl Keyring for Saying {
    fn name(&self) -> &str {
        "saying"
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::PublicKey
    }

    fn on_encrypt<'a>(&'a self, _: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::new(async { Ok(Vec::new()) })
    }

    fn on_decrypt<'a>(&'a self, _: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(async { Ok(Unwrapped::NotMine) })
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        vec![self.used.clone()]
    }
}
