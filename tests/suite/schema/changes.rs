//! Items outlive schemas: what still opens after a change, and what must not.

use dynaseal::item::HeaderVersion;

use super::*;

fn plain() -> Item {
    item([
        ("pk", s("x")),
        ("a", s("one")),
        ("b", n("2")),
        (":c", s("three")),
    ])
}

fn open_schema() -> ItemSchemaBuilder {
    schema().allowed_unsigned_attribute_prefix(":")
}

fn header_version(sealed: &Item) -> u8 {
    sealed["aws_dbe_head"].as_b().unwrap().as_ref()[0]
}

#[tokio::test]
async fn the_header_is_version_2_exactly_if_something_is_included() {
    let one = encryptor(
        open_schema()
            .action("a", EncryptAndSign)
            .action("b", SignOnly),
    );
    let two = encryptor(
        open_schema()
            .action("a", EncryptAndSign)
            .action("b", Include),
    );
    for (encryptor, byte, version) in [(one, 1, HeaderVersion::V1), (two, 2, HeaderVersion::V2)] {
        let sealed = encryptor.seal(plain()).await.unwrap();
        assert_eq!(header_version(&sealed), byte);
        let opened = encryptor.open(sealed).await.unwrap();
        assert_eq!(opened.header_version(), version);
        let in_context = opened.context().get("aws-crypto-attr.b");
        assert_eq!(in_context, (byte == 2).then_some("2"));
        assert_eq!(
            opened.context().get("aws-crypto-legend"),
            (byte == 2).then_some("NS")
        );
        assert_eq!(opened.context().get("aws-crypto-attr.a"), None);
    }
}

#[tokio::test]
async fn signed_actions_can_change_into_each_other() {
    let actions = [EncryptAndSign, SignOnly, Include];
    for before in actions {
        let sealed = encryptor(open_schema().action("a", before).action("b", SignOnly));
        let sealed = sealed.seal(plain()).await.unwrap();
        for after in actions {
            let reader = encryptor(open_schema().action("a", after).action("b", EncryptAndSign));
            let opened = reader.open(sealed.clone()).await;
            let opened = opened.unwrap_or_else(|e| panic!("{before:?} to {after:?}: {e:?}"));
            assert_eq!(opened.item(), &plain());
        }
        let forgetful = encryptor(open_schema());
        let opened = forgetful.open(sealed).await.unwrap();
        assert_eq!(
            opened.item(),
            &plain(),
            "unknown attributes open by the legend"
        );
    }
}

#[tokio::test]
async fn signed_and_unsigned_cannot() {
    let signing = || {
        open_schema()
            .action("a", EncryptAndSign)
            .action("b", SignOnly)
    };
    let sealed = encryptor(signing()).seal(plain()).await.unwrap();
    let unsigning = || {
        open_schema()
            .action("a", EncryptAndSign)
            .allowed_unsigned_attribute("b")
    };
    let error = encryptor(unsigning()).open(sealed).await.unwrap_err();
    assert!(matches!(error, OpenError::SchemaChanged(e) if (e.sealed(), e.found()) == (3, 2)));
    let sealed = encryptor(unsigning()).seal(plain()).await.unwrap();
    let error = encryptor(signing()).open(sealed).await.unwrap_err();
    assert!(matches!(error, OpenError::SchemaChanged(e) if (e.sealed(), e.found()) == (2, 3)));
}

#[tokio::test]
async fn as_many_newly_signed_as_newly_unsigned_do_not_hide_each_other() {
    let twins = || item([("pk", s("x")), ("a", s("one")), ("b", s("one"))]);
    let sealer = encryptor(
        schema()
            .action("a", SignOnly)
            .allowed_unsigned_attribute("b"),
    );
    let sealed = sealer.seal(twins()).await.unwrap();
    let reader = encryptor(
        schema()
            .action("b", SignOnly)
            .allowed_unsigned_attribute("a"),
    );
    let error = reader.open(sealed).await.unwrap_err();
    assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");
}

#[tokio::test]
async fn other_key_names_do_not_open_an_item() {
    let sealer = encryptor(open_schema().action("a", SignOnly).action("b", SignOnly));
    let sealed = sealer.seal(plain()).await.unwrap();
    let keyring = || RawAesKeyring::new("schema", "key", [5; 32]).unwrap();
    let renamed = ItemSchema::builder("table", "a").allowed_unsigned_attribute_prefix(":");
    let renamed = ItemEncryptor::new(renamed.build().unwrap(), keyring());
    let error = renamed.open(sealed.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::Keyring(_)), "{error:?}");
    let sorted = ItemEncryptor::new(open_schema().sort_key_name("b").build().unwrap(), keyring());
    let error = sorted.open(sealed.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::Keyring(_)), "{error:?}");
    let elsewhere =
        ItemEncryptor::new(open_schema().sort_key_name("z").build().unwrap(), keyring());
    let error = elsewhere.open(sealed).await.unwrap_err();
    let OpenError::Attribute(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (error.name(), error.issue()),
        ("z", AttributeIssue::Missing)
    );
}

#[tokio::test]
async fn an_encrypted_attribute_moved_out_of_scope_stays_ciphertext() {
    let sealer = encryptor(
        open_schema()
            .action("a", EncryptAndSign)
            .action("b", SignOnly),
    );
    let mut sealed = sealer.seal(plain()).await.unwrap();
    let ciphertext = sealed.remove("a").unwrap();
    sealed.insert(":a".to_owned(), ciphertext.clone());
    assert!(sealer.open(sealed).await.is_err());
    let mut beside = sealer.seal(plain()).await.unwrap();
    beside.insert(":a".to_owned(), ciphertext.clone());
    let opened = sealer.open(beside).await.unwrap();
    assert_eq!(opened.item()[":a"], ciphertext);
}
