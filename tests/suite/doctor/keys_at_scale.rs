//! Table keys and branch keys end to end: the policy that it writes lets their keyrings do all that a table
//! does, and nothing for another table, key store or purpose; and it names what is broken.

use dynaseal::OperationError;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{
    BranchKeyIdSupplier, CachingKeyring, DiscoveryFilter, HierarchicalKeyring, TableKeyKeyring,
};
use dynaseal::testkit::ACCOUNT_ID;

use super::key_stores::{STORE, protect, start_with_store};
use super::policy::enforce;
use super::*;

const LOGICAL: &str = "branch-keys";

/// A region and the other one.
fn set(stack: &Stack, local: &str) -> RegionSet {
    let other = if local == US { EU } else { US };
    let builder = RegionSet::builder(&stack.config(local)).local(local);
    builder.fallback(other).build().unwrap()
}

fn table_of(
    stack: &Stack,
    local: &str,
    keyring: impl Keyring + 'static,
    logical_name: &str,
) -> SealedTable<Tenanted> {
    let builder = SealedTable::builder(TABLE, keyring, &set(stack, local));
    builder.logical_table_name(logical_name).build().unwrap()
}

fn table_keys(stack: &Stack, local: &str, tenants: bool) -> TableKeyKeyring {
    let builder = TableKeyKeyring::builder(stack.key.arn(US), &set(stack, local));
    let builder = match tenants {
        true => builder.tenant_attribute("tenant"),
        false => builder,
    };
    builder.build().unwrap()
}

fn mrk(stack: &Stack) -> KeyStoreKms {
    KeyStoreKms::mrk_arn(stack.key.arn(US))
}

fn store(stack: &Stack, local: &str, logical_name: &str, kms: KeyStoreKms) -> KeyStore {
    let builder = KeyStore::builder(STORE, logical_name, kms, &set(stack, local));
    builder.build().unwrap()
}

fn per_tenant(store: &KeyStore) -> HierarchicalKeyring {
    let builder = HierarchicalKeyring::builder(store);
    builder.branch_key_per_tenant("tenant").build().unwrap()
}

/// A stack with branch keys of these ids in each region, and of one more in another logical key store.
async fn start_with(ids: &[&str]) -> Stack {
    let stack = start_with_store().await;
    for (logical_name, id) in ids
        .iter()
        .map(|id| (LOGICAL, *id))
        .chain([("other", "else")])
    {
        let store = store(&stack, US, logical_name, mrk(&stack));
        let create = store.create_key().branch_key_id(id);
        let create = create.encryption_context([("made-for", "tests")]);
        create.send().await.unwrap();
    }
    stack.cloud.replicate().await;
    stack
}

/// All that a table does, in both regions.
async fn use_all(stack: &Stack, us: &SealedTable<Tenanted>, eu: &SealedTable<Tenanted>) {
    for (here, there) in [(us, eu), (eu, us)] {
        here.put(&tenanted("p-1", "acme")).send().await.unwrap();
        let rename = |patient: &mut Tenanted| patient.name = "Grace".to_owned();
        here.update("p-1", rename).send().await.unwrap();
        let more = ["p-2", "p-3"].map(|id| tenanted(id, "acme"));
        here.batch_write().puts(&more).send().await.unwrap();
        stack.cloud.replicate().await;
        assert_eq!(
            there.get("p-1").send().await.unwrap().unwrap().name,
            "Grace"
        );
        assert_eq!(there.scan().items().collect().await.unwrap().len(), 3);
        let batch = there.batch_get(["p-1", "p-2"]).send().await.unwrap();
        assert!(batch.results().iter().all(|(_, found)| found.is_ok()));
    }
}

fn is_denied<E>(error: &OperationError<E>) -> bool {
    let of = |error: &dynaseal::KeyringError| error.is_refusal();
    match error {
        OperationError::Seal(dynaseal::SealError::Keyring(error))
        | OperationError::Open(dynaseal::OpenError::Keyring(error)) => of(error),
        _ => false,
    }
}

/// Neither seals nor opens what the table has; the item is another one, so that no cache has its key.
async fn assert_denied(table: &SealedTable<Tenanted>, tenant: &str, what: &str) {
    let sealed = table.put(&tenanted("p-9", tenant)).send().await;
    assert!(is_denied(&sealed.expect_err(what)), "{what}");
}

#[tokio::test]
async fn the_policy_lets_table_keys_do_all_that_a_table_does_and_nothing_else() {
    for tenants in [false, true] {
        let stack = start().await;
        let of =
            |local, logical| table_of(&stack, local, table_keys(&stack, local, tenants), logical);
        let (us, eu) = (of(US, "patients"), of(EU, "patients"));
        let doctor = us.doctor().sample(&tenanted("p-1", "acme"));
        enforce(&stack, &doctor.iam_policy()).await;
        use_all(&stack, &us, &eu).await;
        let report = doctor.run().await;
        assert_eq!(at(&report, Severity::Error), [], "{report}");
        assert_eq!(at(&report, Severity::Warning), [], "{report}");

        assert_denied(&of(US, "doctors"), "acme", "another table").await;
        let items = table_of(&stack, US, keyring(&stack), "patients");
        assert_denied(&items, "acme", "keys of items").await;
        let other = table_keys(&stack, US, !tenants);
        let other = table_of(&stack, US, other, "patients");
        assert_denied(&other, "acme", "tenants, or none").await;

        let (seals, opens) = (us.seal_only().doctor(), us.open_only().doctor());
        enforce(&stack, &seals.iam_policy()).await;
        of(US, "patients")
            .put(&tenanted("p-1", "acme"))
            .send()
            .await
            .unwrap();
        let read = of(US, "patients").get("p-1").send().await.unwrap_err();
        assert!(is_denied(&read), "{read:?}");
        enforce(&stack, &opens.iam_policy()).await;
        assert!(
            of(US, "patients")
                .get("p-1")
                .send()
                .await
                .unwrap()
                .is_some()
        );
        assert_denied(&of(US, "patients"), "acme", "a reader").await;
    }
}

#[tokio::test]
async fn the_policy_lets_branch_keys_of_tenants_do_all_that_a_table_does_and_nothing_else() {
    let stack = start_with(&["acme", "globex"]).await;
    let filter = DiscoveryFilter::new("aws", [ACCOUNT_ID]).unwrap();
    for kms in [mrk(&stack), KeyStoreKms::mrk_discovery(filter)] {
        let keyring = |local| per_tenant(&store(&stack, local, LOGICAL, kms.clone()));
        let cached = CachingKeyring::builder(keyring(US), &set(&stack, US));
        let us = table_of(&stack, US, cached.build().unwrap(), "patients");
        let eu = table_of(&stack, EU, keyring(EU), "patients");
        let doctor = us.doctor().sample(&tenanted("p-1", "acme"));
        enforce(&stack, &doctor.iam_policy()).await;
        use_all(&stack, &us, &eu).await;
        let report = doctor.run().await;
        assert_eq!(at(&report, Severity::Error), [], "{report}");
        assert_eq!(at(&report, Severity::Warning), [], "{report}");
        let globex = table_of(&stack, US, keyring(US), "patients");
        globex.put(&tenanted("p-4", "globex")).send().await.unwrap();

        let other = per_tenant(&store(&stack, US, "other", kms.clone()));
        let other = table_of(&stack, US, other, "patients");
        assert_denied(&other, "else", "another key store").await;
        let items = table_of(&stack, US, super::keyring(&stack), "patients");
        assert_denied(&items, "acme", "keys of items").await;
        let of_table = table_of(&stack, US, table_keys(&stack, US, false), "patients");
        assert_denied(&of_table, "acme", "table keys").await;
        let administrator = store(&stack, US, LOGICAL, mrk(&stack));
        assert!(administrator.version_key("acme").await.is_err());
        assert!(administrator.create_key().send().await.is_err());
        let delete = us.delete("p-4").send().await;
        delete.unwrap();
    }
}

#[tokio::test]
async fn the_policy_for_one_branch_key_allows_no_other() {
    let stack = start_with(&["acme", "globex"]).await;
    let fixed = |local, id: &str| {
        let store = store(&stack, local, LOGICAL, mrk(&stack));
        let keyring = HierarchicalKeyring::builder(&store).branch_key_id(id);
        table_of(&stack, local, keyring.build().unwrap(), "patients")
    };
    let (us, eu) = (fixed(US, "acme"), fixed(EU, "acme"));
    enforce(&stack, &us.doctor().iam_policy()).await;
    use_all(&stack, &us, &eu).await;
    let report = us.doctor().sample(&tenanted("p-1", "globex")).run().await;
    assert_eq!(at(&report, Severity::Error), [], "{report}");
    assert_denied(&fixed(US, "globex"), "acme", "another branch key").await;
}

#[tokio::test]
async fn the_policy_for_a_supplier_allows_the_whole_key_store() {
    let stack = start_with(&["acme", "globex"]).await;
    let supplier = |context: &dynaseal::EncryptionContext| {
        Ok(context
            .string_attribute("tenant")
            .unwrap_or_default()
            .into_owned())
    };
    fn table(stack: &Stack, supplier: impl BranchKeyIdSupplier + 'static) -> SealedTable<Tenanted> {
        let store = store(stack, US, LOGICAL, mrk(stack));
        let keyring = HierarchicalKeyring::builder(&store).branch_key_id_supplier(supplier);
        table_of(stack, US, keyring.build().unwrap(), "patients")
    }
    let table = table(&stack, supplier);
    enforce(&stack, &table.doctor().iam_policy()).await;
    for tenant in ["acme", "globex"] {
        table.put(&tenanted("p-1", tenant)).send().await.unwrap();
        assert_eq!(
            table.get("p-1").send().await.unwrap().unwrap().tenant,
            tenant
        );
    }
}

#[tokio::test]
async fn it_names_what_is_broken_of_a_key_store() {
    let stack = start_with(&["acme"]).await;
    let keyring = || per_tenant(&store(&stack, US, LOGICAL, mrk(&stack)));
    let table = table_of(&stack, US, keyring(), "patients");
    let sample = || table.doctor().sample(&tenanted("p-1", "acme"));
    assert!(sample().run().await.is_healthy());

    let deny = r#"{"Effect":"Deny","Action":"kms:Decrypt"},{"Effect":"Allow","Action":"kms:*"}"#;
    stack.put_key_policy(EU, deny).await;
    let report = sample().run().await;
    assert_eq!(errors(&report), [("decrypt", Some(EU)); 2], "{report}");
    for found in all(&report, "decrypt", EU) {
        assert!(found.message().contains("allow kms:Decrypt"), "{report}");
    }
    let allow = r#"{"Effect":"Allow","Action":"kms:*"}"#;
    stack.put_key_policy(EU, allow).await;

    stack.disable_key(EU, &stack.key).await;
    let report = sample().run().await;
    assert!(
        errors(&report).contains(&("key-state", Some(EU))),
        "{report}"
    );

    protect(&stack, EU, false).await;
    let delete = stack.cloud.dynamodb(EU).delete_table().table_name(STORE);
    delete.send().await.unwrap();
    let report = sample().run().await;
    assert!(
        errors(&report).contains(&("key-store-exists", Some(EU))),
        "{report}"
    );

    let nowhere = KeyStore::builder("nowhere", LOGICAL, mrk(&stack), &set(&stack, US));
    let nowhere = per_tenant(&nowhere.build().unwrap());
    let report = table_of(&stack, US, nowhere, "patients")
        .doctor()
        .run()
        .await;
    for region in [US, EU] {
        assert!(
            errors(&report).contains(&("key-store-exists", Some(region))),
            "{report}"
        );
    }
    let beside = KeyStore::builder(TABLE, LOGICAL, mrk(&stack), &set(&stack, US));
    let beside = per_tenant(&beside.build().unwrap());
    let report = table_of(&stack, US, beside, "patients")
        .doctor()
        .run()
        .await;
    assert!(
        errors(&report).contains(&("key-store-keys", Some(US))),
        "{report}"
    );
    assert!(
        at(&report, Severity::Warning).contains(&("key-store", None)),
        "{report}"
    );
}

#[tokio::test]
async fn it_names_what_is_broken_of_a_table_key() {
    let stack = start().await;
    let table = table_of(&stack, US, table_keys(&stack, US, true), "patients");
    let sample = || table.doctor().sample(&tenanted("p-1", "acme"));
    assert!(sample().run().await.is_healthy());
    let other = r#"{"Effect":"Allow","Action":"kms:*","Condition":{"StringEquals":
        {"kms:EncryptionContext:aws-crypto-table-name":"doctors"}}}"#;
    stack.put_key_policy(EU, other).await;
    let report = sample().run().await;
    for check in ["decrypt", "generate-data-key"] {
        assert!(errors(&report).contains(&(check, Some(EU))), "{report}");
        assert!(!errors(&report).contains(&(check, Some(US))), "{report}");
    }
    let absent = stack.key.arn(US).replace("key/mrk-", "key/mrk-0");
    let absent = TableKeyKeyring::new(absent, &set(&stack, US)).unwrap();
    let report = table_of(&stack, US, absent, "patients")
        .doctor()
        .run()
        .await;
    for region in [US, EU] {
        assert!(
            errors(&report).contains(&("key-exists", Some(region))),
            "{report}"
        );
    }
}
