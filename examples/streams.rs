//! Items that come another way than out of the table: from its stream, in a Lambda event, and in an
//! export to S3. Each time a tampered one is among them, and hides none of the others.
//!
//! `cargo run --example streams --features export,streams,testkit`

use std::convert::Infallible;
use std::error::Error;
use std::io::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::{AttributeValue as StreamValue, Record, ShardIteratorType};
use dynaseal::records::export::{ExportReader, LineContent};
use dynaseal::records::lambda::{BatchItemFailures, DynamoDbEvent};
use dynaseal::records::{DEFAULT_CONCURRENCY, OpenedRecord, open_records};
use dynaseal::testkit::{Cloud, Fault, KeyType, Service, TableDefinition};
use dynaseal::{
    Item, ItemEncryptor, KmsMrkKeyring, OpenError, Redacted, RegionSet, Seal, SealedTable,
};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const REGION: &str = "us-east-1";

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "orders", default = "encrypt")]
struct Order {
    #[seal(partition_key)]
    id: String,
    card: Redacted<String>,
    #[seal(sign)]
    total: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([REGION]).await?;
    let table = orders(&cloud).await?;
    for (id, total) in [("o-1", 10), ("o-2", 20), ("o-1", 30)] {
        let card = "4111 1111".to_owned().into();
        let id = id.to_owned();
        table.put(&Order { id, card, total }).send().await?;
    }
    table.delete("o-2").send().await?;

    // Consumers need the encryptor, not the table: for them, build one with `ItemEncryptor::new`.
    let encryptor = table.encryptor();
    streams(&cloud, encryptor).await?;
    lambda(&cloud, encryptor).await?;
    export(&cloud, encryptor).await
}

/// A table with a stream that shows old and new images, as every table of the kit has.
async fn orders(cloud: &Cloud) -> Result<SealedTable<Order>, Box<dyn Error>> {
    let definition = TableDefinition::new("orders").partition_key("id", KeyType::S);
    cloud.create_global_table(&definition).await?;
    let none: [&str; 0] = [];
    let key = cloud.create_multi_region_key(REGION, none).await?;
    let regions = RegionSet::builder(&cloud.sdk_config(REGION)).local(REGION);
    let regions = regions.build()?;
    let keyring = KmsMrkKeyring::new(key.arn(REGION), &regions)?;
    Ok(SealedTable::builder("orders", keyring, &regions).build()?)
}

async fn streams(cloud: &Cloud, encryptor: &ItemEncryptor) -> Result<(), Box<dyn Error>> {
    println!("Records of the stream, in their order:");
    let mut records = read_stream(cloud).await?;
    let change = records[1].dynamodb.as_mut().ok_or("no change")?;
    let image = change.new_image.as_mut().ok_or("no image")?;
    image.insert("total".to_owned(), StreamValue::N("1".to_owned()));
    let mut opened = open_records(encryptor, records, DEFAULT_CONCURRENCY);
    while let Some(record) = opened.next().await {
        print(&record);
    }
    Ok(())
}

/// A function on the stream. What never opens is set aside; what may open later is reported, and
/// Lambda comes back with it and everything after it.
async fn handle(event: DynamoDbEvent, encryptor: &ItemEncryptor) -> BatchItemFailures {
    let mut failures = BatchItemFailures::none();
    for record in event.open(encryptor).await {
        print(&record);
        if record.error().is_some_and(OpenError::is_retryable) {
            failures.push(&record);
            break;
        }
    }
    failures
}

async fn lambda(cloud: &Cloud, encryptor: &ItemEncryptor) -> Result<(), Box<dyn Error>> {
    let sealed = stored(cloud).await?;
    let mut tampered = sealed.clone();
    tampered.insert("total".to_owned(), AttributeValue::N("1".to_owned()));
    let record = |sequence_number: &str, image: &Item| -> Result<Value, serde_json::Error> {
        Ok(json!({
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": {"id": {"S": "o-1"}},
                "NewImage": dynamodb_json(image)?,
                "SequenceNumber": sequence_number,
            },
        }))
    };
    let records = [record("111", &tampered)?, record("112", &sealed)?];
    let event = json!({ "Records": records }).to_string();

    println!("\nA Lambda event:");
    let failures = handle(serde_json::from_str(&event)?, encryptor).await;
    println!("  answer: {}", serde_json::to_string(&failures)?);

    println!("\nThe same event while KMS is down:");
    cloud.region(REGION).fail(Service::Kms, Fault::Unavailable);
    let failures = handle(serde_json::from_str(&event)?, encryptor).await;
    println!("  answer: {}", serde_json::to_string(&failures)?);
    cloud.region(REGION).recover();
    Ok(())
}

async fn export(cloud: &Cloud, encryptor: &ItemEncryptor) -> Result<(), Box<dyn Error>> {
    let sealed = stored(cloud).await?;
    let mut tampered = sealed.clone();
    tampered.insert("total".to_owned(), AttributeValue::N("1".to_owned()));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writeln!(encoder, "{}", json!({ "Item": dynamodb_json(&sealed)? }))?;
    writeln!(encoder, "{}", json!({ "Item": dynamodb_json(&tampered)? }))?;
    writeln!(encoder, "half a line of {{")?;
    writeln!(encoder, "{}", json!({ "Item": dynamodb_json(&sealed)? }))?;
    let file = encoder.finish()?;

    for (what, len) in [("whole", file.len()), ("cut off", file.len() - 20)] {
        println!("\nA file of an export, {what}, in chunks as they come from S3:");
        let chunks: Vec<_> = file[..len].chunks(100).map(<[u8]>::to_vec).collect();
        let chunks = stream::iter(chunks).map(Ok::<_, Infallible>);
        let mut lines = ExportReader::new(encryptor).open(chunks);
        while let Some(line) = lines.next().await {
            match line {
                Ok(line) => match line.content() {
                    LineContent::Item(item) => {
                        println!("  line {}: {:?}", line.number(), item.item()["total"]);
                    }
                    other => println!("  line {}: {other:?}", line.number()),
                },
                Err(error) => println!("  {error}{}", because(error.open_error())),
            }
        }
    }
    Ok(())
}

fn print(record: &OpenedRecord) {
    let event = record.event_name();
    let name = event.map_or_else(|| "?".to_owned(), |name| format!("{name:?}"));
    for (which, image) in [
        ("old", record.old_image_as::<Order>()),
        ("new", record.new_image_as::<Order>()),
    ] {
        match image {
            None => {}
            Some(Ok(order)) => println!("  {name}, {which} image: {order:?}"),
            Some(Err(error)) => {
                println!("  {name}, {which} image: {error}{}", because(Some(&error)));
            }
        }
    }
}

/// The causes of an error, each after a colon.
fn because<E: Error>(error: Option<&E>) -> String {
    let mut text = String::new();
    let mut next = error.and_then(Error::source);
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

/// All there is in the one shard of the table's stream.
async fn read_stream(cloud: &Cloud) -> Result<Vec<Record>, Box<dyn Error>> {
    let described = cloud.dynamodb(REGION).describe_table().table_name("orders");
    let described = described.send().await?.table.ok_or("no table")?;
    let arn = described.latest_stream_arn.ok_or("no stream")?;
    let streams = cloud.dynamodb_streams(REGION);
    let described = streams.describe_stream().stream_arn(&arn).send().await?;
    let described = described.stream_description.ok_or("no stream")?;
    let shard = described
        .shards()
        .first()
        .and_then(|shard| shard.shard_id());
    let iterator = streams
        .get_shard_iterator()
        .stream_arn(arn)
        .shard_id(shard.ok_or("no shard")?)
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await?;
    let records = streams
        .get_records()
        .set_shard_iterator(iterator.shard_iterator);
    Ok(records.send().await?.records.unwrap_or_default())
}

/// What the table holds, sealed.
async fn stored(cloud: &Cloud) -> Result<Item, Box<dyn Error>> {
    let get = cloud.dynamodb(REGION).get_item().table_name("orders");
    let get = get.key("id", AttributeValue::S("o-1".to_owned()));
    Ok(get.send().await?.item.ok_or("no item")?)
}

fn dynamodb_json(item: &Item) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_dynamo::Item::from(item.clone()))
}
