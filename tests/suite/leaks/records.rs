//! Items out of streams, Lambda events and exports: nothing shows, whether they open or not.

use dynaseal::Item;
use dynaseal::records::export::ExportReader;
use dynaseal::records::lambda::DynamoDbEvent;
use dynaseal::records::{OpenedRecord, Record, open_record, open_records};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::failures::{start_with_patient, table_of};
use super::misfits::TextAsNumber;
use super::*;

fn dynamodb_json(item: &Item) -> Value {
    let entries = item.clone().into_iter();
    entries
        .map(|(name, value)| {
            let value = serde_dynamo::AttributeValue::from(value);
            (name, serde_json::to_value(value).unwrap())
        })
        .collect()
}

/// An image, as it was sealed and with everything that could be quoted in the wrong place.
fn images(stored: &Item) -> Vec<Value> {
    let sealed = dynamodb_json(stored);
    let mut images = vec![sealed.clone(), json!(SSN), json!([SSN]), json!({})];
    for value in [
        json!(SSN),
        json!({"S": [SSN]}),
        json!({"N": BALANCE}),
        json!({ "B": SSN }),
        json!({ "BOOL": SSN }),
        json!({ SSN: SSN }),
        json!({"S": SSN, "N": SSN}),
        json!({"SS": [SSN, BALANCE]}),
        json!({"M": {MAP_KEY: NESTED}}),
        json!({"M": {MAP_KEY: {"S": BALANCE}}}),
        json!({"L": [NESTED]}),
        json!({ "S": SSN }),
    ] {
        let mut image = sealed.clone();
        image["ssn"] = value;
        images.push(image);
    }
    images
}

fn show(record: &OpenedRecord, exhibits: &Exhibits) {
    exhibits.show("OpenedRecord", record);
    if let Some(error) = record.error() {
        exhibits.show_error("image", error);
    }
    for image in [
        record.new_image_as::<Patient>(),
        record.old_image_as::<Patient>(),
    ] {
        if let Some(Err(error)) = image {
            exhibits.show_error("ImageError", &error);
        }
    }
    if let Some(Err(error)) = record.new_image_as::<TextAsNumber>() {
        exhibits.show_error("ImageError", &error);
    }
}

#[tokio::test]
async fn records_and_events_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, stored) = start_with_patient(&exhibits).await;
    let table = table_of::<Patient>(&stack, US, &exhibits);
    let keys = dynamodb_json(&patient_key());
    let record = |keys: &Value, image: &Value| {
        let change = json!({"Keys": keys, "OldImage": image, "NewImage": image});
        json!({"eventID": "1", "eventSource": "aws:dynamodb", "dynamodb": change})
    };
    let records: Vec<Value> = images(&stored)
        .iter()
        .map(|image| record(&keys, image))
        .chain([record(
            &json!({"id": {"S": "c-1"}, "visit": {"N": "1"}}),
            &dynamodb_json(&stored),
        )])
        .chain([record(&json!(PARTITION), &json!({}))])
        .collect();
    let mut opened = 0;
    for record in &records {
        let record: Record = serde_json::from_value(record.clone()).unwrap();
        exhibits.show("Record", &record);
        let record = open_record(table.encryptor(), record).await;
        opened += usize::from(record.error().is_none());
        show(&record, &exhibits);
    }
    assert_eq!(opened, 1, "the image that was sealed");

    let event = json!({ "Records": records }).to_string();
    let event: DynamoDbEvent = serde_json::from_str(&event).unwrap();
    exhibits.show("DynamoDbEvent", &event);
    let records = open_records(table.encryptor(), event.into_records(), 3);
    exhibits.show("OpenedRecords", &records);
    let records: Vec<_> = records.collect().await;
    exhibits.show("OpenedRecord", &records);
    let log = exhibits.log();
    for text in ["OpenRecord", "outcome=\"ok\"", "outcome=\"not opened\""] {
        assert!(log.contains(text), "{text} in {log}");
    }
    exhibits.assert_clean(&all_secrets(), 100);
}

#[test]
fn events_that_are_none_give_nothing_away() {
    let exhibits = Exhibits::default();
    let event = |record: Value| json!({ "Records": [record] });
    let change = |name: &str, value: Value| {
        let mut change = json!({"Keys": {}});
        change[name] = value;
        event(json!({ "dynamodb": change }))
    };
    let events = [
        json!(SSN),
        json!([SSN]),
        json!({ "Records": SSN }),
        json!({ "Records": {MAP_KEY: BALANCE} }),
        event(json!(SSN)),
        event(json!(BALANCE)),
        event(json!({ "dynamodb": SSN })),
        event(json!({ "eventSource": SSN, "dynamodb": {} })),
        event(json!({ "eventName": BALANCE, "dynamodb": {} })),
        event(json!({ "eventID": [SSN], "dynamodb": {} })),
        change("SequenceNumber", json!(BALANCE)),
        change("SequenceNumber", json!({ MAP_KEY: SSN })),
    ];
    for event in &events {
        let by_value = serde_json::from_value::<DynamoDbEvent>(event.clone());
        exhibits.show_error("by value", &by_value.unwrap_err());
        let text = event.to_string();
        let by_text = serde_json::from_str::<DynamoDbEvent>(&text);
        exhibits.show_error("by text", &by_text.unwrap_err());
        let cut_off = serde_json::from_str::<DynamoDbEvent>(&text[..text.len() - 1]);
        exhibits.show_error("cut off", &cut_off.unwrap_err());
    }
    exhibits.assert_clean(&all_secrets(), 100);
}

#[tokio::test]
async fn exports_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, stored) = start_with_patient(&exhibits).await;
    let table = table_of::<Patient>(&stack, US, &exhibits);
    let keys = dynamodb_json(&patient_key());
    let mut lines: Vec<String> = images(&stored)
        .iter()
        .flat_map(|image| {
            [
                json!({ "Item": image }),
                json!({"Keys": keys, "NewImage": image}),
            ]
        })
        .chain([
            json!({ "Item": SSN }),
            json!({ "Keys": SSN }),
            json!({ SSN: SSN }),
        ])
        .map(|line| line.to_string())
        .collect();
    lines.push(format!("{{\"Item\": \"{SSN}"));
    lines.push(SSN.to_owned());
    lines.push(SSN.repeat(1000));
    let reader = ExportReader::new(table.encryptor()).max_line_len(9000);
    exhibits.show("ExportReader", &reader);
    let chunks = [Ok(lines.join("\n")), Err(format!("could not send {SSN}"))];
    let opened = reader.open(stream::iter(chunks));
    exhibits.show("OpenedLines", &opened);
    let opened: Vec<_> = opened.collect().await;
    assert_eq!(opened.len(), lines.len() + 1, "and what ended the chunks");
    let mut errors = 0;
    for line in opened {
        match line {
            Ok(line) => exhibits.show("OpenedLine", &line),
            Err(error) => {
                errors += 1;
                exhibits.show_error("ExportError", &error);
            }
        }
    }
    assert!(errors > 15, "{errors} errors");
    assert!(exhibits.log().contains("OpenExportLine"));
    exhibits.assert_clean(&all_secrets(), 80);
}
