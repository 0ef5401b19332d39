//! What it finds of keys, in each region.

use aws_sdk_kms::types::{KeyMetadata, KeySpec, KeyState, KeyUsageType};
use dynaseal::error::FaultClass;
use dynaseal::keyring::{DiscoveryFilter, KmsKeyUse, KmsKeyring, KmsMrkDiscoveryKeyring};
use dynaseal::testkit::ACCOUNT_ID;
use dynaseal::{MultiKeyring, RawAesKeyring};

use super::*;

/// A key of `US` alone, by its ARN.
async fn single(stack: &Stack, spec: KeySpec, usage: KeyUsageType) -> String {
    let create = stack
        .cloud
        .kms(US)
        .create_key()
        .key_spec(spec)
        .key_usage(usage);
    let created = create.send().await.unwrap();
    let arn = created.key_metadata().and_then(KeyMetadata::arn);
    arn.unwrap().to_owned()
}

#[tokio::test]
async fn finds_a_key_without_a_replica_in_one_region() {
    let stack = start().await;
    let key = stack
        .cloud
        .create_multi_region_key(US, [""; 0])
        .await
        .unwrap();
    let keyring = KmsMrkKeyring::new(key.arn(US), &regions(&stack)).unwrap();
    let report = table_with::<Patient>(&stack, keyring).doctor().run().await;
    assert_eq!(
        errors(&report),
        [("key-exists", Some(EU)), ("key-replica", Some(US))]
    );
    let missing = one(&report, "key-exists", EU);
    assert_eq!(missing.fault(), Some(FaultClass::ReplicaMissing));
    assert_eq!(missing.key_arn(), Some(&*key.arn(EU)));
    assert!(one(&report, "key-replica", US).message().contains(EU));
    let not_tried = one(&report, "decrypt", EU);
    assert_eq!(not_tried.severity(), Severity::Info);
    assert_eq!(not_tried.message(), "not tried: there is no key");
    assert!(!report.has_usable_replicas());
}

#[tokio::test]
async fn finds_keys_that_cannot_be_used_and_says_what_to_do() {
    let stack = start().await;
    let table = table::<Patient>(&stack);
    for (state, severity, advice) in [
        (KeyState::Enabled, Severity::Ok, "enabled"),
        (KeyState::Updating, Severity::Info, "primary region"),
        (KeyState::Creating, Severity::Error, "wait"),
        (KeyState::Disabled, Severity::Error, "enable it"),
        (KeyState::PendingDeletion, Severity::Error, "cancel"),
        (KeyState::PendingReplicaDeletion, Severity::Error, "cancel"),
        (KeyState::PendingImport, Severity::Error, "import"),
        (KeyState::Unavailable, Severity::Error, "key store"),
    ] {
        let region = stack.cloud.region(EU);
        region.set_key_state(stack.key.id(), state.clone()).unwrap();
        let report = table.doctor().run().await;
        let found = one(&report, "key-state", EU);
        assert_eq!(found.severity(), severity, "{state:?}");
        assert!(found.message().contains(advice), "{}", found.message());
        let is_tried = severity < Severity::Error;
        let decrypt = one(&report, "decrypt", EU);
        assert_eq!(decrypt.severity() == Severity::Ok, is_tried, "{state:?}");
        assert_eq!(report.is_healthy(), is_tried);
        assert_eq!(one(&report, "key-state", US).severity(), Severity::Ok);
    }
}

#[tokio::test]
async fn finds_a_key_that_wraps_no_data_keys() {
    let stack = start().await;
    let mac = single(&stack, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    let keyring = KmsKeyring::new(mac, &regions(&stack)).unwrap();
    let report = table_with::<Patient>(&stack, keyring).doctor().run().await;
    let usage = one(&report, "key-usage", US);
    assert_eq!(usage.severity(), Severity::Error);
    assert!(usage.message().contains("HMAC_256") && usage.message().contains("SYMMETRIC_DEFAULT"));
    let failed = one(&report, "decrypt", US);
    assert_eq!(failed.fault(), Some(FaultClass::Caller));
    assert!(
        failed.message().contains("InvalidKeyUsageException"),
        "{}",
        failed.message()
    );
}

#[tokio::test]
async fn asks_for_a_key_of_one_region_there_alone() {
    let stack = start().await;
    let arn = single(
        &stack,
        KeySpec::SymmetricDefault,
        KeyUsageType::EncryptDecrypt,
    )
    .await;
    let keyring = KmsKeyring::new(&arn, &regions(&stack)).unwrap();
    let report = table_with::<Patient>(&stack, keyring).doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    assert!(all(&report, "key-exists", EU).is_empty());
    assert_eq!(stack.cloud.calls(EU, Service::Kms), 0);
    let reach = one(&report, "key-replica", US);
    assert_eq!(reach.severity(), Severity::Info);
    assert!(
        reach.message().contains("reach across"),
        "{}",
        reach.message()
    );

    let literally = KmsKeyring::new(stack.key.arn(US), &regions(&stack)).unwrap();
    let report = table_with::<Patient>(&stack, literally)
        .doctor()
        .run()
        .await;
    let literal = one(&report, "key-replica", US);
    assert!(
        literal.message().contains("`KmsMrkKeyring` does"),
        "{}",
        literal.message()
    );
}

#[tokio::test]
async fn asks_for_every_key_of_a_multi_keyring() {
    let stack = start().await;
    let other = stack.cloud.create_multi_region_key(EU, [US]).await.unwrap();
    stack.disable_key(US, &other).await;
    let second = KmsMrkKeyring::new(other.arn(US), &regions(&stack)).unwrap();
    let raw = RawAesKeyring::new("ours", "one", [7; 32]).unwrap();
    let multi = MultiKeyring::new(keyring(&stack)).child(second).child(raw);
    let report = table_with::<Patient>(&stack, std::sync::Arc::new(multi))
        .doctor()
        .run()
        .await;
    assert_eq!(errors(&report), [("key-state", Some(US))]);
    let keys: Vec<_> = all(&report, "key-state", US);
    let keys: Vec<_> = keys
        .iter()
        .map(|finding| finding.key_arn().unwrap())
        .collect();
    assert_eq!(keys, [other.arn(US), stack.key.arn(US)], "worst first");
}

#[tokio::test]
async fn says_that_a_key_is_not_seen_where_describing_it_is_denied() {
    let stack = start().await;
    let denied = Fault::Status(400, "AccessDeniedException").on("DescribeKey");
    stack.cloud.region(EU).fail(Service::Kms, denied);
    let report = table::<Patient>(&stack).doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    let unseen = one(&report, "key-exists", EU);
    assert_eq!(
        (unseen.severity(), unseen.fault()),
        (Severity::Warning, Some(FaultClass::Denied))
    );
    assert!(unseen.message().contains("allow kms:DescribeKey"));
    assert_eq!(
        one(&report, "decrypt", EU).severity(),
        Severity::Ok,
        "tried all the same"
    );
}

#[tokio::test]
async fn knows_what_each_keyring_uses() {
    let stack = start().await;
    let set = regions(&stack);
    let used = |keyring: &dyn Keyring| {
        let [used] = <[KmsKeyUse; 1]>::try_from(keyring.kms_keys()).unwrap();
        used
    };
    let mrk = used(&keyring(&stack).grant_tokens(["token"]).unwrap());
    assert_eq!(mrk.keyring(), "kms-mrk");
    assert!(mrk.is_mrk() && mrk.can_encrypt() && mrk.has_grant_tokens());
    assert_eq!(mrk.regions().collect::<Vec<_>>(), [US, EU]);
    assert_eq!(mrk.key_arn_in(EU), Some(stack.key.arn(EU)));

    let literal = used(&KmsKeyring::new(stack.key.arn(EU), &set).unwrap());
    assert!(!literal.is_mrk() && literal.can_encrypt() && !literal.has_grant_tokens());
    assert_eq!(literal.regions().collect::<Vec<_>>(), [EU]);
    assert_eq!(literal.key_arn(), Some(stack.key.arn(EU)));

    let filter = DiscoveryFilter::new("aws", [ACCOUNT_ID]).unwrap();
    let discovery = used(&KmsMrkDiscoveryKeyring::new(filter.clone(), &set).unwrap());
    assert!(!discovery.can_encrypt());
    assert_eq!(discovery.discovery_filter(), Some(&filter));
    assert_eq!(
        (discovery.key_arn(), discovery.key_arn_in(US)),
        (None, None)
    );

    let raw = RawAesKeyring::new("ours", "one", [7; 32]).unwrap();
    assert!(raw.kms_keys().is_empty());
}

#[tokio::test]
async fn warns_of_a_keyring_with_regions_of_its_own() {
    let stack = start().await;
    let elsewhere = RegionSet::builder(&stack.config(US))
        .local(US)
        .fallback("ap-south-1");
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &elsewhere.build().unwrap()).unwrap();
    let report = table_with::<Patient>(&stack, keyring).doctor().run().await;
    let outside = one(&report, "keyring", "ap-south-1");
    assert_eq!(outside.severity(), Severity::Warning);
    let replica = one(&report, "key-replica", US);
    assert!(
        replica.message().contains("no replica in ap-south-1"),
        "{}",
        replica.message()
    );
}
