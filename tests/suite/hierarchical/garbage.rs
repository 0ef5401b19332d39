//! Whoever writes to the table of items chooses their encrypted data keys. What that may cost is bounded.

use dynaseal::testkit::Fault;

use super::*;
use crate::support::header::{Edk, edks, with_edks};

/// The encrypted data key of an item, as if it were of another version.
fn of_version(edk: &Edk, version: u8) -> Edk {
    let mut forged = edk.clone();
    forged.0[2][48 + 28..48 + 44].fill(version);
    forged
}

#[tokio::test]
async fn looks_for_four_versions_that_are_not_there_and_for_no_more() {
    let world = World::with(&["acme"]).await;
    let us = encryptor(world.keyring(&world.alone(US)));
    let sealed = world.seal(&us, "acme", "o-1").await;
    let edk = &edks(&sealed)[0];
    let garbage: Vec<Edk> = (1..=16).map(|version| of_version(edk, version)).collect();
    world.cloud.reset_calls();

    let forged = with_edks(&sealed, &garbage);
    let error = world.refusal(&us, &forged).await;
    let kinds = error.attempts().iter().map(KeyringError::kind);
    let kinds: Vec<_> = kinds.collect();
    assert_eq!(kinds[..4], [KeyringErrorKind::NotYetReplicated; 4]);
    assert_eq!(kinds[4..], [KeyringErrorKind::NotTried; 12]);
    // Each of the four is looked for again with a strongly consistent read, and then for why it is gone.
    assert_eq!(world.calls(US), [0, 12]);

    let again = with_edks(&sealed, &garbage[..4]);
    world.refusal(&us, &again).await;
    assert_eq!(world.calls(US), [0, 12], "remembered for 2 s");
    world.pass(2 * SECOND).await;
    world.refusal(&us, &again).await;
    assert_eq!(world.calls(US), [0, 24]);
}

#[tokio::test]
async fn opens_behind_garbage_that_calls_nobody() {
    let world = World::with(&["acme"]).await;
    let us = world.encryptor(US);
    let sealed = world.seal(&us, "acme", "o-1").await;
    let edk = &edks(&sealed)[0];
    world.assert_opens(&us, &sealed).await;
    world.cloud.reset_calls();

    let mut broken = edk.clone();
    broken.0[2][60] ^= 1;
    let mut cut = edk.clone();
    cut.0[2].pop();
    let mut foreign = edk.clone();
    foreign.0[1] = b"globex".to_vec();
    let forged = with_edks(&sealed, &[broken, cut, foreign, edk.clone()]);
    // The key opened; the commitment of a header that was changed holds no more.
    let opened = world.run(us.open(forged.clone())).await;
    assert!(
        matches!(opened, Err(OpenError::Authentication(_))),
        "{opened:?}"
    );
    assert_eq!(world.calls(US), [0, 0]);
}

/// Equal lookups share their answer; but not that the one who began it had no calls left.
#[tokio::test]
async fn an_item_that_used_up_its_calls_does_not_speak_for_others() {
    let world = World::with(&["acme"]).await;
    let (us, store) = (world.encryptor(US), world.store(&world.regions(US)));
    let mut sealed = Vec::new();
    for id in ["o-1", "o-2", "o-3"] {
        sealed.push(world.seal(&us, "acme", id).await);
        world.run(store.version_key("acme")).await.unwrap();
        world.pass(TTL).await;
    }
    let honest = sealed.pop().unwrap();
    let others: Vec<Edk> = sealed.iter().flat_map(edks).collect();
    let forged = with_edks(&honest, &[others, edks(&honest)].concat());

    let config = world.config(US).into_builder();
    let retries = RetryConfig::standard().with_max_attempts(3);
    let regions = RegionSet::builder(&config.retry_config(retries).build()).local(US);
    let reader = encryptor(world.keyring(&regions.build().unwrap()));
    world.cloud.reset_calls();
    let region = world.cloud.region(US);
    region.fail_times(Service::Kms, Fault::Status(503, "ServiceUnavailable"), 4);
    region.fail(Service::DynamoDb, Fault::Latency(SECOND));

    let forged = reader.open(forged);
    let honest = async {
        // Until the forged item looks for the version of the honest one.
        while world.calls(US)[1] < 3 {
            world.time.sleep(SECOND / 20).await;
        }
        assert_eq!(world.calls(US), [4, 3]);
        reader.open(honest.clone()).await
    };
    let (forged, honest) = world.run(futures_util::future::join(forged, honest)).await;
    match forged {
        Err(OpenError::Keyring(error)) => {
            let last = error.last_attempt().kind();
            assert_eq!(last, KeyringErrorKind::NotTried);
        }
        other => panic!("{other:?}"),
    }
    honest.unwrap();
    assert_eq!(world.calls(US), [5, 4]);
}
