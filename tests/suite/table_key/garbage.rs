//! Whoever writes to the table of items chooses who asks for a table key first.

use dynaseal::keyring::KeyringErrorKind;
use dynaseal::testkit::Fault;

use super::*;
use crate::support::header::{edks, with_edks};

/// Equal requests share their answer; but not that the item which began had no calls left.
#[tokio::test]
async fn an_item_that_used_up_its_calls_does_not_speak_for_others() {
    let world = World::start().await;
    let writer = world.process(US);
    let honest = world.seal(&writer, note(1)).await;
    let neighbour = world.seal(&writer, note(2)).await;
    let mut recipients = Vec::new();
    for n in 3..=5 {
        recipients.extend(edks(&world.seal(&world.process(US), note(n)).await));
    }
    recipients.extend(edks(&neighbour));
    let forged = with_edks(&neighbour, &recipients);

    let config = world.cloud.sdk_config_at(US, &world.time).into_builder();
    let retries = RetryConfig::standard().with_max_attempts(3);
    let regions = RegionSet::builder(&config.retry_config(retries).build()).local(US);
    let reader = TableKeyKeyring::new(world.key.arn(US), &regions.build().unwrap());
    let reader = encryptor(reader.unwrap());
    world.cloud.reset_calls();
    let region = world.cloud.region(US);
    region.fail_times(Service::Kms, Fault::Latency(SECOND), 3);
    region.fail_times(Service::Kms, Fault::Timeout(SECOND), 1);

    let forged = reader.open(forged);
    let honest = async {
        // Until the forged item spends its last call on the table key of the honest one.
        while world.calls(US)[1] < 4 {
            world.time.sleep(SECOND / 20).await;
        }
        reader.open(honest.clone()).await
    };
    let both = futures_util::future::join(forged, honest);
    let (forged, honest) = world.time.run(both).await;
    match forged {
        Err(OpenError::Keyring(error)) => {
            let last = error.last_attempt().kind();
            assert_eq!(last, KeyringErrorKind::Unavailable, "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(honest.unwrap().item(), &note(1));
    assert_eq!(world.calls(US), [0, 5]);
}
