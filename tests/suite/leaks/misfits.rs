//! Models that do not fit the stored item.

use dynaseal::OperationError;
use serde::de::Error as _;
use serde::ser::Error as _;

use super::failures::{show_failed_read, start_with_patient, table_of};
use super::*;

/// Models that do not fit; serde's messages quote what they found.
macro_rules! misfits {
    ($($name:ident { $field:ident: $type:ty }),* $(,)?) => {$(
        #[derive(Debug, Serialize, Deserialize, Seal)]
        #[seal(table = "patients", default = "encrypt")]
        pub(super) struct $name {
            #[seal(partition_key)]
            id: String,
            #[seal(sort_key)]
            visit: u64,
            $field: $type,
            #[seal(unsigned)]
            views: Unsigned<u64>,
        }
    )*};
}

misfits! {
    TextAsNumber { ssn: u32 },
    TextAsVariant { ssn: Variant },
    TextAsTuple { ssn: (String, String) },
    NumberTooLarge { balance: u8 },
    NumberAsText { balance: String },
    NumberAsVariant { balance: Variant },
    MapAsText { record: String },
    MapAsVariant { record: Variant },
    MapWithOtherFields { record: OtherRecord },
    MapWithoutUnknownFields { record: NoField },
    NestedNumber { record: NumberedRecord },
    NestedVariant { record: VariantRecord },
    BytesAsText { scan: String },
    BytesAsNumber { scan: u64 },
    HandWritten { ssn: Picky },
}

#[derive(Debug, Serialize, Deserialize)]
enum Variant {
    Other,
}

#[derive(Debug, Serialize, Deserialize)]
struct OtherRecord {
    elsewhere: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoField {}

#[derive(Debug, Serialize, Deserialize)]
struct NumberedRecord {
    street: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct VariantRecord {
    notes: BTreeMap<String, Vec<Variant>>,
}

/// Refuses everything, and says what it was.
#[derive(Debug)]
struct Picky(String);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(D::Error::custom(format!("I do not like {text}")))
    }
}

impl Serialize for Picky {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(format!("I do not like {}", self.0)))
    }
}

#[tokio::test]
async fn models_that_do_not_fit_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, _) = start_with_patient(&exhibits).await;
    macro_rules! show {
        ($($model:ty),* $(,)?) => {$(
            let table = table_of::<$model>(&stack, US, &exhibits);
            show_failed_read(&table, &exhibits, stringify!($model)).await;
        )*};
    }
    show!(
        TextAsNumber,
        TextAsVariant,
        TextAsTuple,
        NumberTooLarge,
        NumberAsText,
        NumberAsVariant
    );
    show!(
        MapAsText,
        MapAsVariant,
        MapWithOtherFields,
        MapWithoutUnknownFields,
        NestedNumber
    );
    show!(NestedVariant, BytesAsText, BytesAsNumber, HandWritten);

    let picky = HandWritten {
        id: PARTITION.to_owned(),
        visit: SORT,
        ssn: Picky(SSN.to_owned()),
        views: UNSIGNED.into(),
    };
    let error = table_of(&stack, US, &exhibits)
        .put(&picky)
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, OperationError::Model(_)));
    exhibits.show_error("HandWritten", &error);
    assert!(exhibits.log().contains("outcome=\"model mismatch\""));
    exhibits.assert_clean(&all_secrets(), 16 * 6);
}
