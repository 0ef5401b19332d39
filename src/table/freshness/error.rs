//! What is wrong with an item that is not the newest, and with a store that cannot tell.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::BoxError;

/// The store of seen versions did not answer, so nobody knows whether an item is the newest.
///
/// Cheap to clone. `Display` and `Debug` show nothing of the cause, which is
/// [`source`](Error::source).
#[derive(Clone)]
pub struct FreshnessError(Arc<dyn Error + Send + Sync>);

impl FreshnessError {
    /// An error with this cause.
    ///
    /// ```
    /// use dynaseal::table::freshness::FreshnessError;
    /// let error = FreshnessError::new("no connection");
    /// assert_eq!(error.to_string(), "the store of seen versions failed");
    /// ```
    #[must_use]
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into().into())
    }
}

impl fmt::Display for FreshnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of seen versions failed")
    }
}

impl fmt::Debug for FreshnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshnessError").finish_non_exhaustive()
    }
}

impl Error for FreshnessError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// A stored item that is older than one that was seen: somebody put an old one back, or the last writer
/// of another region has won with an older one.
///
/// `Display` shows no version.
#[derive(Clone)]
pub struct Stale {
    found: Option<u64>,
    newest: u64,
    region: String,
    unconfirmed: Option<Arc<dyn Error + Send + Sync>>,
}

impl Stale {
    pub(super) fn new(found: Option<u64>, newest: u64, region: &str) -> Self {
        Self {
            found,
            newest,
            region: region.to_owned(),
            unconfirmed: None,
        }
    }

    /// The same, where the second look failed.
    pub(super) fn unconfirmed(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.unconfirmed = Some(Arc::new(cause));
        self
    }

    /// The version that is stored; `None` if the item has no version any more.
    #[must_use]
    pub fn found(&self) -> Option<u64> {
        self.found
    }

    /// The newest version that was seen.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The region that was read.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether a second, consistent read found no newer one. If not, it failed, and
    /// [`source`](Error::source) says how: the first may have met a replica that lags.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.unconfirmed.is_none()
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = &self.region;
        if self.is_confirmed() {
            write!(f, "a newer version was seen than the one in {region}")
        } else {
            write!(
                f,
                "a newer version was seen than the one in {region}, and it could not be read again"
            )
        }
    }
}

impl fmt::Debug for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stale")
            .field("found", &self.found)
            .field("newest", &self.newest)
            .field("region", &self.region)
            .field("is_confirmed", &self.is_confirmed())
            .finish()
    }
}

impl Error for Stale {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let cause = self.unconfirmed.as_deref()?;
        Some(cause)
    }
}

/// A stored item of a version of which another one was seen: two regions wrote it without knowing of
/// each other, and one of the writes is lost.
///
/// It is told once. From then on the item that is stored counts as the one that was seen.
#[derive(Clone, Debug)]
pub struct Diverged {
    version: u64,
    region: String,
}

impl Diverged {
    pub(super) fn new(version: u64, region: &str) -> Self {
        Self {
            version,
            region: region.to_owned(),
        }
    }

    /// The version that was written twice.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The region that was read.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "another item of the same version was seen than the one in {}; one of two writes is lost",
            self.region
        )
    }
}

impl Error for Diverged {}
