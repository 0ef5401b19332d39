//! Global tables converge, when and where the test says so.

use aws_sdk_dynamodb::types::{Put, PutRequest, TransactWriteItem, WriteRequest};

use super::*;

#[tokio::test]
async fn lags_until_it_is_told_to_replicate() {
    let cloud = cloud_with_table().await;
    put(&cloud.dynamodb(US), "a", "1").await;
    assert_eq!(get(&cloud.dynamodb(EU), "a").await, None);
    assert_eq!(cloud.replicate().await.changes(), 1);
    assert_everywhere(&cloud, "a", Some("1")).await;
}

#[tokio::test]
async fn replicates_puts_updates_and_deletes_from_every_region() {
    let cloud = cloud_with_table().await;
    put(&cloud.dynamodb(US), "a", "1").await;
    put(&cloud.dynamodb(EU), "b", "1").await;
    cloud.replicate().await;
    assert_everywhere(&cloud, "b", Some("1")).await;

    let ap = cloud.dynamodb(AP);
    let update = ap
        .update_item()
        .table_name(TABLE)
        .key("id", s("a"))
        .key("part", part());
    let update = update
        .update_expression("SET #v = :v")
        .expression_attribute_names("#v", "value");
    update
        .expression_attribute_values(":v", s("2"))
        .send()
        .await
        .unwrap();
    delete(&ap, "b").await;
    cloud.replicate().await;
    assert_everywhere(&cloud, "a", Some("2")).await;
    assert_everywhere(&cloud, "b", None).await;
}

#[tokio::test]
async fn does_not_take_its_own_writes_for_new_ones() {
    let cloud = cloud_with_table().await;
    put(&cloud.dynamodb(US), "a", "1").await;
    assert_eq!(cloud.replicate().await.changes(), 1);
    assert_eq!(cloud.replicate().await.changes(), 0);
    delete(&cloud.dynamodb(EU), "a").await;
    assert_eq!(cloud.replicate().await.changes(), 1);
    assert_eq!(cloud.replicate().await.changes(), 0);
}

#[tokio::test]
async fn keeps_an_item_that_was_deleted_and_written_again() {
    let cloud = cloud_with_table().await;
    let us = cloud.dynamodb(US);
    put(&us, "a", "1").await;
    cloud.replicate().await;
    delete(&us, "a").await;
    put(&us, "a", "1").await;
    cloud.replicate().await;
    cloud.replicate().await;
    assert_everywhere(&cloud, "a", Some("1")).await;
}

#[tokio::test]
async fn replicates_batches_and_transactions() {
    let cloud = cloud_with_table().await;
    let batched = |i: usize| {
        let put = PutRequest::builder()
            .item("id", s(&format!("b{i}")))
            .item("part", part());
        let put = put.item("value", s("batch")).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let us = cloud.dynamodb(US);
    let batch = us
        .batch_write_item()
        .request_items(TABLE, (0..25).map(batched).collect());
    batch.send().await.unwrap();

    let put = Put::builder()
        .table_name(TABLE)
        .item("id", s("t"))
        .item("part", part());
    let put = put.item("value", s("transaction")).build().unwrap();
    let write = TransactWriteItem::builder().put(put).build();
    let eu = cloud.dynamodb(EU);
    eu.transact_write_items()
        .transact_items(write)
        .send()
        .await
        .unwrap();

    assert_eq!(cloud.replicate().await.changes(), 26);
    assert_everywhere(&cloud, "b24", Some("batch")).await;
    assert_everywhere(&cloud, "t", Some("transaction")).await;
}

#[tokio::test]
async fn replicates_more_changes_than_a_stream_page_holds() {
    let cloud = cloud_with_table().await;
    let us = cloud.dynamodb(US);
    for i in 0..1100 {
        put(&us, "a", &i.to_string()).await;
    }
    assert_eq!(cloud.replicate().await.changes(), 1100);
    assert_everywhere(&cloud, "a", Some("1099")).await;
}

#[tokio::test]
async fn lets_the_last_writer_win_in_whatever_region() {
    let cloud = cloud_with_table().await;
    for order in [[US, EU, AP], [AP, EU, US], [EU, AP, US]] {
        for region in order {
            put(&cloud.dynamodb(region), "a", region).await;
        }
        cloud.replicate().await;
        assert_everywhere(&cloud, "a", Some(order[2])).await;
    }
}

#[tokio::test]
async fn lets_a_later_delete_win_over_a_write() {
    let cloud = cloud_with_table().await;
    put(&cloud.dynamodb(EU), "a", "1").await;
    cloud.replicate().await;
    put(&cloud.dynamodb(US), "a", "2").await;
    delete(&cloud.dynamodb(EU), "a").await;
    cloud.replicate().await;
    assert_everywhere(&cloud, "a", None).await;
}

#[tokio::test]
async fn keeps_a_cut_region_apart_and_catches_up_once_healed() {
    let cloud = cloud_with_table().await;
    let (us, eu) = (cloud.dynamodb(US), cloud.dynamodb(EU));
    cloud.region(EU).cut();
    put(&eu, "both", "eu").await;
    put(&eu, "eu only", "eu").await;
    put(&us, "both", "us").await;
    put(&us, "us only", "us").await;
    cloud.replicate().await;
    assert_eq!(get(&eu, "both").await.as_deref(), Some("eu"));
    assert_eq!(get(&eu, "us only").await, None);
    assert_eq!(get(&us, "both").await.as_deref(), Some("us"));
    assert_eq!(get(&us, "eu only").await, None);
    assert_eq!(
        get(&cloud.dynamodb(AP), "both").await.as_deref(),
        Some("us")
    );

    cloud.region(EU).heal();
    cloud.replicate().await;
    assert_everywhere(&cloud, "both", Some("us")).await;
    assert_everywhere(&cloud, "us only", Some("us")).await;
    assert_everywhere(&cloud, "eu only", Some("eu")).await;
    assert_eq!(cloud.replicate().await.changes(), 0);
}

#[tokio::test]
async fn lets_a_write_in_a_cut_region_win_if_it_was_the_last() {
    let cloud = cloud_with_table().await;
    cloud.region(EU).cut();
    put(&cloud.dynamodb(US), "a", "us").await;
    cloud.replicate().await;
    put(&cloud.dynamodb(EU), "a", "eu").await;
    cloud.region(EU).heal();
    cloud.replicate().await;
    assert_everywhere(&cloud, "a", Some("eu")).await;
}

#[tokio::test]
async fn replicates_the_other_tables_if_one_cannot_be() {
    let cloud = cloud_with_table().await;
    let other = TableDefinition::new("other").partition_key("id", KeyType::S);
    cloud.create_global_table(&other).await.unwrap();
    cloud
        .dynamodb(EU)
        .delete_table()
        .table_name("other")
        .send()
        .await
        .unwrap();
    put(&cloud.dynamodb(US), "a", "1").await;
    let replicated = cloud.replicate().await;
    assert_eq!((replicated.changes(), replicated.failures().len()), (1, 1));
    assert_everywhere(&cloud, "a", Some("1")).await;
}

/// Xorshift: the same interleaving for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides).unwrap()
    }
}

#[tokio::test]
async fn converges_on_the_last_write_after_any_interleaving() {
    for seed in 1..=8_u64 {
        let cloud = cloud_with_table().await;
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut last: [Option<String>; 5] = Default::default();
        for step in 0..120 {
            let (region, item) = (REGIONS[dice.below(3)], dice.below(5));
            let (client, id) = (cloud.dynamodb(region), item.to_string());
            match dice.below(7) {
                0 => {
                    // Deleting what is not there is no write.
                    if get(&client, &id).await.is_some() {
                        delete(&client, &id).await;
                        last[item] = None;
                    }
                }
                1 => drop(cloud.replicate().await),
                2 => cloud.region(region).cut(),
                3 => cloud.region(region).heal(),
                _ => {
                    put(&client, &id, &step.to_string()).await;
                    last[item] = Some(step.to_string());
                }
            }
        }
        for region in REGIONS {
            cloud.region(region).heal();
        }
        cloud.replicate().await;
        for (item, value) in last.iter().enumerate() {
            assert_everywhere(&cloud, &item.to_string(), value.as_deref()).await;
        }
        assert_eq!(cloud.replicate().await.changes(), 0, "seed {seed}");
    }
}
