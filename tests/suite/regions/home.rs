//! Writes go to one region: the home region of the table, and nowhere else if that fails.

use dynaseal::expression::UpdateExpression;
use dynaseal::table::{TransactGet, TransactWrite, TransactionError};

use super::*;

fn at_home(world: &World) -> (RegionSet, SealedTable<Note>) {
    let regions = world.regions(|config| config, HealthPolicy::new());
    let table = world.table_in(&regions, |builder| builder.home_region(US));
    (regions, table)
}

fn seen() -> UpdateExpression {
    UpdateExpression::new().increment("views", 1)
}

#[tokio::test]
async fn every_write_goes_to_the_home_region_and_every_read_to_the_local_one() {
    for verb in Verb::all() {
        let world = World::with_notes(1).await;
        let (_, table) = at_home(&world);
        world.run(verb, &table).await.0.unwrap();
        let [eu, us, ap] = world.asked();
        let writes = Verb::WRITES.contains(&verb);
        assert_eq!((eu == 0, us == 0, ap), (writes, !writes, 0), "{verb:?}");
    }
}

#[tokio::test]
async fn keys_stay_with_the_local_region() {
    let world = World::with_notes(0).await;
    let (_, table) = at_home(&world);
    world.run(Verb::Put, &table).await.0.unwrap();
    let asked = [EU, US, AP].map(|region| world.cloud.calls(region, Service::Kms));
    assert_eq!(asked, [1, 0, 0]);
}

#[tokio::test]
async fn outputs_say_where_it_was_written() {
    let world = World::with_notes(1).await;
    let (_, table) = at_home(&world);
    world
        .time
        .run(async {
            assert_eq!(table.put(&note("n-0")).send().await.unwrap().region(), US);
            for change in ["!", ""] {
                let update = table.update("n-0", |note| note.text.push_str(change));
                assert_eq!(update.send().await.unwrap().region(), US);
            }
            let update = table.update_unsigned("n-0", seen()).send();
            assert_eq!(update.await.unwrap().region(), US);
            let batch = table.batch_write().put(&note("n-1")).send();
            assert_eq!(batch.await.unwrap().region(), US);
            let write = TransactWrite::new().put(&table, &note("n-1")).send();
            assert_eq!(write.await.unwrap().region(), US);
            assert_eq!(table.delete("n-1").send().await.unwrap().region(), US);
            let mut reads = TransactGet::new();
            let _slot = reads.get(&table, "n-0");
            assert_eq!(reads.send().await.unwrap().region(), EU);
        })
        .await;
}

#[tokio::test]
async fn a_home_region_that_fails_is_nowhere_gone_around() {
    for verb in Verb::WRITES {
        let world = World::with_notes(1).await;
        let (_, table) = at_home(&world);
        world.fail(US, Fault::Unavailable);
        let told = world.run(verb, &table).await.0.unwrap_err();
        assert_eq!(told.region.as_deref(), Some(US), "{verb:?}: {told:?}");
        let [eu, us, ap] = world.asked();
        assert!((eu, ap) == (0, 0) && us > 0, "{verb:?}: {eu} {us} {ap}");
    }
}

#[tokio::test]
async fn unsigned_updates_may_stay_local_if_they_are_told_to() {
    let world = World::with_notes(1).await;
    let (_, table) = at_home(&world);
    let update = table.update_unsigned("n-0", seen()).in_any_region();
    let output = world.time.run(update.send()).await.unwrap();
    assert_eq!(output.region(), EU);
    assert_eq!(world.asked(), [1, 0, 0]);
}

#[tokio::test]
async fn a_home_region_outside_of_the_set_is_refused() {
    let world = World::with_notes(0).await;
    let regions = world.regions(|config| config, HealthPolicy::new());
    let keyring = KmsMrkKeyring::new(world.key.arn(EU), &regions).unwrap();
    let builder = SealedTable::<Note>::builder("notes", keyring, &regions);
    let error = builder.home_region("sa-east-1").build().unwrap_err();
    assert!(error.to_string().contains("sa-east-1"), "{error}");
}

#[tokio::test]
async fn tables_of_different_homes_are_read_together_and_never_written_together() {
    let world = World::with_notes(1).await;
    let (regions, here) = at_home(&world);
    let there = world.table_in(&regions, |builder| builder.home_region(AP));
    let write = TransactWrite::new()
        .put(&here, &note("n-1"))
        .put(&there, &note("n-2"));
    let error = world.time.run(write.send()).await.unwrap_err();
    let TransactionError::Refused(refused) = &error else {
        panic!("{error:?}")
    };
    let why = refused.to_string();
    assert!(why.contains(US) && why.contains(AP), "{why}");
    assert_eq!(world.asked(), [0; 3]);

    let mut reads = TransactGet::new();
    let slots = [reads.get(&here, "n-0"), reads.get(&there, "n-1")];
    let mut found = world.time.run(reads.send()).await.unwrap();
    let found = slots.map(|slot| found.take(slot).unwrap().is_some());
    assert_eq!(found, [true, false]);
}
