//! Loads that several items share, of which one may have used up its calls.

use std::future::Future;

use crate::cache::{Cache, Cached, Loaded};
use crate::error::KeyringError;

/// How often a load that somebody else began, and had no calls left for, is begun anew.
const TAKEOVERS: usize = 3;

/// What a cache has or loads, but never the end of another item's allowance: that says nothing about what
/// this one may do, and whoever writes to the table chooses who begins.
pub(super) async fn get_or_load<K, V, F>(
    cache: &Cache<K, V, KeyringError>,
    key: &K,
    load: impl Fn() -> F,
) -> Result<Cached<V>, KeyringError>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<Loaded<V>, KeyringError>> + Send + 'static,
{
    let mut takeovers = 0..TAKEOVERS;
    loop {
        let mut is_own = false;
        let begin = || {
            is_own = true;
            load()
        };
        let found = cache.get_or_load(key, begin).await;
        let is_foreign = !is_own && found.as_ref().is_err_and(KeyringError::is_cut_short);
        if !is_foreign || takeovers.next().is_none() {
            return found;
        }
    }
}
