//! The side of dynaseal in comparisons that need KMS and a table: a test cloud, which takes one request
//! as a line of JSON and answers in one line.
//!
//! `key_store.py` and `kms_keys.py` beside this file start it. Whatever dynaseal does, it does through the
//! public API; rows and wrapped keys are shown and taken as AWS has them, by plain SDK clients. Every request
//! has key stores and keyrings of its own, so that nothing is remembered.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{
    EcdhCurve, HierarchicalKeyring, Keyring, KmsEcdhKeyring, KmsRsaKeyring, RsaPadding,
};
use dynaseal::testkit::Cloud;
use dynaseal::{AlgorithmSuite, CryptoAction, Item, ItemEncryptor, ItemSchema, RegionSet};
use serde::Deserialize;
use serde_json::{Value, json};

/// The first one is where everything happens; of multi-Region keys there is a replica in the other.
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Request {
    // As an administrator of AWS.
    MultiRegionKey,
    Key {
        spec: String,
    },
    Rows {
        table: String,
        id: String,
    },
    PutRows {
        table: String,
        rows: Vec<serde_dynamo::Item>,
    },
    DeleteRows {
        table: String,
        rows: Vec<serde_dynamo::Item>,
    },
    KmsEncrypt {
        key: String,
        context: BTreeMap<String, String>,
        plaintext: String,
    },
    KmsDecrypt {
        key: String,
        context: BTreeMap<String, String>,
        ciphertext: String,
    },
    // By dynaseal.
    CreateKeyStore {
        store: Store,
    },
    CreateKey {
        store: Store,
        id: Option<String>,
        context: BTreeMap<String, String>,
    },
    VersionKey {
        store: Store,
        id: String,
    },
    Seal(Sealing),
    Open(Sealing),
}

#[derive(Deserialize)]
struct Store {
    table: String,
    logical_name: String,
    kms_key: String,
}

/// Base64 where bytes are meant.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Keys {
    BranchKey {
        store: Store,
        id: String,
    },
    BranchKeyPerTenant {
        store: Store,
        attribute: String,
    },
    KmsRsa {
        key: String,
        padding: String,
        public_key: String,
    },
    KmsEcdh {
        curve: String,
        key: String,
        public_key: String,
        peer_public_key: String,
    },
    KmsEcdhDiscovery {
        curve: String,
        key: String,
        public_key: String,
    },
}

#[derive(Deserialize)]
struct Sealing {
    config: Config,
    keys: Keys,
    item: serde_dynamo::Item,
}

/// As the requests of `examples/jsonl.rs` have it, without keys.
#[derive(Deserialize)]
struct Config {
    logical_table_name: String,
    partition_key: String,
    sort_key: Option<String>,
    attribute_actions: BTreeMap<String, String>,
    allowed_unsigned_attributes: Vec<String>,
    allowed_unsigned_prefix: Option<String>,
    algorithm_suite: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let side = Side::start().await?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        // A request that cannot be read is a mistake of the script, and no refusal.
        let request = serde_json::from_str(&line?)?;
        let answer = match side.answer(request).await {
            Ok(answer) => answer,
            Err(error) => json!({ "error": chain(&*error) }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

struct Side {
    cloud: Cloud,
    regions: RegionSet,
    dynamodb: aws_sdk_dynamodb::Client,
    kms: [aws_sdk_kms::Client; 2],
}

impl Side {
    async fn start() -> Result<Self, Failure> {
        let cloud = Cloud::start(REGIONS).await?;
        let [local, other] = REGIONS;
        let regions = RegionSet::builder(&cloud.sdk_config(local)).local(local);
        Ok(Self {
            regions: regions.fallback(other).build()?,
            dynamodb: cloud.dynamodb(local),
            kms: REGIONS.map(|region| cloud.kms(region)),
            cloud,
        })
    }

    async fn answer(&self, request: Request) -> Result<Value, Failure> {
        match request {
            Request::MultiRegionKey => {
                let [primary, replica] = REGIONS;
                let key = self.cloud.create_multi_region_key(primary, [replica]);
                let key = key.await?;
                Ok(json!({ "primary": key.arn(primary), "replica": key.arn(replica) }))
            }
            Request::Key { spec } => self.create_kms_key(&spec).await,
            Request::Rows { table, id } => self.rows(table, id).await,
            Request::PutRows { table, rows } => {
                for row in rows {
                    let put = self.dynamodb.put_item().table_name(&table);
                    put.set_item(Some(row.into())).send().await?;
                }
                Ok(json!({}))
            }
            Request::DeleteRows { table, rows } => {
                for row in rows {
                    let delete = self.dynamodb.delete_item().table_name(&table);
                    delete.set_key(Some(row.into())).send().await?;
                }
                Ok(json!({}))
            }
            Request::KmsEncrypt {
                key,
                context,
                plaintext,
            } => {
                let request = self.kms(&key)?.encrypt().key_id(&key);
                let request = request.plaintext(Blob::new(bytes(&plaintext)?));
                let request = request.set_encryption_context(Some(context.into_iter().collect()));
                let ciphertext = request.send().await?.ciphertext_blob;
                Ok(json!({ "ciphertext": base64(ciphertext)? }))
            }
            Request::KmsDecrypt {
                key,
                context,
                ciphertext,
            } => {
                let request = self.kms(&key)?.decrypt().key_id(&key);
                let request = request.ciphertext_blob(Blob::new(bytes(&ciphertext)?));
                let request = request.set_encryption_context(Some(context.into_iter().collect()));
                Ok(json!({ "plaintext": base64(request.send().await?.plaintext)? }))
            }
            Request::CreateKeyStore { store } => {
                self.key_store(&store)?.create_key_store().await?;
                Ok(json!({}))
            }
            Request::CreateKey { store, id, context } => {
                let create = self.key_store(&store)?.create_key();
                let mut create = create.encryption_context(context);
                if let Some(id) = id {
                    create = create.branch_key_id(id);
                }
                Ok(json!({ "id": create.send().await? }))
            }
            Request::VersionKey { store, id } => {
                let version = self.key_store(&store)?.version_key(id).await?;
                Ok(json!({ "version": version.to_string() }))
            }
            Request::Seal(Sealing { config, keys, item }) => {
                let encryptor = ItemEncryptor::new(config.schema()?, self.keyring(&keys)?);
                to_json(encryptor.seal(item.into()).await?)
            }
            Request::Open(Sealing { config, keys, item }) => {
                let encryptor = ItemEncryptor::new(config.schema()?, self.keyring(&keys)?);
                to_json(encryptor.open(item.into()).await?.into_item())
            }
        }
    }

    async fn create_kms_key(&self, spec: &str) -> Result<Value, Failure> {
        let kms = &self.kms[0];
        let spec = KeySpec::from(spec);
        let is_symmetric = spec == KeySpec::SymmetricDefault;
        let usage = match spec {
            KeySpec::SymmetricDefault | KeySpec::Rsa2048 => KeyUsageType::EncryptDecrypt,
            _ => KeyUsageType::KeyAgreement,
        };
        let created = kms.create_key().key_spec(spec).key_usage(usage);
        let arn = created.send().await?.key_metadata.and_then(|key| key.arn);
        let arn = arn.ok_or("the key has an ARN")?;
        if is_symmetric {
            return Ok(json!({ "arn": arn }));
        }
        let public = kms.get_public_key().key_id(&arn).send().await?.public_key;
        Ok(json!({ "arn": arn, "public_key": base64(public)? }))
    }

    /// All of one branch key: few enough for one page.
    async fn rows(&self, table: String, id: String) -> Result<Value, Failure> {
        let query = self.dynamodb.query().table_name(table);
        let query = query.key_condition_expression("#id = :id");
        let query = query.expression_attribute_names("#id", "branch-key-id");
        let query = query.expression_attribute_values(":id", AttributeValue::S(id));
        let rows = query.consistent_read(true).send().await?.items;
        let rows = rows.into_iter().flatten().map(to_json);
        Ok(json!({ "rows": rows.collect::<Result<Vec<_>, _>>()? }))
    }

    fn kms(&self, arn: &str) -> Result<&aws_sdk_kms::Client, Failure> {
        let region = arn.split(':').nth(3);
        let mut regions = REGIONS.into_iter().zip(&self.kms);
        let found = regions.find(|(name, _)| Some(*name) == region);
        Ok(found.ok_or("not an ARN of the cloud's")?.1)
    }

    /// Under a multi-Region key if it is one, whichever replica records name.
    fn key_store(&self, store: &Store) -> Result<KeyStore, Failure> {
        let kms = if store.kms_key.contains("key/mrk-") {
            KeyStoreKms::mrk_arn(&store.kms_key)
        } else {
            KeyStoreKms::key_arn(&store.kms_key)
        };
        let store = KeyStore::builder(&store.table, &store.logical_name, kms, &self.regions);
        Ok(store.build()?)
    }

    fn keyring(&self, keys: &Keys) -> Result<Arc<dyn Keyring>, Failure> {
        let regions = &self.regions;
        Ok(match keys {
            Keys::BranchKey { store, id } => {
                let keyring = HierarchicalKeyring::builder(&self.key_store(store)?);
                Arc::new(keyring.branch_key_id(id).build()?)
            }
            Keys::BranchKeyPerTenant { store, attribute } => {
                let keyring = HierarchicalKeyring::builder(&self.key_store(store)?);
                Arc::new(keyring.branch_key_per_tenant(attribute).build()?)
            }
            Keys::KmsRsa {
                key,
                padding,
                public_key,
            } => {
                let keyring = KmsRsaKeyring::new(key, padding_of(padding)?, regions)?;
                Arc::new(keyring.public_key(bytes(public_key)?)?)
            }
            Keys::KmsEcdh {
                curve,
                key,
                public_key,
                peer_public_key,
            } => Arc::new(KmsEcdhKeyring::kms_private_key_to_static_public_key(
                curve_of(curve)?,
                key,
                bytes(public_key)?,
                bytes(peer_public_key)?,
                regions,
            )?),
            Keys::KmsEcdhDiscovery {
                curve,
                key,
                public_key,
            } => Arc::new(KmsEcdhKeyring::kms_public_key_discovery(
                curve_of(curve)?,
                key,
                bytes(public_key)?,
                regions,
            )?),
        })
    }
}

impl Config {
    /// Items of both suites open, whatever the request says they are sealed under.
    fn schema(&self) -> Result<ItemSchema, Failure> {
        let suite = u16::from_str_radix(self.algorithm_suite.trim_start_matches("0x"), 16)?;
        let mut schema = ItemSchema::builder(&self.logical_table_name, &self.partition_key)
            .accept_suite(AlgorithmSuite::SymsigHmacSha384)
            .algorithm_suite(AlgorithmSuite::from_id(suite).ok_or("unknown suite")?);
        if let Some(name) = &self.sort_key {
            schema = schema.sort_key_name(name);
        }
        for (name, action) in &self.attribute_actions {
            schema = schema.action(name, action_of(action)?);
        }
        for name in &self.allowed_unsigned_attributes {
            schema = schema.allowed_unsigned_attribute(name);
        }
        if let Some(prefix) = &self.allowed_unsigned_prefix {
            schema = schema.allowed_unsigned_attribute_prefix(prefix);
        }
        Ok(schema.build()?)
    }
}

fn action_of(text: &str) -> Result<CryptoAction, Failure> {
    Ok(match text {
        "ENCRYPT_AND_SIGN" => CryptoAction::EncryptAndSign,
        "SIGN_ONLY" => CryptoAction::SignOnly,
        "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT" => CryptoAction::SignAndIncludeInEncryptionContext,
        "DO_NOTHING" => CryptoAction::DoNothing,
        _ => return Err("unknown crypto action".into()),
    })
}

fn padding_of(text: &str) -> Result<RsaPadding, Failure> {
    Ok(match text {
        "OaepSha1" => RsaPadding::OaepSha1,
        "OaepSha256" => RsaPadding::OaepSha256,
        _ => return Err("unknown padding".into()),
    })
}

fn curve_of(text: &str) -> Result<EcdhCurve, Failure> {
    Ok(match text {
        "P256" => EcdhCurve::P256,
        "P384" => EcdhCurve::P384,
        "P521" => EcdhCurve::P521,
        _ => return Err("unknown curve".into()),
    })
}

fn to_json(item: Item) -> Result<Value, Failure> {
    Ok(serde_json::to_value(serde_dynamo::Item::from(item))?)
}

fn bytes(text: &str) -> Result<Vec<u8>, Failure> {
    Ok(STANDARD.decode(text)?)
}

fn base64(blob: Option<Blob>) -> Result<String, Failure> {
    Ok(STANDARD.encode(blob.ok_or("AWS answers bytes")?))
}

/// An error and all of its sources in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
