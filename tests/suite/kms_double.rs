//! What the KMS double must do, as AWS documents it. Ours rely on it, and so may users'.

mod aliases;
mod asymmetric;
mod conditions;
mod contexts;
mod data_keys;
mod deletion;
mod dry_runs;
mod key_states;
mod macs;
mod multi_region;
mod policies;
mod removal;
mod requests;
mod rotation;
mod signatures;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, KeyMetadata, KeyState};
use dynaseal::testkit::{Cloud, MultiRegionKey};

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";
const AP: &str = "ap-southeast-1";

const TENANT: Context<'static> = &[("tenant", "acme"), ("table", "users")];
const NO_CONTEXT: Context<'static> = &[];

type Context<'a> = &'a [(&'a str, &'a str)];

/// Three regions and a multi-Region key in two of them.
async fn cloud_with_key() -> (Cloud, MultiRegionKey) {
    let cloud = Cloud::start([US, EU, AP]).await.unwrap();
    let key = cloud.create_multi_region_key(US, [EU]).await.unwrap();
    (cloud, key)
}

/// A symmetric key of one region; answers its ARN.
async fn single_region_key(client: &Client) -> String {
    let created = client.create_key().send().await.unwrap();
    created
        .key_metadata()
        .and_then(KeyMetadata::arn)
        .unwrap()
        .to_owned()
}

/// A new data key: plaintext and ciphertext.
async fn data_key(client: &Client, key: &str, context: Context<'_>) -> (Vec<u8>, Vec<u8>) {
    let mut request = client
        .generate_data_key()
        .key_id(key)
        .key_spec(DataKeySpec::Aes256);
    for (name, value) in context {
        request = request.encryption_context(*name, *value);
    }
    let made = request.send().await.unwrap();
    (bytes(made.plaintext()), bytes(made.ciphertext_blob()))
}

/// The error code of a request for a data key.
async fn data_key_code(client: &Client, key: &str) -> String {
    code(
        client
            .generate_data_key()
            .key_id(key)
            .key_spec(DataKeySpec::Aes256)
            .send()
            .await,
    )
}

/// Opens a ciphertext: plaintext and key ARN, or the error code.
async fn open(
    client: &Client,
    ciphertext: &[u8],
    context: Context<'_>,
    key: Option<&str>,
) -> Result<(Vec<u8>, String), String> {
    let mut request = client.decrypt().ciphertext_blob(Blob::new(ciphertext));
    for (name, value) in context {
        request = request.encryption_context(*name, *value);
    }
    match request.set_key_id(key.map(str::to_owned)).send().await {
        Ok(opened) => Ok((
            bytes(opened.plaintext()),
            opened.key_id().unwrap().to_owned(),
        )),
        Err(error) => Err(error.code().unwrap_or("no code").to_owned()),
    }
}

/// The code of an error answer.
fn code<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> String {
    match answer {
        Ok(_) => "it succeeded".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}

fn refused(code: &str) -> Result<(Vec<u8>, String), String> {
    Err(code.to_owned())
}

fn bytes(blob: Option<&Blob>) -> Vec<u8> {
    blob.unwrap().as_ref().to_vec()
}

async fn state_of(client: &Client, key: &str) -> KeyState {
    let described = client.describe_key().key_id(key).send().await.unwrap();
    described
        .key_metadata()
        .and_then(KeyMetadata::key_state)
        .unwrap()
        .clone()
}
