//! Tenants with branch keys of their own, and attackers who rewrite what they can.

use dynaseal::OpenedItem;
use proptest::prelude::*;

use super::*;
use crate::support::header::{edks, with_edks};

/// An item whose stored attributes say that it is of another tenant, and its encrypted data key too, if
/// `renamed`.
fn passed_off(sealed: &Item, tenant: &str, renamed: bool) -> Item {
    let mut item = sealed.clone();
    if renamed {
        let mut edk = edks(sealed)[0].clone();
        edk.0[1] = tenant.as_bytes().to_vec();
        item = with_edks(&item, &[edk]);
    }
    item.insert("tenant".into(), s(tenant));
    item
}

#[tokio::test]
async fn opens_no_item_of_another_tenant_whatever_was_rewritten() {
    let world = World::with(&["acme", "globex"]).await;
    let us = world.encryptor(US);
    // Both branch keys are in the cache.
    let own = world.seal(&us, "acme", "o-1").await;
    let foreign = world.seal(&us, "globex", "o-1").await;
    for item in [&own, &foreign] {
        world.assert_opens(&us, item).await;
    }
    let pinned = us.tenant("acme").unwrap();
    world.assert_opens(&pinned, &own).await;
    world.cloud.reset_calls();

    let opened = world.run(pinned.open(foreign.clone())).await;
    assert!(
        matches!(opened, Err(OpenError::TenantMismatch(_))),
        "{opened:?}"
    );
    for encryptor in [&pinned, &us] {
        let error = world
            .refusal(encryptor, &passed_off(&foreign, "acme", false))
            .await;
        assert_eq!(error.kind(), KeyringErrorKind::NoMatch);
    }
    assert_eq!(world.calls(US), [0, 0], "refused before anybody is asked");

    for encryptor in [&pinned, &us] {
        let error = world
            .refusal(encryptor, &passed_off(&foreign, "acme", true))
            .await;
        assert_eq!(only_kind(&error), KeyringErrorKind::NotYetReplicated);
    }
    assert_eq!(world.calls(US)[0], 0, "KMS is not asked");
}

/// The administrator of the key store can copy rows, but KMS knows whose they were.
#[tokio::test]
async fn opens_nothing_under_a_branch_key_that_was_moved_to_another_tenant() {
    let world = World::with(&["acme", "globex"]).await;
    let us = world.encryptor(US);
    let foreign = world.seal(&us, "globex", "o-1").await;
    world.assert_opens(&us, &foreign).await;
    for mut row in world.cloud.stored(US, TABLE).unwrap() {
        if row["branch-key-id"] == s("globex") {
            row.insert("branch-key-id".into(), s("acme"));
            let put = world.cloud.dynamodb(US).put_item().table_name(TABLE);
            put.set_item(Some(row)).send().await.unwrap();
        }
    }
    let error = world
        .refusal(&us, &passed_off(&foreign, "acme", true))
        .await;
    assert_eq!(only_kind(&error), KeyringErrorKind::InvalidCiphertext);
    let sealed = world.run(us.seal(order("acme", "o-2"))).await;
    assert_eq!(seal_kind(sealed), KeyringErrorKind::InvalidCiphertext);
}

/// A keyring that goes by another attribute than the schema does not follow a handle's tenant to it.
#[tokio::test]
async fn compares_its_own_attribute_with_the_tenant_of_the_handle() {
    let world = World::with(&["acme", "globex"]).await;
    let keyring = world
        .builder(&world.regions(US))
        .branch_key_per_tenant("owner");
    let schema = ItemSchema::builder("orders", "id").tenant_attribute("tenant");
    let schema = schema.action("owner", CryptoAction::SignAndIncludeInEncryptionContext);
    let encryptor = ItemEncryptor::new(schema.build().unwrap(), keyring.build().unwrap());
    let item = item([
        ("id", s("o-1")),
        ("tenant", s("acme")),
        ("owner", s("globex")),
    ]);
    let sealed = world.run(encryptor.seal(item.clone())).await.unwrap();
    assert!(world.run(encryptor.open(sealed.clone())).await.is_ok());

    let pinned = encryptor.tenant("acme").unwrap();
    world.cloud.reset_calls();
    let error = world.refusal(&pinned, &sealed).await;
    assert_eq!(error.kind(), KeyringErrorKind::TenantMismatch);
    let sealed = world.run(pinned.seal(item)).await;
    assert_eq!(seal_kind(sealed), KeyringErrorKind::TenantMismatch);
    assert_eq!(world.calls(US), [0, 0]);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Seal(usize),
    Open(usize),
    PassOff(usize, bool),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0usize..2).prop_map(Step::Seal),
        3 => any::<usize>().prop_map(Step::Open),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(n, renamed)| Step::PassOff(n, renamed)),
        1 => (1u64..70).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..40)
}

async fn never_mixes(steps: Vec<Step>) {
    const TENANTS: [&str; 2] = ["acme", "globex"];
    let world = World::with(&TENANTS).await;
    let us = world.encryptor(US);
    let mut sealed = Vec::new();
    for step in steps {
        match step {
            Step::Seal(tenant) => {
                let id = format!("o-{}", sealed.len());
                sealed.push((tenant, world.seal(&us, TENANTS[tenant], &id).await));
            }
            Step::Open(n) if !sealed.is_empty() => {
                let (tenant, item) = &sealed[n % sealed.len()];
                world.assert_opens(&us, item).await;
                let pinned = us.tenant(TENANTS[*tenant]).unwrap();
                world.assert_opens(&pinned, item).await;
            }
            Step::PassOff(n, renamed) if !sealed.is_empty() => {
                let (tenant, item) = &sealed[n % sealed.len()];
                let other = TENANTS[1 - tenant];
                let forged = passed_off(item, other, renamed);
                for encryptor in [us.clone(), us.tenant(other).unwrap()] {
                    let opened: Result<OpenedItem, _> =
                        world.run(encryptor.open(forged.clone())).await;
                    assert!(opened.is_err(), "{step:?}");
                }
            }
            Step::Pass(seconds) => world.pass(Duration::from_secs(seconds)).await,
            Step::Open(_) | Step::PassOff(..) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn keys_of_two_tenants_never_mix(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(never_mixes(steps));
    }
}
