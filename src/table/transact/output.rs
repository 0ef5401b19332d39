//! What a transactional write returned.

use std::fmt;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;

/// What a transactional write returned.
///
/// Its `Debug` shows nothing of the SDK's output, which may hold values of partition keys.
#[derive(Clone)]
pub struct TransactWriteOutput {
    region: String,
    versions: Vec<Option<u64>>,
    sdk: TransactWriteItemsOutput,
}

impl TransactWriteOutput {
    pub(super) fn new(
        region: &str,
        versions: Vec<Option<u64>>,
        sdk: TransactWriteItemsOutput,
    ) -> Self {
        Self {
            region: region.to_owned(),
            versions,
            sdk,
        }
    }

    /// The region that was written to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The version that an operation wrote, counted from 0 in the order in which they were added;
    /// `None` if it wrote no model with `#[seal(version)]`.
    #[must_use]
    pub fn version(&self, operation: usize) -> Option<u64> {
        self.versions.get(operation).copied().flatten()
    }

    /// What the SDK returned: consumed capacity and metrics, where they were asked for. Its `Debug`
    /// is the SDK's.
    #[must_use]
    pub fn sdk_output(&self) -> &TransactWriteItemsOutput {
        &self.sdk
    }
}

impl fmt::Debug for TransactWriteOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactWriteOutput")
            .field("region", &self.region)
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}
