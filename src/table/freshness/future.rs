//! Named futures of the [`Freshness`](super::Freshness) trait: ready at once, or boxed.

use super::{FreshnessError, Seen, Verdict};
use crate::keyring::future::named_future;

named_future! {
    /// What [`Freshness::observe`](super::Freshness::observe) returns.
    Observe -> Result<Verdict, FreshnessError>
}

named_future! {
    /// What [`Freshness::newest`](super::Freshness::newest) returns.
    Newest -> Result<Option<Seen>, FreshnessError>
}

named_future! {
    /// What [`Freshness::forget`](super::Freshness::forget) returns.
    Forget -> Result<(), FreshnessError>
}
