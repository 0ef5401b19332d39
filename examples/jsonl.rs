//! Seals and opens items given as JSON lines, for comparing implementations of the item format.
//!
//! `cargo run --example jsonl -- encrypt < requests.jsonl > answers.jsonl`, or `decrypt`. A request
//! is `{"config": {..}, "item": {..}}` with the item in DynamoDB JSON; an answer is the item in
//! DynamoDB JSON or `{"error": ".."}`. The files in `benches/shapes` hold such requests.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};

use dynaseal::keyring::{
    EcdhCurve, Keyring, RawEcdhKeyring, RawRsaKeyring, RsaPadding, StaticBranchKeyKeyring,
};
use dynaseal::{AlgorithmSuite, CryptoAction, Item, ItemEncryptor, ItemSchema, RawAesKeyring};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct Request {
    config: Config,
    item: serde_dynamo::Item,
}

#[derive(Deserialize)]
struct Config {
    logical_table_name: String,
    partition_key: String,
    sort_key: Option<String>,
    attribute_actions: BTreeMap<String, String>,
    allowed_unsigned_attributes: Option<Vec<String>>,
    allowed_unsigned_prefix: Option<String>,
    algorithm_suite: Option<String>,
    branch_key: Option<BranchKey>,
    wrapping_key: Option<String>,
    key_namespace: Option<String>,
    key_name: Option<String>,
    raw_rsa: Option<RawRsa>,
    raw_ecdh: Option<RawEcdh>,
}

/// Keys are PEM.
#[derive(Deserialize)]
struct RawRsa {
    namespace: String,
    name: String,
    padding: String,
    public_key: String,
    private_key: String,
}

/// With the scheme `ephemeral` items are sealed for `public_key`, and opened by `private_key`.
#[derive(Deserialize)]
struct RawEcdh {
    curve: String,
    scheme: String,
    private_key: String,
    public_key: String,
    peer_public_key: String,
}

#[derive(Deserialize)]
struct BranchKey {
    id: String,
    version: String,
    key: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Encrypt,
    Decrypt,
}

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let verb = match std::env::args().nth(1).as_deref() {
        Some("encrypt") => Verb::Encrypt,
        Some("decrypt") => Verb::Decrypt,
        _ => {
            eprintln!("usage: jsonl encrypt|decrypt < requests.jsonl > answers.jsonl");
            std::process::exit(2);
        }
    };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = match answer(verb, &line).await {
            Ok(item) => serde_json::to_value(serde_dynamo::Item::from(item))?,
            Err(error) => serde_json::json!({ "error": chain(&*error) }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

async fn answer(verb: Verb, line: &str) -> Result<Item, Failure> {
    let Request { config, item } = serde_json::from_str(line)?;
    let encryptor = ItemEncryptor::new(config.schema()?, config.keyring(verb)?);
    Ok(match verb {
        Verb::Encrypt => encryptor.seal(item.into()).await?,
        Verb::Decrypt => encryptor.open(item.into()).await?.into_item(),
    })
}

impl Config {
    /// Items of both suites open, whatever the request says they are sealed under.
    fn schema(&self) -> Result<ItemSchema, Failure> {
        let mut schema = ItemSchema::builder(&self.logical_table_name, &self.partition_key)
            .accept_suite(AlgorithmSuite::SymsigHmacSha384);
        if let Some(name) = &self.sort_key {
            schema = schema.sort_key_name(name);
        }
        for (name, action) in &self.attribute_actions {
            schema = schema.action(name, parse_action(action)?);
        }
        for name in self.allowed_unsigned_attributes.iter().flatten() {
            schema = schema.allowed_unsigned_attribute(name);
        }
        if let Some(prefix) = &self.allowed_unsigned_prefix {
            schema = schema.allowed_unsigned_attribute_prefix(prefix);
        }
        if let Some(suite) = &self.algorithm_suite {
            let id = u16::from_str_radix(suite.trim_start_matches("0x"), 16)?;
            schema = schema.algorithm_suite(AlgorithmSuite::from_id(id).ok_or("unknown suite")?);
        }
        Ok(schema.build()?)
    }

    fn keyring(&self, verb: Verb) -> Result<Arc<dyn Keyring>, Failure> {
        if let Some(rsa) = &self.raw_rsa {
            return rsa.keyring(verb);
        }
        if let Some(ecdh) = &self.raw_ecdh {
            return ecdh.keyring(verb);
        }
        if let Some(BranchKey { id, version, key }) = &self.branch_key {
            return Ok(Arc::new(StaticBranchKeyKeyring::new(
                id,
                version,
                unhex(key)?,
            )?));
        }
        let (Some(namespace), Some(name), Some(key)) =
            (&self.key_namespace, &self.key_name, &self.wrapping_key)
        else {
            return Err("either branch_key, or key_namespace, key_name and wrapping_key".into());
        };
        Ok(Arc::new(RawAesKeyring::new(namespace, name, unhex(key)?)?))
    }
}

impl RawRsa {
    fn keyring(&self, verb: Verb) -> Result<Arc<dyn Keyring>, Failure> {
        let padding = match &*self.padding {
            "Pkcs1" => RsaPadding::Pkcs1,
            "OaepSha1" => RsaPadding::OaepSha1,
            "OaepSha256" => RsaPadding::OaepSha256,
            "OaepSha384" => RsaPadding::OaepSha384,
            "OaepSha512" => RsaPadding::OaepSha512,
            _ => return Err("unknown padding".into()),
        };
        let (namespace, name) = (&self.namespace, &self.name);
        Ok(Arc::new(match verb {
            Verb::Encrypt => {
                RawRsaKeyring::from_public_key(namespace, name, padding, &self.public_key)?
            }
            Verb::Decrypt => {
                RawRsaKeyring::from_private_key(namespace, name, padding, &self.private_key)?
            }
        }))
    }
}

impl RawEcdh {
    fn keyring(&self, verb: Verb) -> Result<Arc<dyn Keyring>, Failure> {
        let curve = match &*self.curve {
            "P256" => EcdhCurve::P256,
            "P384" => EcdhCurve::P384,
            "P521" => EcdhCurve::P521,
            _ => return Err("unknown curve".into()),
        };
        let Self {
            private_key,
            public_key,
            peer_public_key,
            ..
        } = self;
        Ok(Arc::new(match (&*self.scheme, verb) {
            ("static", _) => RawEcdhKeyring::raw_private_key_to_static_public_key(
                curve,
                private_key,
                peer_public_key,
            )?,
            ("ephemeral", Verb::Encrypt) => {
                RawEcdhKeyring::ephemeral_private_key_to_static_public_key(curve, public_key)?
            }
            ("ephemeral", Verb::Decrypt) => {
                RawEcdhKeyring::public_key_discovery(curve, private_key)?
            }
            _ => return Err("unknown scheme".into()),
        }))
    }
}

fn parse_action(text: &str) -> Result<CryptoAction, Failure> {
    Ok(match text {
        "ENCRYPT_AND_SIGN" => CryptoAction::EncryptAndSign,
        "SIGN_ONLY" => CryptoAction::SignOnly,
        "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT" => CryptoAction::SignAndIncludeInEncryptionContext,
        "DO_NOTHING" => CryptoAction::DoNothing,
        _ => return Err("unknown crypto action".into()),
    })
}

fn unhex(text: &str) -> Result<Vec<u8>, Failure> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err("not hexadecimal".into());
    }
    let digits = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16));
    digits
        .collect::<Result<_, _>>()
        .map_err(|_| "not hexadecimal".into())
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
