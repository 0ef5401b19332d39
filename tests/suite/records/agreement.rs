//! Whatever DynamoDB can hold comes out of a stream, an event and an export as it comes out of the
//! table. The signature covers it: a value that was read wrong would not verify.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types as streams;
use dynaseal::AlgorithmSuite;
use dynaseal::records::export::ExportReader;
use dynaseal::records::{OpenedRecord, Record, open_record};
use futures_util::{StreamExt as _, stream};
use proptest::prelude::*;

use super::*;
use crate::support::gen_item;

fn to_streams(value: AttributeValue) -> streams::AttributeValue {
    use streams::AttributeValue as To;
    match value {
        AttributeValue::S(text) => To::S(text),
        AttributeValue::N(number) => To::N(number),
        AttributeValue::B(blob) => To::B(blob),
        AttributeValue::Bool(bit) => To::Bool(bit),
        AttributeValue::Null(bit) => To::Null(bit),
        AttributeValue::Ss(members) => To::Ss(members),
        AttributeValue::Ns(members) => To::Ns(members),
        AttributeValue::Bs(members) => To::Bs(members),
        AttributeValue::L(elements) => To::L(elements.into_iter().map(to_streams).collect()),
        AttributeValue::M(entries) => To::M(
            entries
                .into_iter()
                .map(|(name, value)| (name, to_streams(value)))
                .collect(),
        ),
        other => panic!("{other:?}"),
    }
}

fn from_stream(keys: &Item, image: &Item) -> Record {
    let convert = |item: &Item| {
        let entries = item.clone().into_iter();
        entries
            .map(|(name, value)| (name, to_streams(value)))
            .collect()
    };
    let change = streams::StreamRecord::builder()
        .set_keys(Some(convert(keys)))
        .set_old_image(Some(convert(image)))
        .set_new_image(Some(convert(image)));
    streams::Record::builder()
        .dynamodb(change.build())
        .build()
        .into()
}

fn from_lambda(keys: &Item, image: &Item) -> Record {
    let record = as_record(keys, Some(image), Some(image));
    serde_json::from_str(&record.to_string()).unwrap()
}

async fn from_export(encryptor: &ItemEncryptor, image: &Item) -> Item {
    let line = json!({ "Item": dynamodb_json(image) }).to_string();
    let chunks = stream::iter([Ok::<_, std::io::Error>(line)]);
    let lines: Vec<_> = ExportReader::new(encryptor).open(chunks).collect().await;
    let [Ok(line)] = &lines[..] else {
        panic!("{lines:?}");
    };
    line.clone().into_item().unwrap().into_item()
}

fn images(record: OpenedRecord) -> [Item; 2] {
    let images = [record.clone().into_old_image(), record.into_new_image()];
    images.map(|image| image.unwrap().unwrap().into_item())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn every_way_gives_the_item_of_the_table((item, actions) in gen_item::item()) {
        let Some(schema) = gen_item::schema(&actions) else { return Ok(()) };
        let schema = schema.algorithm_suite(AlgorithmSuite::SymsigHmacSha384).build().unwrap();
        let keyring = RawAesKeyring::new("records", "key", [5; 32]).unwrap();
        let encryptor = ItemEncryptor::new(schema, keyring);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let sealed = encryptor.seal(item).await.unwrap();
            let expected = encryptor.open(sealed.clone()).await.unwrap().into_item();
            let name = gen_item::PARTITION_KEY;
            let keys = Item::from([(name.to_owned(), sealed[name].clone())]);
            for record in [from_stream(&keys, &sealed), from_lambda(&keys, &sealed)] {
                let opened = open_record(&encryptor, record).await;
                assert_eq!(images(opened), [expected.clone(), expected.clone()]);
            }
            assert_eq!(from_export(&encryptor, &sealed).await, expected);
        });
    }
}
