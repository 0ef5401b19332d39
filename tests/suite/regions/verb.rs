//! Every operation of a table, for tests that hold for all of them.

use std::fmt::Debug;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::table::{BatchWriteFailure, TransactGet, TransactWrite, TransactionError};
use dynaseal::{OperationError, SealedTable, UpdateError};

use super::{Note, note};

/// An operation. All are on the note `n-0`, which must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Query,
    Scan,
    Count,
    FetchFromTable,
    BatchGet,
    TransactGet,
    Put,
    PutIf,
    PutReturnOld,
    Delete,
    DeleteIf,
    Update,
    UpdateOnce,
    UpdateUnsigned,
    BatchWrite,
    TransactWrite,
}

impl Verb {
    pub(super) const READS: [Self; 7] = [
        Self::Get,
        Self::Query,
        Self::Scan,
        Self::Count,
        Self::FetchFromTable,
        Self::BatchGet,
        Self::TransactGet,
    ];

    pub(super) const WRITES: [Self; 10] = [
        Self::Put,
        Self::PutIf,
        Self::PutReturnOld,
        Self::Delete,
        Self::DeleteIf,
        Self::Update,
        Self::UpdateOnce,
        Self::UpdateUnsigned,
        Self::BatchWrite,
        Self::TransactWrite,
    ];

    pub(super) fn all() -> impl Iterator<Item = Self> {
        Self::READS.into_iter().chain(Self::WRITES)
    }

    /// The request that it is about; an update reads before.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::Get => "GetItem",
            Self::Query | Self::Count | Self::FetchFromTable => "Query",
            Self::Scan => "Scan",
            Self::BatchGet => "BatchGetItem",
            Self::TransactGet => "TransactGetItems",
            Self::Put | Self::PutIf | Self::PutReturnOld => "PutItem",
            Self::Delete | Self::DeleteIf => "DeleteItem",
            Self::Update | Self::UpdateUnsigned => "UpdateItem",
            Self::BatchWrite => "BatchWriteItem",
            Self::UpdateOnce | Self::TransactWrite => "TransactWriteItems",
        }
    }

    /// Whether what a lost answer stood for matters to nobody.
    pub(super) fn is_blind(self) -> bool {
        matches!(self, Self::Put | Self::Delete | Self::BatchWrite)
    }

    pub(super) async fn run(self, table: &SealedTable<Note>) -> Result<(), Told> {
        let open = || attribute("state").eq("open");
        let seen = || UpdateExpression::new().increment("views", 1);
        match self {
            Self::Get => {
                let found = table.get("n-0").send().await?;
                assert_eq!(found.map(|note| note.id).as_deref(), Some("n-0"));
            }
            Self::Query => drop(table.query("n-0").page().await?),
            Self::Scan => drop(table.scan().page().await?),
            Self::Count => drop(table.query("n-0").count_unverified().await?),
            Self::FetchFromTable => {
                let query = table.query("open").index("by-state").fetch_from_table();
                drop(query.page().await?);
            }
            Self::BatchGet => drop(table.batch_get(["n-0"]).send().await?),
            Self::TransactGet => {
                let mut reads = TransactGet::new();
                let slot = reads.get(table, "n-0");
                let mut found = reads.send().await?;
                assert!(found.take(slot).unwrap().is_some());
            }
            Self::Put => drop(table.put(&note("n-0")).send().await?),
            Self::PutIf => drop(table.put(&note("n-0")).condition(open()).send().await?),
            Self::PutReturnOld => drop(table.put(&note("n-0")).return_old().send().await?),
            Self::Delete => drop(table.delete("n-0").send().await?),
            Self::DeleteIf => drop(table.delete("n-0").condition(open()).send().await?),
            Self::Update => drop(table.update("n-0", edit).send().await?),
            Self::UpdateOnce => drop(table.update("n-0", edit).exactly_once().send().await?),
            Self::UpdateUnsigned => drop(table.update_unsigned("n-0", seen()).send().await?),
            Self::BatchWrite => drop(table.batch_write().put(&note("n-0")).send().await?),
            Self::TransactWrite => {
                let write = TransactWrite::new().put(table, &note("n-0"));
                drop(write.send().await?);
            }
        }
        Ok(())
    }
}

fn edit(note: &mut Note) {
    note.text.push('!');
}

/// What an error says of itself, whichever it is.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) shown: String,
    pub(super) is_retryable: bool,
    pub(super) region: Option<String>,
}

impl Told {
    fn new(error: &impl Debug, is_retryable: bool, region: Option<&str>) -> Self {
        Self {
            shown: format!("{error:?}"),
            is_retryable,
            region: region.map(str::to_owned),
        }
    }

    /// Whether it is of this variant, or wraps it.
    pub(super) fn is(&self, variant: &str) -> bool {
        self.shown.contains(&format!("{variant}("))
    }
}

impl<E: ProvideErrorMetadata> From<OperationError<E>> for Told {
    fn from(error: OperationError<E>) -> Self {
        Self::new(&error, error.is_retryable(), error.region())
    }
}

impl<E: ProvideErrorMetadata> From<TransactionError<E>> for Told {
    fn from(error: TransactionError<E>) -> Self {
        Self::new(&error, error.is_retryable(), error.region())
    }
}

impl From<UpdateError> for Told {
    fn from(error: UpdateError) -> Self {
        Self::new(&error, error.is_retryable(), error.region())
    }
}

impl From<BatchWriteFailure> for Told {
    fn from(error: BatchWriteFailure) -> Self {
        Self::new(&error, error.is_retryable(), error.region())
    }
}
