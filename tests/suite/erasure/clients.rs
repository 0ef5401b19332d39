//! Processes that run while a tenant is erased.

use dynaseal::keyring::CachingKeyring;

use super::*;

#[tokio::test]
async fn lets_writers_go_on_until_their_ttl_and_opens_nothing_of_that() {
    let world = World::start().await;
    let writers = REGIONS.map(|region| world.table(region));
    for writer in &writers {
        let warm = patient("n-0", "north");
        world.put(writer, &warm).await.unwrap();
    }
    let cached = world.time.elapsed();
    let eraser = world.table(US).erase_tenant("north");
    let erase = eraser.longest_ttl(TTL).lag_bound(LAG).send();
    let write = async {
        let mut written = Vec::new();
        let begun = world.time.elapsed();
        while world.time.elapsed() < begun + TTL + LAG {
            for (writer, region) in writers.iter().zip(REGIONS) {
                let id = format!("{region}-{}", world.time.elapsed().as_secs());
                let sent = writer.put(&patient(&id, "north")).send().await.map(drop);
                let after = world.time.elapsed() - cached;
                match sent {
                    Ok(()) => written.push((id, after)),
                    refused => {
                        assert_eq!(seal_kind(refused), KeyringErrorKind::Erased);
                        assert!(after > Duration::ZERO);
                    }
                }
            }
            world.time.sleep(10 * SECOND).await;
        }
        written
    };
    let (receipt, written) = world.run(async { tokio::join!(erase, write) }).await;
    receipt.unwrap();
    world.replicate().await;
    // Both wrote, to the end of what they had and not longer.
    for region in REGIONS {
        let of_region = written.iter().filter(|(id, _)| id.starts_with(region));
        let last = of_region.map(|(_, after)| *after).max().unwrap();
        assert!(last < TTL, "{last:?}");
        assert!(last > TTL / 2, "{last:?}");
    }
    world.pass(TTL).await;
    for region in REGIONS {
        let fresh = world.table(region);
        for (id, _) in &written {
            let kind = world.refusal(&fresh, id).await;
            assert_eq!(kind, KeyringErrorKind::Erased, "{id}");
        }
        let written = world.put(&fresh, &patient("n-9", "north")).await;
        assert_eq!(seal_kind(written), KeyringErrorKind::Erased);
    }
}

/// Reads every few seconds, in both regions, with and without a cache around the keyring.
#[tokio::test]
async fn lets_readers_go_on_until_their_ttl_after_the_versions_are_deleted() {
    let world = World::start().await;
    let caching = |region| {
        let regions = world.regions(region);
        let keyring = CachingKeyring::builder(world.keyring(region), &regions);
        let keyring = keyring.max_age(100 * TTL).build().unwrap();
        world.table_under(region, keyring)
    };
    let readers = [world.table(US), world.table(EU), caching(US), caching(EU)];
    let eraser = world.table(US).erase_tenant("north");
    let erase = eraser.longest_ttl(TTL).lag_bound(LAG).send();
    let begun = world.time.elapsed();
    let read = async {
        // The last time that each of them opened the item.
        let mut opened = [None; 4];
        while world.time.elapsed() < begun + 3 * TTL {
            for (reader, opened) in readers.iter().zip(&mut opened) {
                match reader.get("n-1").send().await {
                    Ok(found) => {
                        assert_eq!(found, Some(patient("n-1", "north")));
                        *opened = Some(world.time.elapsed() - begun);
                    }
                    Err(OperationError::Open(OpenError::Keyring(error))) => {
                        let kind = error.last_attempt().kind();
                        assert_eq!(kind, KeyringErrorKind::Erased);
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
            world.time.sleep(7 * SECOND).await;
        }
        opened
    };
    let (receipt, opened) = world.run(async { tokio::join!(erase, read) }).await;
    let receipt = receipt.unwrap();
    for last in opened {
        let last = last.unwrap();
        // They are deleted when the longest time has passed. Whoever has them renewed just before keeps them
        // longest; whoever does not look in time has read for the last time by then.
        assert!(last >= TTL - 7 * SECOND, "{last:?}");
        assert!(last <= 2 * TTL, "{last:?}");
    }
    let said = format!("it keeps branch keys: {} s at most", TTL.as_secs());
    let stays = receipt.stays_readable();
    assert!(stays.iter().any(|line| line.contains(&said)), "{stays:?}");
}

#[tokio::test]
async fn opens_from_what_it_keeps_until_the_ttl_and_not_a_second_longer() {
    let world = World::start().await;
    let plain = world.table(EU);
    let regions = world.regions(EU);
    let keyring = CachingKeyring::builder(world.keyring(EU), &regions);
    let cached = world.table_under(EU, keyring.max_age(100 * TTL).build().unwrap());
    let eraser = world.table(US).erase_tenant("north");
    let erase = eraser.longest_ttl(TTL).lag_bound(LAG).send();
    // Just before the versions are deleted.
    let read = async {
        world.time.sleep(TTL - SECOND).await;
        let read_at = world.time.elapsed();
        for reader in [&plain, &cached] {
            let found = reader.get("n-1").send().await.unwrap();
            assert_eq!(found, Some(patient("n-1", "north")));
        }
        read_at
    };
    let (receipt, read_at) = world.run(async { tokio::join!(erase, read) }).await;
    receipt.unwrap();
    world.replicate().await;
    let since = world.time.elapsed() - read_at;
    world.pass(TTL / 2 - since).await;
    for reader in [&plain, &cached] {
        world.assert_opens(reader, "n-1", "north").await;
    }
    world.pass(TTL / 2).await;
    for reader in [&plain, &cached] {
        let kind = world.refusal(reader, "n-1").await;
        assert_eq!(kind, KeyringErrorKind::Erased);
        world.assert_opens(reader, "s-1", "south").await;
    }
}

/// Others keep keys as long as they like, but this table's own keyring is known.
#[tokio::test]
async fn waits_no_less_than_the_ttl_of_its_own_keyring() {
    let world = World::start().await;
    let erase = world.table(US).erase_tenant("north").lag_bound(LAG);
    let begun = world.time.elapsed();
    let receipt = world.run(erase.longest_ttl(SECOND).send()).await.unwrap();
    assert_eq!(receipt.erased().longest_ttl(), TTL);
    assert!(world.time.elapsed() - begun >= TTL + 2 * LAG);

    let erase = world.table(US).erase_tenant("south").lag_bound(LAG);
    let receipt = world.run(erase.longest_ttl(3 * TTL).send()).await.unwrap();
    assert_eq!(receipt.erased().longest_ttl(), 3 * TTL);
}
