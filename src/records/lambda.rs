//! Lambda functions on a DynamoDB stream: the event they are invoked with, and which records they
//! report as failed.

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error};

use super::event::{EventName, Facts, Record, is_time_to_live, time_from_seconds};
use super::json::Json;
use super::open::{DEFAULT_CONCURRENCY, open_records};
use super::opened::OpenedRecord;
use crate::item::ItemEncryptor;

/// What Lambda invokes a function with that reads a DynamoDB stream: a batch of records.
///
/// Deserialize it from the event, as Lambda's runtime does with the argument of a handler. An image
/// that is no item does not fail the event: its record says so when it is opened. No message of a
/// failed deserialization quotes the event.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use dynaseal::records::lambda::{BatchItemFailures, DynamoDbEvent};
/// use dynaseal::{ItemEncryptor, OpenError};
///
/// async fn handle(event: DynamoDbEvent, encryptor: &ItemEncryptor) -> BatchItemFailures {
///     let mut failures = BatchItemFailures::none();
///     for record in event.open(encryptor).await {
///         match record.error() {
///             None => { /* use record.new_image_as::<Order>() */ }
///             // KMS did not answer: Lambda is to come back with this record and those after it.
///             Some(error) if error.is_retryable() => {
///                 failures.push(&record);
///                 break;
///             }
///             // This one will never open, and must not stop the shard until it expires.
///             Some(error) => eprintln!("{:?} is set aside: {error}", record.event_id()),
///         }
///     }
///     failures
/// }
/// # use dynaseal::{ItemSchema, RawAesKeyring};
/// # let schema = ItemSchema::builder("orders", "id").build()?;
/// # let encryptor = ItemEncryptor::new(schema, RawAesKeyring::new("example", "key-1", [7; 32])?);
///
/// let event = r#"{"Records": [{
///     "eventID": "1",
///     "eventName": "INSERT",
///     "eventSource": "aws:dynamodb",
///     "dynamodb": {"Keys": {"id": {"S": "o-1"}}, "SequenceNumber": "111"}
/// }]}"#;
/// let failures = handle(serde_json::from_str(event)?, &encryptor).await;
/// assert_eq!(serde_json::to_string(&failures)?, r#"{"batchItemFailures":[]}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DynamoDbEvent {
    records: Vec<Record>,
}

impl DynamoDbEvent {
    /// The records, sealed, in the event's order.
    #[must_use]
    pub fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// Opens all records, [`DEFAULT_CONCURRENCY`] at a time, and returns them in the event's order.
    ///
    /// It cannot fail: keys and images have a result each. For another concurrency, or to begin
    /// with the first before the last is opened, use [`open_records`].
    pub async fn open(self, encryptor: &ItemEncryptor) -> Vec<OpenedRecord> {
        use futures_util::StreamExt as _;

        let opened = open_records(encryptor, self.records, DEFAULT_CONCURRENCY);
        opened.collect().await
    }
}

impl<'de> Deserialize<'de> for DynamoDbEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut event = Json::deserialize(deserializer)?;
        let Some(Json::Array(records)) = event.take("Records") else {
            return Err(D::Error::custom("the event has no list of `Records`"));
        };
        let records = records.into_iter().enumerate().map(|(index, record)| {
            let record = record_from_json(record);
            record.map_err(|problem| D::Error::custom(format_args!("record {index} {problem}")))
        });
        let records = records.collect::<Result<_, _>>()?;
        Ok(Self { records })
    }
}

/// One element of a Lambda event's `Records`.
impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = record_from_json(Json::deserialize(deserializer)?);
        record.map_err(|problem| D::Error::custom(format_args!("the record {problem}")))
    }
}

fn record_from_json(mut record: Json) -> Result<Record, &'static str> {
    if text(&mut record, "eventSource")?.is_some_and(|source| source != "aws:dynamodb") {
        return Err("is not one of DynamoDB Streams");
    }
    let Some(mut change @ Json::Object(_)) = record.take("dynamodb") else {
        return Err("says nothing under `dynamodb`");
    };
    let identity = record.take("userIdentity");
    let created = change.take("ApproximateCreationDateTime");
    let facts = Facts {
        event_id: text(&mut record, "eventID")?,
        event_name: text(&mut record, "eventName")?.and_then(|name| EventName::parse(&name)),
        sequence_number: text(&mut change, "SequenceNumber")?,
        approximate_creation_time: created
            .as_ref()
            .and_then(Json::as_number)
            .and_then(time_from_seconds),
        is_time_to_live_delete: identity.is_some_and(is_by_time_to_live),
    };
    Ok(Record::from_images(facts, &mut change))
}

fn is_by_time_to_live(mut identity: Json) -> bool {
    let [kind, principal] =
        ["type", "principalId"].map(|name| identity.take(name).and_then(Json::into_text));
    is_time_to_live(kind.as_deref(), principal.as_deref())
}

/// The text under a name, if there is something.
fn text(object: &mut Json, name: &'static str) -> Result<Option<String>, &'static str> {
    match object.take(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err("has something else than text where an identifier belongs"),
    }
}

/// What a function returns that reports failures of a batch (`ReportBatchItemFailures`).
///
/// Lambda continues at the first of them in the shard: it retries that record and **everything after
/// it**, also what was processed. So process in order, report the first failure, and stop. With none,
/// the whole batch is done.
///
/// The event source mapping must have `ReportBatchItemFailures` among its function response types:
/// without it Lambda takes any answer for success, and what failed is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailures {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

impl BatchItemFailures {
    /// Everything was processed.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a record that was not processed.
    ///
    /// One without a sequence number fails the whole batch, as Lambda takes an empty identifier.
    pub fn push(&mut self, record: &OpenedRecord) {
        let sequence_number = record.sequence_number().unwrap_or_default();
        self.batch_item_failures.push(BatchItemFailure {
            item_identifier: sequence_number.to_owned(),
        });
    }

    /// Whether everything was processed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch_item_failures.is_empty()
    }
}

impl<'a> FromIterator<&'a OpenedRecord> for BatchItemFailures {
    fn from_iter<I: IntoIterator<Item = &'a OpenedRecord>>(records: I) -> Self {
        let mut failures = Self::none();
        records.into_iter().for_each(|record| failures.push(record));
        failures
    }
}
