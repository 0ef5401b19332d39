//! For the unit tests of this room: sealed keys without an item, and a KMS of canned answers.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_types::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{DecryptRequest, EncryptedDataKey, Keyring, KeyringError, Unwrapped};
use crate::context::{EncryptionContext, Entries};
use crate::crypto::ecdh::{self, EcdhCurve, EcdhPrivateKey, EcdhPublicKey};
use crate::crypto::random::SystemRandom;
use crate::crypto::rsa::{self, RsaPadding, RsaPrivateKey};
use crate::materials::Preparation;
use crate::region::RegionSet;
use crate::suite::AlgorithmSuite::{self, SymsigHmacSha384};

pub(super) fn entries(pairs: &[(&str, &str)]) -> Entries {
    let pairs = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    pairs.collect()
}

/// What a keyring made for one item, and the data key behind it.
pub(super) struct Sealed {
    pub(super) suite: AlgorithmSuite,
    pub(super) context: EncryptionContext,
    pub(super) edks: Vec<EncryptedDataKey>,
    pub(super) data_key: [u8; 32],
}

pub(super) async fn seal(keyring: &dyn Keyring) -> Result<Sealed, KeyringError> {
    seal_with(keyring, entries(&[("table", "t"), ("tenant", "acme")])).await
}

pub(super) async fn seal_with(
    keyring: &dyn Keyring,
    entries: Entries,
) -> Result<Sealed, KeyringError> {
    seal_under(SymsigHmacSha384, keyring, entries).await
}

pub(super) async fn seal_under(
    suite: AlgorithmSuite,
    keyring: &dyn Keyring,
    entries: Entries,
) -> Result<Sealed, KeyringError> {
    let preparation = Preparation::new(suite, entries).unwrap();
    let keys = keyring.on_encrypt(preparation.request()).await?;
    let materials = preparation.finish(&keys, &SystemRandom).unwrap();
    Ok(Sealed {
        suite,
        context: materials.context,
        edks: materials.recipients.encrypted_data_keys,
        data_key: *materials.data_key.0.expose(),
    })
}

impl Sealed {
    pub(super) async fn open(&self, keyring: &dyn Keyring) -> Result<Unwrapped, KeyringError> {
        let request = DecryptRequest::new(self.suite, &self.context, &self.edks);
        keyring.on_decrypt(request).await
    }

    /// Opens and compares; answers which encrypted data key did it.
    pub(super) async fn assert_opens(&self, keyring: &dyn Keyring) -> usize {
        match self.open(keyring).await {
            Ok(Unwrapped::Opened(opened)) => {
                assert_eq!(*opened.keys.data_key.0.expose(), self.data_key);
                opened.index
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn assert_not_mine(&self, keyring: &dyn Keyring) {
        assert!(matches!(self.open(keyring).await, Ok(Unwrapped::NotMine)));
    }

    pub(super) async fn refusal(&self, keyring: &dyn Keyring) -> KeyringError {
        self.open(keyring).await.unwrap_err()
    }

    /// Rebuilds one encrypted data key with another provider info.
    pub(super) fn with_info(mut self, index: usize, info: impl Into<Vec<u8>>) -> Self {
        let old = &self.edks[index];
        let ciphertext = ciphertext_of(old);
        let id = old.provider_id().to_owned();
        self.edks[index] = EncryptedDataKey::new(id, info.into(), ciphertext);
        self
    }

    /// Rebuilds one encrypted data key with another wrapped intermediate key.
    pub(super) fn with_wrapped(mut self, index: usize, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let old = &self.edks[index];
        let mut wrapped = old.wrapped_intermediate_key().unwrap().to_vec();
        change(&mut wrapped);
        let ciphertext = [&old.wrapped_data_key().unwrap()[..], &wrapped].concat();
        let (id, info) = (old.provider_id().to_owned(), old.provider_info().to_vec());
        self.edks[index] = EncryptedDataKey::new(id, info, ciphertext);
        self
    }
}

fn ciphertext_of(edk: &EncryptedDataKey) -> Vec<u8> {
    let wrapped = edk.wrapped_intermediate_key().unwrap();
    [&edk.wrapped_data_key().unwrap()[..], wrapped].concat()
}

/// One request as KMS got it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) host: String,
    pub(super) target: String,
    pub(super) body: Value,
}

/// What to answer instead of the truth.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Error(u16, &'static str),
    Refused,
    /// The true answer with some members replaced; null removes one.
    Changed(Value),
    Text(&'static str),
}

pub(super) const KMS_CURVE: EcdhCurve = EcdhCurve::P384;

/// The key by which `DeriveSharedSecret` is answered.
pub(super) static KMS_ECDH_KEY: LazyLock<ecdh::tests::KeyPair> =
    LazyLock::new(|| ecdh::tests::generate(KMS_CURVE));

/// Answers in any region. The ciphertext of a data key is the key, inverted.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeKms {
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<Vec<Option<Answer>>>>,
    regional: Arc<Mutex<BTreeMap<String, Answer>>>,
}

impl FakeKms {
    /// Answers so from now on in one region, whatever is said of all.
    pub(super) fn always_in(&self, region: &str, answer: Answer) {
        let host = format!("kms.{region}.amazonaws.com");
        self.regional.lock().unwrap().insert(host, answer);
    }

    /// The regions that were asked, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        let region = |call: Call| call.host.split('.').nth(1).unwrap().to_owned();
        self.calls().into_iter().map(region).collect()
    }

    /// Forgets what was asked so far.
    pub(super) fn forget(&self) {
        self.calls.lock().unwrap().clear();
    }

    /// Answers so from now on.
    pub(super) fn always(&self, answer: Answer) {
        *self.answers.lock().unwrap() = vec![Some(answer)];
    }

    /// Answers so once each, then for ever as the last says; `None` is the truth.
    pub(super) fn then(&self, answers: impl IntoIterator<Item = Option<Answer>>) {
        *self.answers.lock().unwrap() = answers.into_iter().collect();
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(super) fn sdk_config(&self) -> aws_types::sdk_config::Builder {
        let connector = SharedHttpConnector::new(self.clone());
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            .http_client(http_client_fn(move |_, _| connector.clone()))
    }

    pub(super) fn regions(&self, local: &str, fallbacks: &[&str]) -> RegionSet {
        let config = self.sdk_config().build();
        let builder = RegionSet::builder(&config).local(local);
        let add = |builder: crate::region::RegionSetBuilder, name: &&str| builder.fallback(*name);
        fallbacks.iter().fold(builder, add).build().unwrap()
    }

    fn answer(&self, call: &Call) -> Result<(u16, String), ConnectorError> {
        let mut answers = self.answers.lock().unwrap();
        let regional = self.regional.lock().unwrap().get(&call.host).cloned();
        let answer = if regional.is_some() {
            regional
        } else if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers.first().cloned().flatten()
        };
        match answer {
            None => Ok((200, truth(call).to_string())),
            Some(Answer::Refused) => Err(ConnectorError::io("refused".into())),
            Some(Answer::Error(status, code)) => Ok((status, json!({"__type": code}).to_string())),
            Some(Answer::Text(text)) => Ok((200, text.into())),
            Some(Answer::Changed(members)) => {
                let mut answer = truth(call);
                for (name, value) in members.as_object().unwrap() {
                    answer[name] = value.clone();
                }
                Ok((200, answer.to_string()))
            }
        }
    }
}

fn truth(call: &Call) -> Value {
    let inverted = |bytes: &[u8]| STANDARD.encode(bytes.iter().map(|b| !b).collect::<Vec<_>>());
    let key_id = &call.body["KeyId"];
    match &*call.target {
        "TrentService.GenerateDataKey" => json!({
            "KeyId": key_id,
            "Plaintext": STANDARD.encode([7; 32]),
            "CiphertextBlob": inverted(&[7; 32]),
        }),
        "TrentService.Decrypt" if call.body.get("EncryptionAlgorithm").is_some() => {
            let algorithm = call.body["EncryptionAlgorithm"].as_str().unwrap();
            let plaintext = decrypt_rsa(algorithm, &bytes_of(call, "CiphertextBlob"));
            json!({
                "KeyId": key_id,
                "Plaintext": STANDARD.encode(plaintext),
                "EncryptionAlgorithm": algorithm,
            })
        }
        "TrentService.Decrypt" => {
            json!({"KeyId": key_id, "Plaintext": inverted(&bytes_of(call, "CiphertextBlob"))})
        }
        "TrentService.DeriveSharedSecret" => {
            let own = EcdhPrivateKey::from_pkcs8(KMS_CURVE, &KMS_ECDH_KEY.private).unwrap();
            let peer = EcdhPublicKey::parse(KMS_CURVE, &bytes_of(call, "PublicKey")).unwrap();
            let secret = own.agree(&peer).unwrap();
            json!({
                "KeyId": key_id,
                "SharedSecret": STANDARD.encode(secret.expose()),
                "KeyAgreementAlgorithm": call.body["KeyAgreementAlgorithm"],
            })
        }
        other => panic!("no keyring calls {other}"),
    }
}

fn bytes_of(call: &Call, member: &str) -> Vec<u8> {
    STANDARD
        .decode(call.body[member].as_str().unwrap())
        .unwrap()
}

/// Under the key pair that the tests of `crypto` share; what does not unpad is nothing.
pub(super) fn decrypt_rsa(algorithm: &str, ciphertext: &[u8]) -> Vec<u8> {
    let padding = match algorithm {
        "RSAES_OAEP_SHA_1" => RsaPadding::OaepSha1,
        "RSAES_OAEP_SHA_256" => RsaPadding::OaepSha256,
        other => panic!("KMS does not do {other}"),
    };
    let key = RsaPrivateKey::from_pkcs8(&rsa::tests::FIRST.private).unwrap();
    let mut plaintext = vec![0; 80];
    let opened = key.decrypt(padding, ciphertext, &mut plaintext);
    opened.map(|()| plaintext).unwrap_or_default()
}

impl HttpConnector for FakeKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri();
        let host = uri.trim_start_matches("https://").trim_end_matches('/');
        let call = Call {
            host: host.to_owned(),
            target: request.headers().get("x-amz-target").unwrap().to_owned(),
            body: serde_json::from_slice(request.body().bytes().unwrap()).unwrap(),
        };
        let answer = self.answer(&call);
        self.calls.lock().unwrap().push(call);
        HttpConnectorFuture::new(async move {
            // Others have their turn while it is on its way, as on a network.
            tokio::task::yield_now().await;
            let (status, body) = answer?;
            Ok(HttpResponse::new(status.try_into().unwrap(), body.into()))
        })
    }
}
