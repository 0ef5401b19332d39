//! A scan of several segments at the same time.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::scan::ScanError;
use futures_util::future::try_join_all;

use super::Scan;
use super::request::{Request, Segment};
use crate::item::{Item, Model, OpenedItem};
use crate::table::error::{OperationError, Refused};
use crate::table::page::{Anchor, AsOpened, Fetch, IntoModel, Items, OpenStored};
use crate::table::read::{self, fetcher};
use crate::table::span;

/// A scan of all segments at the same time, from [`Scan::segments`].
///
/// Items of one segment come in its order; those of several are mixed as they come. Each segment reads a
/// page of its own, of which [`concurrency`](Scan::concurrency) items are opened at the same time. To
/// go on after a failure, scan segment by segment, with [`Scan::segment`].
#[must_use = "an operation does nothing until its items are read"]
pub struct ParallelScan<T = Item> {
    scan: Scan<T>,
    count: i32,
}

impl<T> ParallelScan<T> {
    pub(super) fn new(scan: Scan<T>, count: i32) -> Self {
        Self { scan, count }
    }

    /// Counts the items, as DynamoDB sees them: none is read, so none is verified.
    ///
    /// # Errors
    ///
    /// Those of [`Scan::count_unverified`].
    pub async fn count_unverified(self) -> Result<u64, OperationError<ScanError>> {
        let span = span::scan(&self.scan.read.core, self.scan.read.first());
        let count = async {
            let segments = self.requests()?;
            let anchor = Anchor::default();
            let counts = segments.iter().map(|segment| read::count(segment, &anchor));
            let counts = try_join_all(counts).await?;
            Ok(counts.into_iter().fold(0, u64::saturating_add))
        };
        span::run(span, count).await
    }

    /// One request for each segment.
    fn requests(self) -> Result<Vec<Request>, Refused> {
        let (of, request) = (self.count, self.scan.into_request());
        if request.segment.is_some() || request.read.start.is_some() {
            return Err(Refused::new(
                "`segments` scans all segments from the start; `segment` and `start_from` do not go \
                 with it",
            ));
        }
        let segment = |segment| Request {
            segment: Some(Segment { segment, of }),
            ..request.clone()
        };
        Ok((0..of).map(segment).collect())
    }

    pub(in crate::table) fn merged<O: OpenStored>(
        self,
        opener: impl Fn() -> O,
    ) -> Items<O::Opened, ScanError> {
        let span = span::scan(&self.scan.read.core, self.scan.read.first());
        let anchor = Anchor::default();
        let fetches = match self.requests() {
            Ok(requests) => requests
                .into_iter()
                .map(|request| fetcher(Arc::new(request), opener(), &anchor))
                .collect(),
            Err(refused) => vec![refusing(refused)],
        };
        Items::merged(fetches, anchor, span)
    }
}

/// Fetches nothing.
fn refusing<T>(refused: Refused) -> Fetch<T, ScanError> {
    Arc::new(move |_start| {
        let refused = refused.clone();
        Box::pin(async move { Err(refused.into()) })
    })
}

impl<T: Model + 'static> ParallelScan<T> {
    /// The items of all segments, mixed as they come.
    pub fn items(self) -> Items<T, ScanError> {
        self.merged(IntoModel::new)
    }

    /// Like [`items`](Self::items), with what is known about how each item was opened.
    pub fn opened_items(self) -> Items<OpenedItem, ScanError> {
        self.merged(|| AsOpened)
    }
}

impl<T> fmt::Debug for ParallelScan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParallelScan")
            .field("scan", &self.scan)
            .field("segments", &self.count)
            .finish()
    }
}
