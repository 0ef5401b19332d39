//! In whose name a table opens items.

use dynaseal::item::{Discriminator, Entities, Entity};
use dynaseal::table::{TransactGet, TransactWrite};

use super::*;

const TAG: &str = "report-42";
const FOR_REPORT: &str = "audit notes: opened by kms-mrk in us-east-1 for report-42";

#[tokio::test]
async fn every_read_carries_the_callers_tag() {
    let world = World::with_notes().await;
    let table = world.table.audited_as(TAG);
    table.get(ADA).send().await.unwrap();
    table.query("ada").items().collect().await.unwrap();
    table.scan().segments(2).items().collect().await.unwrap();
    table.batch_get([ADA, BOB]).send().await.unwrap();
    let mut get = TransactGet::new();
    let slot = get.get(&table, ADA);
    get.send().await.unwrap().take(slot).unwrap();
    let told = world.heard.take_of(&["audit"]);
    assert_eq!(told, lines(&[(1 + 3 + 4 + 2 + 1, FOR_REPORT)]));
}

#[tokio::test]
async fn what_comes_back_with_a_write_carries_the_callers_tag() {
    let world = World::with_notes().await;
    let table = world.table.audited_as(TAG);
    table
        .put(&note("ada", 1))
        .return_old()
        .send()
        .await
        .unwrap();
    table
        .put(&note("ada", 1))
        .if_not_exists()
        .send()
        .await
        .unwrap_err();
    table
        .update(ADA, |note| note.text = "bye".to_owned())
        .send()
        .await
        .unwrap();
    let write = TransactWrite::new().put(&table, &note("eve", 1));
    write.send().await.unwrap();
    table.delete(ADA).return_old().send().await.unwrap();
    let told = world.heard.take_of(&["audit"]);
    assert_eq!(told, lines(&[(4, FOR_REPORT)]));
}

#[tokio::test]
async fn a_tag_is_that_of_the_handle_alone_and_can_be_replaced() {
    let world = World::with_notes().await;
    let tagged = world.table.audited_as("somebody");
    world.table.get(ADA).send().await.unwrap();
    assert_eq!(
        world.heard.take_of(&["audit"]),
        [OPENED],
        "nobody by default"
    );

    let report = tagged.audited_as(TAG);
    let handles = [report.open_only(), tagged.open_only().audited_as(TAG)];
    for handle in handles
        .into_iter()
        .flat_map(|handle| [handle.clone(), handle])
    {
        handle.get(ADA).send().await.unwrap();
        let stored = world.stored(ADA).await;
        handle.open(stored).await.unwrap();
        assert_eq!(world.heard.take_of(&["audit"]), [FOR_REPORT; 2]);
    }
    let sealing = report.seal_only();
    sealing
        .put(&note("ada", 1))
        .if_not_exists()
        .send()
        .await
        .unwrap_err();
    assert_eq!(world.heard.take_of(&["audit"]), [""; 0], "it opens nothing");
}

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Memo {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u32,
    text: String,
}

#[tokio::test]
async fn a_table_of_entities_hands_the_tag_on() {
    let world = World::with_notes().await;
    let entities = Entities::builder()
        .entity::<Note>("note", Discriminator::partition_key_prefix("ada"))
        .entity::<Memo>("memo", Discriminator::partition_key_prefix("bob"));
    let regions = world.stack.regions(US);
    let table = SealedTable::<Entity>::builder(TABLE, world.stack.keyring(US), &regions);
    let table = table.entities(&entities.build().unwrap()).build().unwrap();
    let tagged = table.audited_as(TAG);
    tagged.get(ADA).send().await.unwrap();
    tagged
        .typed::<Note>()
        .unwrap()
        .get(ADA)
        .send()
        .await
        .unwrap();
    tagged.untyped().get(ADA).send().await.unwrap();
    table
        .typed::<Note>()
        .unwrap()
        .audited_as(TAG)
        .get(ADA)
        .send()
        .await
        .unwrap();
    assert_eq!(world.heard.take_of(&["audit"]), [FOR_REPORT; 4]);
}

#[tokio::test]
async fn a_failure_carries_the_tag_in_its_audit_event_alone() {
    let world = World::with_notes().await;
    let paid = |stored: &mut Item| _ = stored.insert("state".to_owned(), s("paid"));
    world.tamper(ADA, paid).await;
    let table = world.table.audited_as(TAG);
    let error = table.get(ADA).send().await.unwrap_err();
    let expected = [
        (
            1,
            "audit notes: authentication by kms-mrk in ? for report-42",
        ),
        (1, "verb GetItem notes: not opened"),
        (1, "verification notes authentication"),
    ];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
    for text in [format!("{error:?} {error}"), format!("{table:?}")] {
        assert!(!text.contains(TAG), "{text}");
    }
}
