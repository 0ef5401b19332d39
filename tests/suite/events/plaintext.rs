//! What is told of items that nobody sealed.

use std::time::Duration;

use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use dynaseal::table::PlaintextPolicy;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);
const LET_THROUGH: &str = "plaintext notes";

/// Ada's first note and Bob's are plaintext, and the policy is about Ada.
async fn start() -> (World, SealedTable<Note>) {
    let world = World::with_notes().await;
    for at in [ADA, BOB] {
        let strip = |stored: &mut Item| stored.retain(|name, _| !name.starts_with("aws_dbe_"));
        let plain = |stored: &mut Item| _ = stored.insert("text".to_owned(), s("hello"));
        world
            .tamper(at, |stored| (strip(stored), plain(stored)).1)
            .await;
    }
    let regions = world.stack.regions(US);
    let builder = SealedTable::builder(TABLE, world.stack.keyring(US), &regions);
    let now = world.stack.config(US).time_source().unwrap().now();
    let policy = PlaintextPolicy::allow_partition_key_prefix("ada", now + DAY);
    let table = builder.plaintext_policy(policy).build().unwrap();
    (world, table)
}

#[tokio::test]
async fn tells_of_plaintext_that_is_let_through_and_of_no_opening() {
    let (world, table) = start().await;
    let found = table.get(ADA).allow_plaintext().send().await.unwrap();
    assert!(!found.unwrap().is_verified());
    let told = world.heard.take_of(&OF_ITEMS);
    assert_eq!(told, [LET_THROUGH, "verb GetItem notes: ok"]);

    table.query("ada").allow_plaintext().page().await.unwrap();
    let told = world.heard.take_of(&OF_ITEMS);
    let expected = [(2, OPENED), (1, LET_THROUGH), (1, "verb Query notes: ok")];
    assert_eq!(told, lines(&expected));
    assert_eq!(table.plaintext_reads(), 2);
}

#[tokio::test]
async fn tells_of_plaintext_that_is_not_let_through_as_of_any_item() {
    let (world, table) = start().await;
    let expected = [
        (1, "audit notes: not_sealed by kms-mrk in ?"),
        (1, "verb GetItem notes: not opened"),
        (1, "verification notes not_sealed"),
    ];
    table.get(BOB).allow_plaintext().send().await.unwrap_err();
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
    table.get(ADA).send().await.unwrap_err();
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
}

#[tokio::test]
async fn tells_of_plaintext_under_a_key_that_was_not_asked_for() {
    let (world, _) = start().await;
    let adas = world.stored(ADA).await;
    let lie = move |answer: &mut GetItemOutput| answer.item = Some(adas.clone());
    let regions = world.stack.lying_regions(lie);
    let now = world.stack.config(US).time_source().unwrap().now();
    let policy = PlaintextPolicy::allow_partition_key_prefix("ada", now + DAY);
    let builder = SealedTable::<Note>::builder(TABLE, world.stack.keyring(US), &regions);
    let table = builder.plaintext_policy(policy).build().unwrap();
    table
        .get(("ada", 2))
        .allow_plaintext()
        .send()
        .await
        .unwrap_err();
    let expected = [
        (1, "audit notes: another_key by kms-mrk in ?"),
        (1, "verb GetItem notes: not opened"),
        (1, "verification notes another_key"),
    ];
    assert_eq!(world.heard.take_of(&OF_ITEMS), lines(&expected));
    assert_eq!(table.plaintext_reads(), 0);
}
