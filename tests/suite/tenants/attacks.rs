//! An administrator of the table tries to have one tenant's handle read another's item.

use dynaseal::action::CryptoAction;

use super::*;
use crate::support::header::{edks, with_context, with_edks};

const LEGEND: &str = "aws-crypto-legend";
const TENANT: &str = "aws-crypto-attr.tenant";

#[tokio::test]
async fn asks_no_keyring_for_an_item_of_another_tenant() {
    let keyring = Counting::new();
    let all = encryptor(keyring.clone());
    let acme = all.tenant("acme").unwrap();
    let sealed = all.seal(as_item(&note("g-1", "globex"))).await.unwrap();
    let asked = keyring.asked();

    let error = acme.open(sealed.clone()).await.unwrap_err();
    assert!(is_another_tenants(&error), "{error:?}");
    assert_eq!(error.kind(), "tenant_mismatch");
    assert!(!error.is_retryable());
    let theirs = as_item(&note("g-1", "globex"));
    let error = acme.seal(theirs).await.unwrap_err();
    assert!(matches!(error, SealError::TenantMismatch(_)), "{error:?}");
    assert_eq!(keyring.asked(), asked, "neither to open nor to seal");

    all.open(sealed).await.unwrap();
    assert_eq!(keyring.asked(), asked + 1);
}

#[tokio::test]
async fn tells_the_keyring_which_tenant_it_is_limited_to() {
    let keyring = Counting::new();
    let all = encryptor(keyring.clone());
    let acme = all.tenant("acme").unwrap();
    let sealed = acme.seal(as_item(&note("a-1", "acme"))).await.unwrap();
    acme.open(sealed.clone()).await.unwrap();
    all.open(sealed).await.unwrap();
    let acme = || Some("acme".to_owned());
    assert_eq!(keyring.take_tenants(), [acme(), acme(), None]);
}

#[tokio::test]
async fn a_renamed_tenant_opens_nothing() {
    let keyring = Counting::new();
    let all = encryptor(keyring.clone());
    let sealed = all.seal(as_item(&note("g-1", "globex"))).await.unwrap();
    let mut renamed = sealed.clone();
    renamed.insert("tenant".to_owned(), s("acme"));
    let acme = all.tenant("acme").unwrap();
    let error = acme.open(renamed).await.unwrap_err();
    assert!(matches!(error, OpenError::Keyring(_)), "{error:?}");

    // A type that is not S is no tenant, whatever it spells.
    let number = all.tenant("7").unwrap();
    for value in [n("7"), a_boolean(), s("")] {
        let mut retyped = sealed.clone();
        retyped.insert("tenant".to_owned(), value);
        let asked = keyring.asked();
        let error = number.open(retyped).await.unwrap_err();
        assert!(is_another_tenants(&error), "{error:?}");
        assert_eq!(keyring.asked(), asked);
    }
}

fn a_boolean() -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::Bool(true)
}

#[tokio::test]
async fn the_keys_of_another_tenants_item_open_nothing() {
    let all = encryptor(raw());
    let acme = all.tenant("acme").unwrap();
    let ours = all.seal(as_item(&note("a-1", "acme"))).await.unwrap();
    let theirs = all.seal(as_item(&note("a-1", "globex"))).await.unwrap();
    let mixed = [edks(&theirs), [edks(&ours), edks(&theirs)].concat()];
    for keys in mixed {
        assert!(acme.open(with_edks(&ours, &keys)).await.is_err());
        let error = acme.open(with_edks(&theirs, &keys)).await.unwrap_err();
        assert!(is_another_tenants(&error), "{error:?}");
    }
}

/// A note from before its schema had a tenant: in clear and signed, and bound to no key.
async fn sealed_before(note: &Note) -> Item {
    let schema = ItemSchema::builder("notes", "id")
        .action("tenant", CryptoAction::SignOnly)
        .action("state", CryptoAction::SignOnly)
        .action("text", CryptoAction::EncryptAndSign)
        .allowed_unsigned_attribute("views");
    let encryptor = ItemEncryptor::new(schema.build().unwrap(), raw());
    encryptor.seal(as_item(note)).await.unwrap()
}

#[tokio::test]
async fn an_item_without_a_tenant_in_its_header_is_refused() {
    let keyring = Counting::new();
    let all = encryptor(keyring.clone());
    let old = sealed_before(&note("a-1", "acme")).await;
    let error = all.tenant("acme").unwrap().open(old.clone()).await;
    let error = error.unwrap_err();
    let OpenError::TenantMismatch(mismatch) = &error else {
        panic!("{error:?}")
    };
    assert!(!mismatch.has_tenant());
    assert_eq!(keyring.asked(), 0);

    // Without the limit it opens as before, and is sealed with its tenant.
    let opened = all.open(old).await.unwrap();
    let again = all.tenant("acme").unwrap().seal(opened.into_item()).await;
    let opened = all.tenant("acme").unwrap().open(again.unwrap()).await;
    assert!(opened.unwrap().context().has_legend());
}

/// What is not in the item cannot be made up in the header, so no keyring chooses a key by it.
#[tokio::test]
async fn a_tenant_that_only_the_header_states_is_refused() {
    let keyring = Counting::new();
    let all = encryptor(keyring.clone());
    let old = sealed_before(&note("a-1", "globex")).await;
    let typed = "AAFhY21l"; // `acme`, of type S
    let forgeries: [&[_]; 3] = [
        &[(TENANT, typed)],
        &[(TENANT, "acme"), (LEGEND, "SS")],
        &[(LEGEND, "SS")],
    ];
    for entries in forgeries {
        let forged = with_context(&old, 0, entries);
        for reader in [all.clone(), all.tenant("acme").unwrap()] {
            let error = reader.open(forged.clone()).await.unwrap_err();
            assert!(matches!(error, OpenError::Context(_)), "{error:?}");
        }
    }
    assert_eq!(keyring.asked(), 0);

    let new = encryptor(raw()).seal(as_item(&note("a-1", "globex"))).await;
    let forged = with_context(&new.unwrap(), 0, &[("aws-crypto-attr.zebra", "acme")]);
    let error = all.open(forged).await.unwrap_err();
    assert!(matches!(error, OpenError::Context(_)), "{error:?}");
}

#[tokio::test]
async fn shows_no_tenant_in_errors_and_handles() {
    let all = encryptor(raw());
    let acme = all.tenant("acme").unwrap();
    let sealed = all.seal(as_item(&note("1", "globex"))).await.unwrap();
    let open = acme.open(sealed).await.unwrap_err();
    let seal = acme.seal(as_item(&note("1", "globex"))).await.unwrap_err();
    let config = acme.tenant("globex").unwrap_err();
    let source = std::error::Error::source(&open).unwrap();
    let shown = format!("{acme:?} {open:?} {open} {source} {seal:?} {seal} {config:?} {config}");
    assert!(shown.contains("the item is another tenant's"), "{shown}");
    for tenant in ["acme", "globex"] {
        assert!(!shown.contains(tenant), "{shown}");
    }
}
