//! Every call throttled for half a minute, a thousand readers.

use dynaseal::Item;
use dynaseal::item::Model;
use dynaseal::testkit::Fault;
use futures_util::future::{join_all, try_join_all};

use super::*;

const READERS: usize = 1000;
const STORM: Duration = Duration::from_secs(30);
/// Tokens at the beginning, and one each second.
const BUDGET: usize = 100 + 30;

#[tokio::test]
async fn a_storm_of_throttling_is_not_multiplied_and_passes() {
    let world = World::with_notes(0).await;
    let encryptor = world.table(US, KmsFallback::never()).encryptor().clone();
    let seals = (0..READERS).map(|n| encryptor.seal(note(n).to_item().unwrap()));
    let sealed = world.time.run(try_join_all(seals)).await.unwrap();
    world.cloud.reset_calls();
    // No table: it is KMS that is stormed.
    let encryptor = world.table(EU, KmsFallback::never()).encryptor().clone();
    let throttled = Fault::Status(400, "ThrottlingException");
    world.cloud.region(EU).fail(Service::Kms, throttled);

    let reader = |item: &Item| {
        let (world, encryptor, item) = (&world, &encryptor, item.clone());
        async move {
            let mut asked = 0;
            loop {
                asked += 1;
                match encryptor.open(item.clone()).await {
                    Ok(opened) => break (asked, Note::from_item(opened.into_item()).unwrap()),
                    Err(error) => {
                        assert_eq!(kind_of(&error), KeyringErrorKind::Throttled);
                        assert!(error.is_retryable());
                        world.time.sleep(7 * SECOND).await;
                    }
                }
            }
        }
    };
    let readers = join_all(sealed.iter().map(reader));
    let end = async {
        world.time.sleep(STORM).await;
        let during = world.cloud.calls_of(EU, Service::Kms, "Decrypt");
        world.cloud.region(EU).recover();
        during
    };
    let (read, during) = world.time.run(async { tokio::join!(readers, end) }).await;

    let asked: usize = read.iter().map(|(asked, _)| asked).sum();
    let retries = world.events.count("retry");
    assert!(world.events.count("no retry") > 0, "the budget was used up");
    // Of what was asked, the last try of each reader came after the storm.
    assert!(during <= asked - READERS + BUDGET, "{during} of {asked}");
    assert!(retries <= BUDGET + READERS / 10, "{retries}");
    for (n, (_, found)) in read.into_iter().enumerate() {
        assert_eq!(found, note(n));
    }
    let all = world.cloud.calls_of(EU, Service::Kms, "Decrypt");
    assert_eq!(all, asked + retries, "what was asked, and what was retried");
    assert_eq!(
        [US, AP].map(|region| world.cloud.calls(region, Service::Kms)),
        [0, 0]
    );
}
