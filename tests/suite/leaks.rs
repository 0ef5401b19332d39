//! Nothing secret in any log, `Debug` or `Display` of ours, whatever fails.
//!
//! It runs over loopback: with a body in memory the SDK itself logs plaintext data keys at TRACE.
//! What the SDK logs and prints is outside of the promise; what is ours ends where its errors begin.

mod branch_keys;
mod doctor;
mod events;
mod exhibits;
mod failures;
mod freshness;
mod migration;
mod misfits;
mod pages;
mod records;
mod secrets;
mod successes;
mod wrapping;
mod writes;

use std::collections::BTreeMap;

use dynaseal::keyring::{
    DecryptRequest, EncryptRequest, IntermediateKey, KeyBinding, Keyring, KeyringError,
    KeyringErrorKind, Unwrapped, WrappedKey, future,
};
use dynaseal::observe::{self, Event};
use dynaseal::testkit::{KeyType, TableDefinition};
use dynaseal::{Hidden, MultiKeyring, RawAesKeyring, Redacted, Seal, Unsigned};
use serde::{Deserialize, Serialize};

use self::exhibits::Exhibits;
use self::secrets::Secrets;
use crate::support::stack::{EU, Stack, US, item, n, s};

const TABLE: &str = "patients";

const PARTITION: &str = "zero-0451-outbreak";
const SORT: u64 = 20_451_977;
const TENANT: &str = "umbrella-clinic";
const SIGNED: &str = "plan-platinum-9";
const SSN: &str = "078-05-1120";
const BALANCE: i64 = 98_765_432;
const STREET: &str = "Elm Street 1428";
const MAP_KEY: &str = "allergic-to-peanuts";
const NESTED: &str = "anaphylaxis-1987";
const SCAN: &[u8] = b"\x00\xffPNG of a passport\n\"";
const UNSIGNED: u64 = 31_415_926;

const RAW_KEY: [u8; 32] = *b"\xa1\xb2\xc3raw wrapping key, 32 bytes\x00\x01\xff";
const PAD: u8 = 0x5c;
const INTERMEDIATE_KEY: [u8; 32] = *b"\xd4\xe5intermediate key of 32 byte\xf6\x07\x18";
const GRANT_TOKEN: &str = "grant-token-AQpAM2RhZTk1MGMyNTk2";

/// Everything that no text of ours may hold.
fn all_secrets() -> Secrets {
    let texts = [
        PARTITION,
        TENANT,
        SIGNED,
        SSN,
        STREET,
        MAP_KEY,
        NESTED,
        GRANT_TOKEN,
    ];
    let numbers = [SORT.to_string(), BALANCE.to_string(), UNSIGNED.to_string()];
    let texts = texts.into_iter().map(str::to_owned).chain(numbers);
    let bytes = [SCAN, &RAW_KEY, &INTERMEDIATE_KEY].map(<[u8]>::to_vec);
    Secrets::new(texts.map(String::into_bytes).chain(bytes))
}

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "patients", default = "encrypt")]
struct Patient {
    #[seal(partition_key)]
    id: String,
    #[seal(sort_key)]
    visit: u64,
    ssn: Redacted<String>,
    balance: Hidden<i64>,
    record: Redacted<Record>,
    #[serde(with = "dynaseal::bytes")]
    scan: Redacted<Vec<u8>>,
    #[seal(sign)]
    plan: Hidden<String>,
    #[seal(context)]
    tenant: String,
    #[seal(unsigned)]
    views: Unsigned<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, zeroize::Zeroize)]
struct Record {
    street: String,
    #[zeroize(skip)]
    notes: BTreeMap<String, Vec<String>>,
}

fn patient() -> Patient {
    let notes = BTreeMap::from([(MAP_KEY.to_owned(), vec![NESTED.to_owned()])]);
    Patient {
        id: PARTITION.to_owned(),
        visit: SORT,
        ssn: SSN.to_owned().into(),
        balance: BALANCE.into(),
        record: Record {
            street: STREET.to_owned(),
            notes,
        }
        .into(),
        scan: SCAN.to_vec().into(),
        plan: SIGNED.to_owned().into(),
        tenant: TENANT.to_owned(),
        views: UNSIGNED.into(),
    }
}

fn patient_key() -> dynaseal::Item {
    item([("id", s(PARTITION)), ("visit", n(&SORT.to_string()))])
}

/// Whatever its observers are told is logged, so that every test looks for secrets in it.
async fn start() -> Stack {
    let table = TableDefinition::new(TABLE).partition_key("id", KeyType::S);
    let stack = Stack::start(&table.sort_key("visit", KeyType::N)).await;
    let log = |event: &Event<'_>| tracing::trace!(target: "dynaseal::event", ?event);
    stack.watched_by(observe::from_fn(log))
}

/// KMS, a local key, and a keyring of the test whose intermediate key is known.
fn keyring(stack: &Stack, region: &str, exhibits: &Exhibits) -> MultiKeyring {
    let kms = stack.keyring(region).grant_tokens([GRANT_TOKEN]).unwrap();
    let raw = RawAesKeyring::new("clinic", "escrow", RAW_KEY).unwrap();
    MultiKeyring::new(kms)
        .child(raw)
        .child(Known(exhibits.clone()))
}

/// Makes a key that the test knows, and shows everything it is handed.
#[derive(Debug)]
struct Known(Exhibits);

impl Keyring for Known {
    fn name(&self) -> &str {
        "known"
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::SharedSecret
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        self.0.show("EncryptRequest", &request);
        let key = IntermediateKey::from_slice(&INTERMEDIATE_KEY).unwrap();
        let wrapped = INTERMEDIATE_KEY.map(|byte| byte ^ PAD);
        let wrapped = WrappedKey::new("known", "key-0", wrapped, key.clone());
        self.0.show("WrappedKey", &wrapped);
        self.0.show("IntermediateKey", &key);
        let future = future::OnEncrypt::ready(Ok(vec![wrapped]));
        self.0.show("OnEncrypt", &future);
        future
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        self.0.show("DecryptRequest", &request);
        let mut edks = request.encrypted_data_keys().iter();
        let Some(edk) = edks.find(|edk| edk.provider_id() == "known") else {
            return future::OnDecrypt::ready(Ok(Unwrapped::NotMine));
        };
        let key = IntermediateKey::from_slice(&INTERMEDIATE_KEY).unwrap();
        let opened = request.open(edk, &key);
        if let Err(error) = &opened {
            self.0.show_error("Known", error);
        }
        let opened = opened.map(Unwrapped::Opened);
        let opened = opened.map_err(|_| KeyringError::new(KeyringErrorKind::Other));
        self.0.show("Unwrapped", &opened);
        let future = future::OnDecrypt::ready(opened);
        self.0.show("OnDecrypt", &future);
        future
    }
}
