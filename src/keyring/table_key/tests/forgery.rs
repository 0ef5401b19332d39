//! A forger who holds the table key of one tenant, against a KMS that checks contexts.

use aws_sdk_kms::primitives::Blob;

use super::super::body::{Body, TableKeyId};
use super::super::wrap::TableKey;
use super::*;
use crate::crypto::random::SystemRandom;
use crate::secret::KmsPlaintext;
use crate::testkit::{Cloud, Service};

const REGION: &str = "us-east-1";

struct World {
    cloud: Cloud,
    arn: String,
}

impl World {
    async fn start() -> Self {
        let cloud = Cloud::start([REGION]).await.unwrap();
        let key = cloud
            .create_multi_region_key(REGION, [""; 0])
            .await
            .unwrap();
        let arn = key.arn(REGION);
        Self { cloud, arn }
    }

    fn keyring(&self, tenant_attribute: Option<&str>) -> TableKeyKeyring {
        let config = self.cloud.sdk_config(REGION);
        let regions = RegionSet::builder(&config).local(REGION).build().unwrap();
        let builder = TableKeyKeyring::builder(&self.arn, &regions);
        let builder = match tenant_attribute {
            Some(name) => builder.tenant_attribute(name),
            None => builder,
        };
        builder.build().unwrap()
    }

    /// The table key behind an item, as its tenant may have KMS open it, ready to wrap anything.
    async fn steal(&self, sealed: &Sealed, tenant: Option<&str>) -> Stolen {
        let body = sealed.edks[0].wrapped_intermediate_key().unwrap();
        let Body {
            id, kms_ciphertext, ..
        } = Body::parse(body).unwrap();
        let decrypt = self.cloud.kms(REGION).decrypt();
        let mut decrypt = decrypt
            .key_id(&self.arn)
            .ciphertext_blob(Blob::new(kms_ciphertext))
            .encryption_context("aws-crypto-table-name", "customers")
            .encryption_context("dynaseal-purpose", "table-key/1")
            .encryption_context("dynaseal-table-key-id", id.to_string());
        if let Some(tenant) = tenant {
            decrypt = decrypt.encryption_context("dynaseal-tenant", tenant);
        }
        let plaintext = decrypt.send().await.unwrap().plaintext.unwrap();
        let plaintext = KmsPlaintext::from_slice(plaintext.as_ref()).unwrap();
        self.cloud.reset_calls();
        Stolen::new(&self.arn, id, &plaintext, kms_ciphertext)
    }

    fn decrypts(&self) -> usize {
        self.cloud.calls_of(REGION, Service::Kms, "Decrypt")
    }
}

/// Wraps under a table key whatever it is asked for.
struct Stolen(SealingKey);

impl Stolen {
    fn new(arn: &str, id: TableKeyId, plaintext: &KmsPlaintext, kms_ciphertext: &[u8]) -> Self {
        let arn = KmsKeyArn::parse(arn).unwrap();
        let key = TableKey::new(id, plaintext);
        Self(SealingKey::new(key, arn, kms_ciphertext.to_vec()))
    }
}

impl fmt::Debug for Stolen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stolen")
    }
}

impl Keyring for Stolen {
    fn name(&self) -> &str {
        "stolen"
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::SharedSecret
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        let wrapped = self.0.wrap(request.context(), &SystemRandom).unwrap();
        future::OnEncrypt::ready(Ok(vec![wrapped]))
    }

    fn on_decrypt<'a>(&'a self, _: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::ready(Ok(Unwrapped::NotMine))
    }
}

fn item<'a>(id: &'a str, table: &'a str, tenant: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("aws-crypto-attr.id", id),
        ("aws-crypto-attr.tenant", tenant),
        ("aws-crypto-legend", "SS"),
        ("aws-crypto-table-name", table),
    ]
}

#[tokio::test]
async fn kms_sees_the_tenant_of_a_forged_item_though_the_key_is_hot() {
    let world = World::start().await;
    let keyring = world.keyring(Some("tenant"));
    let honest = item("1", "customers", "a");
    let honest = seal_with(&keyring, entries(&honest)).await.unwrap();
    let stolen = world.steal(&honest, Some("a")).await;
    honest.assert_opens(&keyring).await;
    assert_eq!(world.decrypts(), 1);

    // Within the tenant a forgery opens: whoever can open can forge.
    let own = item("2", "customers", "a");
    let own = seal_with(&stolen, entries(&own)).await.unwrap();
    own.assert_opens(&keyring).await;
    assert_eq!(world.decrypts(), 1);

    let forged = item("1", "customers", "b");
    let forged = seal_with(&stolen, entries(&forged)).await.unwrap();
    for tries in 1..=3 {
        let error = forged.refusal(&keyring).await;
        assert_eq!(only_kind(&error), KeyringErrorKind::InvalidCiphertext);
        assert_eq!(
            world.decrypts(),
            1 + tries,
            "one call under the other tenant"
        );
    }
    honest.assert_opens(&keyring).await;
    assert_eq!(world.decrypts(), 4, "the key is still there");
}

#[tokio::test]
async fn kms_sees_the_table_of_a_forged_item_though_the_key_is_hot() {
    let world = World::start().await;
    let keyring = world.keyring(None);
    let honest = item("1", "customers", "a");
    let honest = seal_with(&keyring, entries(&honest)).await.unwrap();
    let stolen = world.steal(&honest, None).await;
    honest.assert_opens(&keyring).await;
    let forged = item("1", "payments", "a");
    let forged = seal_with(&stolen, entries(&forged)).await.unwrap();
    let error = forged.refusal(&keyring).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::InvalidCiphertext);
    assert_eq!(world.decrypts(), 2);
    // Nor is a key without a tenant one of any tenant.
    let error = honest.refusal(&world.keyring(Some("tenant"))).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::InvalidCiphertext);
}

#[tokio::test]
async fn another_id_on_the_same_ciphertext_is_for_kms_to_refuse() {
    let world = World::start().await;
    let keyring = world.keyring(None);
    let honest = item("1", "customers", "a");
    let honest = seal_with(&keyring, entries(&honest)).await.unwrap();
    honest.assert_opens(&keyring).await;
    let renamed = honest.with_wrapped(0, |body| body[1] ^= 1);
    let error = renamed.refusal(&keyring).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::InvalidCiphertext);
    assert_eq!(world.decrypts(), 2);
}
