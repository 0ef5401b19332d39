//! Which schemas have a tenant, and what may be limited to one.

use dynaseal::ConfigError;
use dynaseal::action::CryptoAction;
use dynaseal::error::AttributeIssue;
use dynaseal::item::{Discriminator, Entities, Entity, HeaderVersion, ItemSchemaBuilder};

use super::*;

fn untyped() -> ItemSchemaBuilder {
    ItemSchema::builder("notes", "id").tenant_attribute("tenant")
}

fn refusal<T>(result: Result<T, ConfigError>) -> String {
    match result {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_tenant_is_in_the_encryption_context_and_so_are_the_keys() {
    let include = CryptoAction::SignAndIncludeInEncryptionContext;
    let schema = untyped().build().unwrap();
    assert_eq!(schema.tenant_attribute(), Some("tenant"));
    assert_eq!(schema.action("tenant"), Some(include));
    assert_eq!(schema.action("id"), Some(include));
    let model = ItemSchema::of_model(Note::SCHEMA, None).unwrap();
    let model = model.build().unwrap();
    assert_eq!(model.tenant_attribute(), Some("tenant"));
    let none = ItemSchema::builder("notes", "id").build().unwrap();
    assert_eq!(none.tenant_attribute(), None);
    let twice = untyped().action("tenant", include).build();
    assert!(twice.is_ok(), "what it must be may be said");
}

#[test]
fn refuses_a_tenant_that_is_not_bound_to_its_keys() {
    for action in [CryptoAction::EncryptAndSign, CryptoAction::SignOnly] {
        let error = refusal(untyped().action("tenant", action).build());
        assert!(error.contains("`tenant` must be"), "{error}");
    }
    assert!(
        untyped()
            .allowed_unsigned_attribute("tenant")
            .build()
            .is_err()
    );
    for name in ["", "aws_dbe_tenant", "aws-crypto-tenant"] {
        let schema = ItemSchema::builder("notes", "id").tenant_attribute(name);
        assert!(schema.build().is_err(), "{name}");
    }
    let case = untyped().action("Tenant", CryptoAction::SignAndIncludeInEncryptionContext);
    assert!(case.build().is_err());
}

#[test]
fn refuses_to_limit_what_has_no_tenant_or_another_one() {
    let schema = ItemSchema::builder("notes", "id").build().unwrap();
    let error = refusal(ItemEncryptor::new(schema, raw()).tenant("acme"));
    assert!(error.contains("the schema has no tenant"), "{error}");
    let all = encryptor(raw());
    assert!(refusal(all.tenant("")).contains("not empty"));
    let acme = all.tenant("acme").unwrap();
    assert!(refusal(acme.tenant("globex")).contains("another tenant"));
    assert!(acme.tenant("acme").is_ok(), "the same is no other");
}

#[tokio::test]
async fn refuses_to_seal_an_item_whose_tenant_is_no_text() {
    let all = ItemEncryptor::new(untyped().build().unwrap(), raw());
    for value in [s(""), n("7")] {
        let error = all.seal(item([("id", s("1")), ("tenant", value)])).await;
        let SealError::Attribute(error) = error.unwrap_err() else {
            panic!("another error")
        };
        assert_eq!(error.name(), "tenant");
        assert_eq!(error.issue(), AttributeIssue::NotATenant);
    }
    let SealError::Attribute(error) = all.seal(key("1")).await.unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(error.issue(), AttributeIssue::Missing);
}

/// What the derive does not offer: a key that is the tenant, which is in every header.
#[tokio::test]
async fn a_key_may_be_the_tenant() {
    let schema = ItemSchema::builder("notes", "tenant").sort_key_name("id");
    let plain = ItemEncryptor::new(schema.build().unwrap(), raw());
    let schema = ItemSchema::builder("notes", "tenant").sort_key_name("id");
    let schema = schema.tenant_attribute("tenant").build().unwrap();
    let all = ItemEncryptor::new(schema, raw());
    let note = item([("tenant", s("acme")), ("id", s("1"))]);
    let sealed = all.seal(note.clone()).await.unwrap();
    let before = plain.seal(note.clone()).await.unwrap();
    for (sealed, version) in [(sealed, HeaderVersion::V2), (before, HeaderVersion::V1)] {
        let acme = all.tenant("acme").unwrap();
        let opened = acme.open(sealed.clone()).await.unwrap();
        assert_eq!((opened.item(), opened.header_version()), (&note, version));
        let error = all.tenant("globex").unwrap().open(sealed).await;
        assert!(is_another_tenants(&error.unwrap_err()));
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Folder {
    #[seal(partition_key)]
    id: String,
    #[seal(tenant)]
    tenant: String,
    name: String,
}

fn by_id(prefix: &str) -> Discriminator {
    Discriminator::partition_key_prefix(prefix)
}

#[test]
fn entity_types_agree_on_the_tenant() {
    let other = ItemSchema::builder("notes", "id");
    for other in [other.clone(), other.tenant_attribute("owner")] {
        let entities = Entities::builder()
            .entity::<Note>("note", by_id("n"))
            .untyped_entity("other", by_id("o"), other.build().unwrap())
            .build();
        let error = refusal(entities);
        assert!(error.contains("different tenant attributes"), "{error}");
    }
}

#[tokio::test]
async fn a_limited_table_of_entities_has_items_of_one_tenant() {
    let stack = start().await;
    let entities = Entities::builder()
        .entity::<Note>("note", by_id("n"))
        .entity::<Folder>("folder", by_id("f"))
        .build()
        .unwrap();
    let table = SealedTable::<Entity>::builder(TABLE, stack.keyring(US), &stack.regions(US))
        .entities(&entities)
        .build()
        .unwrap();
    let acme = table.tenant("acme").unwrap();
    let folders = acme.typed::<Folder>().unwrap();
    let folder = Folder {
        id: "f-1".to_owned(),
        tenant: "acme".to_owned(),
        name: "taxes".to_owned(),
    };
    folders.put(&folder).send().await.unwrap();
    let notes = table.typed::<Note>().unwrap();
    notes.put(&note("n-1", "globex")).send().await.unwrap();
    stack.cloud.reset_calls();

    let typed = acme.typed::<Note>().unwrap();
    let error = typed.get("n-1").send().await.unwrap_err();
    assert!(matches!(&error, OperationError::Open(e) if is_another_tenants(e)));
    let error = acme.get("n-1").send().await.unwrap_err();
    assert!(matches!(&error, OperationError::Open(e) if is_another_tenants(e)));
    let error = acme.untyped().get("n-1").send().await.unwrap_err();
    assert!(matches!(&error, OperationError::Open(e) if is_another_tenants(e)));
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    let error = typed.delete("n-1").send().await.unwrap_err();
    assert!(is_refused_write(&error), "{error:?}");
    let error = folders.put(&Folder {
        tenant: "globex".to_owned(),
        ..folder.clone()
    });
    let error = error.send().await.unwrap_err();
    assert!(matches!(
        error,
        OperationError::Seal(SealError::TenantMismatch(_))
    ));

    let found = acme.get("f-1").send().await.unwrap().unwrap();
    assert_eq!(found.into::<Folder>().unwrap(), folder);
}
