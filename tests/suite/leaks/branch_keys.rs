//! Branch keys, one for each tenant: a key store's work, items under them, and their end. A tenant's name is the id
//! of its branch key, and a value of items: it shows in none of it, and the key's version does.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::types::MacAlgorithmSpec;
use dynaseal::key_store::{KeyStore, KeyStoreErrorKind, KeyStoreKms};
use dynaseal::keyring::{CachingKeyring, HierarchicalKeyring};
use dynaseal::table::{EraseTenantError, ReceiptKey};
use dynaseal::testkit::{Fault, Service};
use dynaseal::{Item, KeyringError, OpenError, OperationError, RegionSet, SealError, SealedTable};

use super::*;
use crate::support::header::{edks, with_edks};
use crate::support::hurry::Hurry;

const STORE: &str = "clinic-branch-keys";
const LOGICAL: &str = "logical-branch-keys";
const OTHER: &str = "wayne-hospital";
const CONTRACT: &str = "contract-4711-unlimited";

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "patients", default = "encrypt")]
struct Chart {
    #[seal(partition_key)]
    id: String,
    #[seal(sort_key)]
    visit: u64,
    #[seal(tenant)]
    tenant: String,
    ssn: Redacted<String>,
}

fn chart(tenant: &str) -> Chart {
    Chart {
        id: PARTITION.to_owned(),
        visit: SORT,
        tenant: tenant.to_owned(),
        ssn: SSN.to_owned().into(),
    }
}

struct Clinic {
    stack: Stack,
    exhibits: Exhibits,
}

impl Clinic {
    /// A key store with a branch key for each of two tenants.
    async fn start(exhibits: &Exhibits) -> Self {
        let clinic = Self {
            stack: start().await,
            exhibits: exhibits.clone(),
        };
        let store = clinic.store();
        exhibits.show("KeyStore", &store);
        store.create_key_store().await.unwrap();
        for tenant in [TENANT, OTHER] {
            let create = store.create_key().branch_key_id(tenant);
            let create = create.encryption_context([("contract", CONTRACT)]);
            exhibits.show("CreateKey", &create);
            create.send().await.unwrap();
        }
        clinic
    }

    /// Where nobody waits: an erasure takes the time that keys are kept.
    fn regions(&self) -> RegionSet {
        let (config, _) = Hurry::apply(self.stack.config(US).into_builder());
        let builder = RegionSet::builder(&config.build()).local(US);
        let observer = self.stack.observer().unwrap();
        builder.observer(observer).build().unwrap()
    }

    fn store(&self) -> KeyStore {
        let kms = KeyStoreKms::mrk_arn(self.stack.key.arn(US));
        let builder = KeyStore::builder(STORE, LOGICAL, kms, &self.regions());
        let builder = builder.grant_tokens([GRANT_TOKEN]);
        self.exhibits.show("KeyStoreBuilder", &builder);
        builder.build().unwrap()
    }

    fn table(&self) -> SealedTable<Chart> {
        let builder = HierarchicalKeyring::builder(&self.store()).branch_key_per_tenant("tenant");
        self.exhibits.show("HierarchicalKeyringBuilder", &builder);
        let keyring = builder.build().unwrap();
        self.exhibits.show("HierarchicalKeyring", &keyring);
        let builder = CachingKeyring::builder(keyring, &self.regions());
        self.exhibits.show("CachingKeyringBuilder", &builder);
        let keyring = builder.build().unwrap();
        self.exhibits.show("CachingKeyring", &keyring);
        self.exhibits.show("KmsKeyUse", &keyring.kms_keys());
        self.exhibits.show("KeyStoreUse", &keyring.key_stores());
        self.exhibits.show("TenantKeys", &keyring.tenant_keys());
        let builder = SealedTable::builder(TABLE, keyring, &self.regions());
        builder.build().unwrap()
    }

    fn rows(&self) -> Vec<Item> {
        self.stack.cloud.stored(US, STORE).unwrap()
    }

    async fn put_row(&self, row: Item) {
        let put = self.stack.cloud.dynamodb(US).put_item().table_name(STORE);
        put.set_item(Some(row)).send().await.unwrap();
    }

    /// Every key of the key store in clear, as its administrator could have KMS open them, and all the rest
    /// that nobody may see.
    async fn secrets(&self) -> Secrets {
        let mut all = Vec::new();
        for mut row in self.rows() {
            let enc = row.remove("enc").unwrap();
            let kms = self.stack.cloud.kms(US);
            let mut request = kms.decrypt().ciphertext_blob(enc.as_b().unwrap().clone());
            request = request.encryption_context("tablename", LOGICAL);
            for (name, value) in BTreeMap::from_iter(row) {
                let value = value.as_s().or_else(|_| value.as_n()).unwrap().clone();
                request = request.encryption_context(name, value);
            }
            let opened = request.send().await.unwrap();
            all.push(opened.plaintext.unwrap().into_inner());
        }
        assert_eq!(all.len(), 6, "two tenants, three records each");
        let texts = [OTHER, CONTRACT].map(|text| text.as_bytes().to_vec());
        all_secrets().and(all.into_iter().chain(texts))
    }

    async fn show_reads(&self, table: &SealedTable<Chart>, what: &str) -> KeyringError {
        let error = table.get((PARTITION, SORT)).send().await.unwrap_err();
        self.exhibits.show_error(what, &error);
        match error {
            OperationError::Open(OpenError::Keyring(error)) => error,
            other => panic!("{what}: {other:?}"),
        }
    }

    async fn show_writes(&self, table: &SealedTable<Chart>, tenant: &str, what: &str) {
        let error = table.put(&chart(tenant)).send().await.unwrap_err();
        self.exhibits.show_error(what, &error);
        let is_keyring = matches!(error, OperationError::Seal(SealError::Keyring(_)));
        assert!(is_keyring, "{what}: {error:?}");
    }
}

#[tokio::test]
async fn branch_keys_that_work_show_their_version_and_no_tenant() {
    let (exhibits, _guard) = Exhibits::listen();
    let clinic = Clinic::start(&exhibits).await;
    let secrets = clinic.secrets().await;
    let (store, table) = (clinic.store(), clinic.table());
    let version = store.version_key(OTHER).await.unwrap();
    exhibits.show("BranchKeyVersion", &version);
    let described = store.describe_active(TENANT).await.unwrap();
    exhibits.show("BranchKeyDescription", &described);
    let described = store.describe_version(OTHER, version).await.unwrap();
    assert_eq!(described.branch_key_id(), OTHER);
    exhibits.show("BranchKeyDescription", &described);

    table.put(&chart(TENANT)).send().await.unwrap();
    let pinned = table.tenant(TENANT).unwrap();
    exhibits.show("SealedTable of a tenant", &pinned);
    exhibits.show("ItemEncryptor of a tenant", pinned.encryptor());
    exhibits.show("SealOnly of a tenant", &pinned.seal_only());
    exhibits.show("OpenOnly of a tenant", &pinned.open_only());
    exhibits.show(
        "Doctor of a tenant",
        &pinned.doctor().sample(&chart(TENANT)),
    );
    for table in [&table, &pinned] {
        let opened = table
            .get((PARTITION, SORT))
            .send_opened()
            .await
            .unwrap()
            .unwrap();
        exhibits.show("OpenedItem", &opened);
        let key = opened.key().unwrap();
        assert!(key.starts_with("branch:version:"), "{key}");
    }
    let report = table.doctor().sample(&chart(TENANT)).run().await;
    exhibits.show("Report", &report);
    exhibits.show("Report, as a table", &report.to_string());

    let stored = clinic.stack.stored(US, &patient_key()).await.unwrap();
    let claim = table.encryptor().describe(stored).unwrap();
    let description = claim.unauthenticated();
    exhibits.show("Description", description);
    let recipient = &description.encrypted_data_keys()[0];
    assert_eq!(recipient.key(), TENANT, "whoever asks by name is told");
    let version = recipient.branch_key_version().unwrap().to_string();
    let log = exhibits.log();
    for field in ["key: Some(\"branch:version:", "key=\"branch:version:"] {
        assert!(
            log.contains(&format!("{field}{version}")),
            "{field} in {log}"
        );
    }
    exhibits.assert_clean(&secrets, 50);
}

#[tokio::test]
async fn branch_keys_that_fail_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let clinic = Clinic::start(&exhibits).await;
    let secrets = clinic.secrets().await;
    clinic.table().put(&chart(TENANT)).send().await.unwrap();
    let region = clinic.stack.cloud.region(US);
    for service in [Service::Kms, Service::DynamoDb] {
        for fault in [
            Fault::Unavailable,
            Fault::Status(400, "ThrottlingException"),
            Fault::Status(400, "AccessDeniedException"),
            Fault::Status(400, "ValidationException"),
            Fault::Status(400, TENANT),
        ] {
            let what = format!("{service:?} {fault:?}");
            let table = clinic.table();
            region.fail(service, fault);
            clinic.show_writes(&table, TENANT, &what).await;
            let described = clinic.store().describe_active(TENANT).await;
            exhibits.show_error(&what, &described.unwrap_err());
            region.recover();
        }
    }
    let missing = clinic.table();
    clinic.show_writes(&missing, STREET, "no branch key").await;

    let stored = clinic.stack.stored(US, &patient_key()).await.unwrap();
    let mut cut = edks(&stored)[0].clone();
    cut.0[2].pop();
    let mut broken = edks(&stored)[0].clone();
    *broken.0[2].last_mut().unwrap() ^= 1;
    let mut gone = edks(&stored)[0].clone();
    gone.0[2][48 + 28..48 + 44].fill(9);
    let forged = with_edks(&stored, &[cut, broken, gone]);
    clinic.stack.store(US, &forged).await;
    let error = clinic.show_reads(&clinic.table(), "forged").await;
    assert_eq!(error.branch_key_id(), Some(TENANT), "whoever asks is told");
    clinic.stack.store(US, &stored).await;

    for (name, value) in [
        ("kms-arn", s("arn:aws:kms:us-east-1:999900001111:key/mrk-7")),
        ("enc", AttributeValue::B(Blob::new(SCAN))),
        ("hierarchy-version", n("9")),
        ("aws-crypto-ec:contract", s(STREET)),
        ("create-time", s(SSN)),
    ] {
        let rows = clinic.rows().into_iter();
        let rows: Vec<_> = rows
            .filter(|row| row["branch-key-id"] == s(TENANT))
            .collect();
        for mut row in rows.clone() {
            row.insert(name.to_owned(), value.clone());
            clinic.put_row(row).await;
        }
        clinic.show_reads(&clinic.table(), name).await;
        clinic.show_writes(&clinic.table(), TENANT, name).await;
        for row in rows {
            clinic.put_row(row).await;
        }
    }
    exhibits.assert_clean(&secrets, 300);
}

#[tokio::test]
async fn a_key_store_s_refusals_give_nothing_away() {
    let exhibits = Exhibits::default();
    let clinic = Clinic::start(&exhibits).await;
    let secrets = clinic.secrets().await;
    let store = clinic.store();
    let create = |id: &str| store.create_key().branch_key_id(id);
    let again = create(TENANT)
        .encryption_context([("contract", CONTRACT)])
        .send()
        .await;
    let again = again.unwrap_err();
    assert_eq!(again.kind(), KeyStoreErrorKind::AlreadyExists);
    assert_eq!(again.branch_key_id(), Some(TENANT));
    exhibits.show_error("twice", &again);
    exhibits.show_error("no context", &create(TENANT).send().await.unwrap_err());
    let long = create(&TENANT.repeat(500)).encryption_context([("", CONTRACT)]);
    exhibits.show_error("long", &long.send().await.unwrap_err());
    exhibits.show_error("rotate", &store.version_key(STREET).await.unwrap_err());
    exhibits.show_error(
        "describe",
        &store.describe_active(STREET).await.unwrap_err(),
    );
    let region = clinic.stack.cloud.region(US);
    region.fail(
        Service::DynamoDb,
        Fault::Unavailable.on("TransactWriteItems"),
    );
    exhibits.show_error("rotate", &store.version_key(TENANT).await.unwrap_err());
    region.recover();
    let bad = HierarchicalKeyring::builder(&store).branch_key_id(TENANT.repeat(9999));
    if let Err(error) = bad.build() {
        exhibits.show_error("HierarchicalKeyring", &error);
    }
    exhibits.assert_clean(&secrets, 24);
}

#[tokio::test]
async fn other_tenants_items_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let clinic = Clinic::start(&exhibits).await;
    let secrets = clinic.secrets().await;
    let table = clinic.table();
    table.put(&chart(OTHER)).send().await.unwrap();
    let pinned = table.tenant(TENANT).unwrap();
    let get = pinned.get((PARTITION, SORT)).send().await.unwrap_err();
    assert!(
        matches!(&get, OperationError::Open(OpenError::TenantMismatch(_))),
        "{get:?}"
    );
    exhibits.show_error("get", &get);
    exhibits.show_error("put", &pinned.put(&chart(OTHER)).send().await.unwrap_err());
    let delete = pinned.delete((PARTITION, SORT));
    exhibits.show("Delete", &delete);
    exhibits.show_error("delete", &delete.send().await.unwrap_err());
    let page = pinned.query(PARTITION).page().await.unwrap();
    exhibits.show("Page", &page);
    for item in page.partition().1 {
        exhibits.show("UnopenedItem", &item);
        exhibits.show_error("UnopenedItem", item.error());
    }
    let mut stored = clinic.stack.stored(US, &patient_key()).await.unwrap();
    stored.insert("tenant".into(), s(TENANT));
    clinic.stack.store(US, &stored).await;
    let error = pinned.get((PARTITION, SORT)).send().await.unwrap_err();
    exhibits.show_error("passed off", &error);
    exhibits.assert_clean(&secrets, 40);
}

#[tokio::test]
async fn erasing_a_tenant_names_it_in_the_receipt_s_document_alone() {
    let (exhibits, _guard) = Exhibits::listen();
    let clinic = Clinic::start(&exhibits).await;
    let secrets = clinic.secrets().await;
    let table = clinic.table();
    table.put(&chart(TENANT)).send().await.unwrap();
    let erase = |table: &SealedTable<Chart>| {
        let erase = table.erase_tenant(TENANT);
        erase
            .longest_ttl(Default::default())
            .lag_bound(Default::default())
    };
    let mac = |arn: String| ReceiptKey::mac(arn, MacAlgorithmSpec::HmacSha256);
    let raw = RawAesKeyring::new("clinic", "escrow", RAW_KEY).unwrap();
    let other = SealedTable::<Chart>::builder(TABLE, raw, &clinic.regions());
    let error = erase(&other.build().unwrap()).send().await.unwrap_err();
    exhibits.show_error("not erasable", &error);
    let error = erase(&table).signed_by(mac(TENANT.to_owned())).send().await;
    assert!(matches!(&error, Err(EraseTenantError::Config(_))));
    let region = clinic.stack.cloud.region(US);
    region.fail(Service::DynamoDb, Fault::Unavailable.on("Scan"));
    exhibits.show_error("sample", &erase(&table).send().await.unwrap_err());
    region.recover();
    region.fail(Service::DynamoDb, Fault::Unavailable.on("DeleteItem"));
    exhibits.show_error("key store", &erase(&table).send().await.unwrap_err());
    region.recover();

    // A key that cannot make MACs.
    let signed_by = mac(clinic.stack.key.arn(US));
    exhibits.show("ReceiptKey", &signed_by);
    let erase = erase(&table).signed_by(signed_by);
    exhibits.show("EraseTenant", &erase);
    let error = erase.send().await.unwrap_err();
    exhibits.show_error("unsigned", &error);
    let EraseTenantError::Unsigned(mut receipt, _) = error else {
        panic!("{error:?}")
    };
    let key = mac(clinic.stack.key.arn(US));
    let error = receipt.sign(&key, &clinic.regions()).await.unwrap_err();
    exhibits.show_error("unsigned again", &error);
    assert!(receipt.document().contains(TENANT), "compliance needs it");
    exhibits.show("ErasureReceipt", &receipt);
    exhibits.show("ErasedBranchKey", receipt.erased());
    exhibits.show("SampledItems", receipt.sample());
    let erase = clinic.store().erase_branch_key(OTHER);
    exhibits.show("EraseBranchKey", &erase);

    let gone = clinic.table();
    clinic.show_reads(&gone, "erased").await;
    clinic.show_writes(&gone, TENANT, "erased").await;
    exhibits.assert_clean(&secrets, 60);
}
