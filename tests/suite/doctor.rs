//! The doctor: what it finds of tables, keys and permissions, and what it never says.

mod beside_items;
mod dry_runs;
mod key_stores;
mod keys;
mod keys_at_scale;
mod policy;
mod regions;
mod settings;
mod start;
mod stored;
mod tables;

use dynaseal::keyring::{
    DecryptRequest, EncryptRequest, KeyBinding, KeyStoreUse, Keyring, KmsKeyUse, future,
};
use dynaseal::table::{Finding, Report, Severity};
use dynaseal::testkit::{Fault, KeyType, Service, TableDefinition};
use dynaseal::{KmsMrkKeyring, RawAesKeyring, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US};

const TABLE: &str = "patients-prod";

/// Nothing in the context but the key: header version 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "patients", default = "encrypt")]
struct Patient {
    #[seal(partition_key)]
    id: String,
    name: String,
    #[seal(sign)]
    plan: String,
}

/// The tenant is in the context: header version 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "patients", default = "encrypt")]
struct Tenanted {
    #[seal(partition_key)]
    id: String,
    #[seal(context)]
    tenant: String,
    name: String,
}

fn patient(id: &str) -> Patient {
    Patient {
        id: id.to_owned(),
        name: "Ada".to_owned(),
        plan: "gold".to_owned(),
    }
}

fn tenanted(id: &str, tenant: &str) -> Tenanted {
    Tenanted {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        name: "Ada".to_owned(),
    }
}

fn definition() -> TableDefinition {
    TableDefinition::new(TABLE).partition_key("id", KeyType::S)
}

async fn start() -> Stack {
    Stack::start(&definition()).await
}

/// Both regions, `US` first.
fn regions(stack: &Stack) -> RegionSet {
    let builder = RegionSet::builder(&stack.config(US)).local(US).fallback(EU);
    builder.build().unwrap()
}

fn keyring(stack: &Stack) -> KmsMrkKeyring {
    KmsMrkKeyring::new(stack.key.arn(EU), &regions(stack)).unwrap()
}

fn table<T: dynaseal::item::Model>(stack: &Stack) -> SealedTable<T> {
    table_with(stack, keyring(stack))
}

fn table_with<T: dynaseal::item::Model>(
    stack: &Stack,
    keyring: impl Keyring + 'static,
) -> SealedTable<T> {
    let builder = SealedTable::builder(TABLE, keyring, &regions(stack));
    builder.build().unwrap()
}

/// Says that it uses these, and does not.
#[derive(Debug)]
struct Saying {
    inner: RawAesKeyring,
    keys: Vec<KmsKeyUse>,
    key_stores: Vec<KeyStoreUse>,
}

impl Saying {
    fn new(
        keys: impl IntoIterator<Item = KmsKeyUse>,
        key_stores: impl IntoIterator<Item = KeyStoreUse>,
    ) -> Self {
        Self {
            inner: RawAesKeyring::new("ours", "one", [7; 32]).unwrap(),
            keys: keys.into_iter().collect(),
            key_stores: key_stores.into_iter().collect(),
        }
    }
}

impl Keyring for Saying {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn binding(&self) -> KeyBinding {
        self.inner.binding()
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        self.inner.on_encrypt(request)
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        self.inner.on_decrypt(request)
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        self.keys.clone()
    }

    fn key_stores(&self) -> Vec<KeyStoreUse> {
        self.key_stores.clone()
    }
}

fn used(stack: &Stack) -> KmsKeyUse {
    KmsKeyUse::new("saying", stack.key.arn(US), [US, EU]).unwrap()
}

/// The only finding of a check in a region.
fn one<'a>(report: &'a Report, check: &str, region: &str) -> &'a Finding {
    let [found] = all(report, check, region)[..] else {
        panic!("one finding of {check} in {region}\n{report}")
    };
    found
}

fn all<'a>(report: &'a Report, check: &str, region: &str) -> Vec<&'a Finding> {
    let of = |finding: &&Finding| finding.check() == check && finding.region() == Some(region);
    report.findings().iter().filter(of).collect()
}

/// Checks and regions of all findings that are this bad.
fn at(report: &Report, severity: Severity) -> Vec<(&str, Option<&str>)> {
    let findings = report.findings().iter();
    let findings = findings.filter(|finding| finding.severity() == severity);
    let mut found: Vec<_> = findings.map(|f| (f.check(), f.region())).collect();
    found.sort_unstable();
    found
}

fn errors(report: &Report) -> Vec<(&str, Option<&str>)> {
    at(report, Severity::Error)
}

#[tokio::test]
async fn finds_nothing_to_complain_of_where_nothing_is_wrong() {
    let stack = start().await;
    let table = table::<Patient>(&stack);
    let report = table
        .doctor()
        .sample_key("p-1")
        .sample(&patient("p-2"))
        .run()
        .await;
    assert!(report.is_healthy() && report.has_usable_replicas());
    assert_eq!(report.worst(), Severity::Info, "{report}");
    assert_eq!(at(&report, Severity::Info), [("logical-table-name", None)]);
    for region in [US, EU] {
        for check in [
            "key-exists",
            "key-replica",
            "key-state",
            "key-usage",
            "table-exists",
            "table-status",
            "table-replicas",
            "table-keys",
            "table-encryption",
        ] {
            let found = one(&report, check, region);
            assert_eq!(found.severity(), Severity::Ok, "{report}");
        }
        for check in ["generate-data-key", "decrypt"] {
            assert_eq!(all(&report, check, region).len(), 2, "one for each sample");
        }
    }
}

#[tokio::test]
async fn asks_in_a_task_of_its_own_and_reads_no_item() {
    let stack = start().await;
    let doctor = table::<Patient>(&stack).doctor();
    stack.cloud.reset_calls();
    let report = tokio::spawn(async move { doctor.run().await })
        .await
        .unwrap();
    assert!(report.is_healthy());
    for region in [US, EU] {
        let asked = |service, operation| stack.cloud.calls_of(region, service, operation);
        let tables = asked(Service::DynamoDb, "DescribeTable");
        assert_eq!(tables, stack.cloud.calls(region, Service::DynamoDb));
        let operations = ["DescribeKey", "GenerateDataKey", "Decrypt"];
        let keys = operations.map(|operation| asked(Service::Kms, operation));
        assert_eq!((tables, keys), (1, [1, 1, 1]));
        assert_eq!(stack.cloud.calls(region, Service::Kms), 3);
    }
}

#[tokio::test]
async fn tells_as_json_what_it_tells_as_a_table() {
    let stack = start().await;
    stack.disable_key(EU, &stack.key).await;
    let report = table::<Patient>(&stack).doctor().run().await;
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["table"], TABLE);
    assert_eq!(json["logical_table_name"], "patients");
    assert_eq!(json["regions"], serde_json::json!([US, EU]));
    assert_eq!(
        (&json["worst"], &json["healthy"]),
        (&"error".into(), &false.into())
    );
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(findings.len(), report.findings().len());
    let worst = &findings[0];
    assert_eq!(
        (&worst["severity"], &worst["check"]),
        (&"error".into(), &"key-state".into())
    );
    assert_eq!(worst["key_arn"], stack.key.arn(EU));
    assert!(json["iam_policy"]["Statement"].is_array());

    let shown = report.to_string();
    assert_eq!(shown.lines().count(), findings.len() + 3);
    for finding in report.findings() {
        assert!(shown.contains(finding.message()), "{}", finding.message());
    }
}
