//! The policy that it writes: what the keyring needs, and nothing beyond it.
//!
//! The double takes the text of a role's policy for that of a key, and looks at actions, resources and
//! conditions.

use aws_sdk_kms::types::DataKeySpec;
use dynaseal::item::{Discriminator, Entities, Model};
use dynaseal::keyring::{DiscoveryFilter, KmsMrkDiscoveryKeyring};
use dynaseal::table::IamPolicy;
use dynaseal::testkit::ACCOUNT_ID;
use dynaseal::{CryptoAction, Item, ItemSchema, MultiKeyring};
use serde_json::{Value, json};

use super::*;
use crate::support::stack::{item, s};

/// Lets the policy decide, in both regions.
pub(super) async fn enforce(stack: &Stack, policy: &IamPolicy) {
    for region in [US, EU] {
        let put = stack.cloud.kms(region).put_key_policy();
        let put = put.key_id(stack.key.arn(region)).policy(policy.to_string());
        put.send().await.unwrap();
    }
}

fn table_in<T: Model>(stack: &Stack, region: &str) -> SealedTable<T> {
    let other = if region == US { EU } else { US };
    let builder = RegionSet::builder(&stack.config(region)).local(region);
    let set = builder.fallback(other).build().unwrap();
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &set).unwrap();
    SealedTable::builder(TABLE, keyring, &set).build().unwrap()
}

/// The same table under a logical name that is not the policy's.
fn renamed<T: Model>(stack: &Stack) -> SealedTable<T> {
    let builder = SealedTable::builder(TABLE, keyring(stack), &regions(stack));
    builder.logical_table_name("doctors").build().unwrap()
}

pub(super) fn statements(policy: &IamPolicy) -> Vec<Value> {
    let parsed: Value = serde_json::from_str(&policy.to_string()).unwrap();
    assert_eq!(parsed, serde_json::to_value(policy).unwrap());
    assert_eq!(parsed["Version"], "2012-10-17");
    parsed["Statement"].as_array().unwrap().clone()
}

pub(super) async fn is_denied(stack: &Stack, action: &str, context: &[(&str, &str)]) -> bool {
    let kms = stack.cloud.kms(US);
    let answer = if action == "Decrypt" {
        let mut request = kms.decrypt().key_id(stack.key.arn(US)).dry_run(true);
        request = request.dry_run_modifiers("IGNORE_CIPHERTEXT".into());
        for (key, value) in context {
            request = request.encryption_context(*key, *value);
        }
        request
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .meta()
            .code()
            .map(str::to_owned)
    } else {
        let request = kms
            .generate_data_key()
            .key_id(stack.key.arn(US))
            .dry_run(true);
        let mut request = request.key_spec(DataKeySpec::Aes256);
        for (key, value) in context {
            request = request.encryption_context(*key, *value);
        }
        request
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .meta()
            .code()
            .map(str::to_owned)
    };
    match answer.as_deref() {
        Some("AccessDeniedException") => true,
        Some("DryRunOperationException") => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_every_replica_and_the_exact_context_in_one_statement() {
    let stack = start().await;
    let policy = table::<Patient>(&stack).doctor().iam_policy();
    let replicas = json!([stack.key.arn(US), stack.key.arn(EU)]);
    let sorted = json!([stack.key.arn(EU), stack.key.arn(US)]);
    let expected = [
        json!({
            "Sid": "KmsMrk1HeaderV1",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": replicas,
            "Condition": {
                "StringEquals": {"kms:EncryptionContext:aws-crypto-table-name": "patients"},
                "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": [
                    "aws-crypto-attr.id",
                    "aws-crypto-partition-name",
                    "aws-crypto-public-key",
                    "aws-crypto-table-name",
                ]},
            },
        }),
        json!({
            "Sid": "DescribeKeys",
            "Effect": "Allow",
            "Action": ["kms:DescribeKey"],
            "Resource": sorted,
        }),
    ];
    assert_eq!(statements(&policy), expected);
    for region in [US, EU] {
        assert_eq!(
            stack.cloud.calls(region, Service::Kms),
            0,
            "nobody was asked"
        );
    }
    let report = table::<Patient>(&stack).doctor().run().await;
    assert_eq!(report.iam_policy(), &policy);
}

#[tokio::test]
async fn allows_everything_a_table_does_in_each_region() {
    let stack = start().await;
    let (us, eu) = (
        table_in::<Patient>(&stack, US),
        table_in::<Patient>(&stack, EU),
    );
    enforce(&stack, &us.doctor().iam_policy()).await;
    us.put(&patient("p-1")).send().await.unwrap();
    let rename = |patient: &mut Patient| patient.name = "Grace".to_owned();
    us.update("p-1", rename).send().await.unwrap();
    stack.cloud.replicate().await;
    let read = eu.get("p-1").send().await.unwrap().unwrap();
    assert_eq!(read.name, "Grace");
    eu.update("p-1", rename).send().await.unwrap();
    eu.put(&patient("p-2")).send().await.unwrap();
    assert!(us.doctor().run().await.is_healthy());
}

#[tokio::test]
async fn allows_both_header_versions_to_readers_and_the_new_one_to_writers() {
    let stack = start().await;
    let (us, eu) = (
        table_in::<Tenanted>(&stack, US),
        table_in::<Tenanted>(&stack, EU),
    );
    // Sealed before the tenant was in the context.
    let before = ItemSchema::builder("patients", "id");
    let before = before.action("tenant", CryptoAction::SignOnly);
    let before = before
        .action("name", CryptoAction::EncryptAndSign)
        .build()
        .unwrap();
    let builder = SealedTable::<Item>::builder(TABLE, keyring(&stack), &regions(&stack));
    let before = builder.schema(before).build().unwrap();
    let old = item([("id", s("p-0")), ("tenant", s("acme")), ("name", s("Ada"))]);
    before.put(&old).send().await.unwrap();

    let policy = us.doctor().iam_policy();
    let [v1, v2, _] = statements(&policy).try_into().unwrap();
    assert_eq!(v1["Action"], json!(["kms:Decrypt"]));
    assert_eq!(v2["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey"]));
    enforce(&stack, &policy).await;
    us.put(&tenanted("p-1", "acme")).send().await.unwrap();
    stack.cloud.replicate().await;
    assert_eq!(
        eu.get("p-1").send().await.unwrap(),
        Some(tenanted("p-1", "acme"))
    );
    assert_eq!(
        us.get("p-0").send().await.unwrap(),
        Some(tenanted("p-0", "acme"))
    );
    before.put(&old).send().await.unwrap_err();
    assert!(us.doctor().run().await.is_healthy());
}

#[tokio::test]
async fn denies_items_of_another_logical_table_under_the_same_key() {
    let stack = start().await;
    let (own, other) = (table::<Patient>(&stack), renamed::<Patient>(&stack));
    other.put(&patient("d-1")).send().await.unwrap();
    enforce(&stack, &own.doctor().iam_policy()).await;
    own.put(&patient("p-1")).send().await.unwrap();
    let seal = other.put(&patient("d-2")).send().await.unwrap_err();
    assert!(matches!(seal, dynaseal::OperationError::Seal(_)));
    let open = other.get("d-1").send().await.unwrap_err();
    let dynaseal::OperationError::Open(dynaseal::OpenError::Keyring(denied)) = open else {
        panic!("{open:?}")
    };
    let kinds: Vec<_> = denied
        .attempts()
        .iter()
        .map(dynaseal::KeyringError::kind)
        .collect();
    assert_eq!(kinds, [dynaseal::keyring::KeyringErrorKind::Denied]);
    let report = other.doctor().run().await;
    assert_eq!(errors(&report).len(), 4, "{report}");
}

#[tokio::test]
async fn denies_contexts_that_no_item_has() {
    let stack = start().await;
    enforce(&stack, &table::<Tenanted>(&stack).doctor().iam_policy()).await;
    let (name, partition) = (
        ("aws-crypto-table-name", "patients"),
        ("aws-crypto-partition-name", "id"),
    );
    let (id, tenant) = (
        ("aws-crypto-attr.id", "p-1"),
        ("aws-crypto-attr.tenant", "acme"),
    );
    let legend = ("aws-crypto-legend", "SS");
    let whole = [name, partition, id, tenant, legend];
    let odd_case = ("AWS-CRYPTO-TABLE-NAME", "patients");
    let foreign = ("aws-crypto-attr.other", "x");
    for (context, seal, open) in [
        (&whole[..], true, true),
        // Version 1, which is opened and no longer sealed.
        (&[name, partition, id], false, true),
        (&[odd_case, partition, id, tenant, legend], false, false),
        (
            &[name, partition, id, tenant, legend, foreign],
            false,
            false,
        ),
        (&[partition, id, tenant, legend], false, false),
        (&[], false, false),
    ] {
        let denied = is_denied(&stack, "GenerateDataKey", context).await;
        assert_eq!(denied, !seal, "{context:?}");
        assert_eq!(
            is_denied(&stack, "Decrypt", context).await,
            !open,
            "{context:?}"
        );
    }
}

#[tokio::test]
async fn allows_a_handle_its_own_power_alone() {
    let stack = start().await;
    let table = table::<Patient>(&stack);
    let (seals, opens) = (table.seal_only(), table.open_only());
    enforce(&stack, &seals.doctor().iam_policy()).await;
    seals.put(&patient("p-1")).send().await.unwrap();
    opens.get("p-1").send().await.unwrap_err();
    assert!(seals.doctor().run().await.is_healthy());

    enforce(&stack, &opens.doctor().iam_policy()).await;
    assert_eq!(opens.get("p-1").send().await.unwrap(), Some(patient("p-1")));
    seals.put(&patient("p-1")).send().await.unwrap_err();
    assert!(opens.doctor().run().await.is_healthy());
}

#[tokio::test]
async fn has_a_statement_for_each_keyring_that_asks_kms() {
    let stack = start().await;
    let other = stack.cloud.create_multi_region_key(EU, [US]).await.unwrap();
    let second = KmsMrkKeyring::new(other.arn(US), &regions(&stack)).unwrap();
    let filter = DiscoveryFilter::new("aws", [ACCOUNT_ID, "444455556666"]).unwrap();
    let discovery = KmsMrkDiscoveryKeyring::new(filter, &regions(&stack)).unwrap();
    let multi = MultiKeyring::new(keyring(&stack))
        .child(second)
        .child(discovery);
    let policy = table_with::<Patient>(&stack, multi).doctor().iam_policy();
    let [first, second, third, describe] = statements(&policy).try_into().unwrap();
    assert_eq!(
        first["Resource"],
        json!([stack.key.arn(US), stack.key.arn(EU)])
    );
    assert_eq!(second["Resource"], json!([other.arn(US), other.arn(EU)]));
    assert_eq!(second["Sid"], "KmsMrk2HeaderV1");
    assert_eq!(third["Sid"], "KmsMrkDiscovery3HeaderV1");
    assert_eq!(third["Action"], json!(["kms:Decrypt"]));
    let all_keys = |region, account| format!("arn:aws:kms:{region}:{account}:key/*");
    let all_keys = json!([
        all_keys(US, ACCOUNT_ID),
        all_keys(US, "444455556666"),
        all_keys(EU, ACCOUNT_ID),
        all_keys(EU, "444455556666"),
    ]);
    assert_eq!(third["Resource"], all_keys);
    assert_eq!(describe["Resource"].as_array().unwrap().len(), 8);

    let raw = RawAesKeyring::new("ours", "one", [7; 32]).unwrap();
    let nothing = table_with::<Patient>(&stack, raw).doctor().iam_policy();
    assert!(statements(&nothing).is_empty());
}

#[tokio::test]
async fn allows_the_contexts_of_all_entity_types() {
    let stack = start().await;
    let include = CryptoAction::SignAndIncludeInEncryptionContext;
    let schema = |name: &str| {
        ItemSchema::builder("patients", "id")
            .action(name, include)
            .build()
    };
    let prefix = Discriminator::partition_key_prefix;
    let entities = Entities::builder()
        .untyped_entity("visit", prefix("v-"), schema("clinic").unwrap())
        .untyped_entity("bill", prefix("b-"), schema("payer").unwrap());
    let entities = entities.build().unwrap();
    let builder = SealedTable::builder(TABLE, keyring(&stack), &regions(&stack));
    let table = builder.entities(&entities).build().unwrap().untyped();
    enforce(&stack, &table.doctor().iam_policy()).await;
    for item in [
        item([("id", s("v-1")), ("clinic", s("north"))]),
        item([("id", s("b-1")), ("payer", s("Ada"))]),
    ] {
        table.put(&item).send().await.unwrap();
    }
    assert_eq!(table.scan().items().collect().await.unwrap().len(), 2);
}

#[tokio::test]
async fn allows_attributes_by_their_prefix_where_items_bring_their_own() {
    let stack = start().await;
    let schema = ItemSchema::builder("patients", "id");
    let schema = schema.others(CryptoAction::SignAndIncludeInEncryptionContext);
    let builder = SealedTable::<Item>::builder(TABLE, keyring(&stack), &regions(&stack));
    let table = builder.schema(schema.build().unwrap()).build().unwrap();
    let policy = table.doctor().iam_policy();
    let [v1, v2, _] = statements(&policy).try_into().unwrap();
    assert!(v1["Condition"].get("ForAllValues:StringEquals").is_some());
    let like = &v2["Condition"]["ForAllValues:StringLike"]["kms:EncryptionContextKeys"];
    assert_eq!(like[0], "aws-crypto-attr.*");
    enforce(&stack, &policy).await;
    let odd = item([("id", s("p-1")), ("colour", s("red"))]);
    table.put(&odd).send().await.unwrap();
    assert_eq!(table.get("p-1").send().await.unwrap(), Some(odd));
}
