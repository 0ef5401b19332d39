//! The kit's own error: what it was doing, and why that failed.

use std::error::Error;
use std::fmt;

/// The kit could not start, or could not set up what was asked for.
///
/// Errors that the doubles *answer* reach the caller through the SDK, as AWS's would.
#[derive(Debug)]
pub struct TestkitError {
    doing: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TestkitError {
    pub(super) fn new(doing: impl Into<String>) -> Self {
        Self {
            doing: doing.into(),
            source: None,
        }
    }

    pub(super) fn because(
        doing: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            doing: doing.into(),
            source: Some(source.into()),
        }
    }
}

impl fmt::Display for TestkitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.doing)
    }
}

impl Error for TestkitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
