//! Where reads go when the local region fails.

use super::call::Route;
use super::core::Core;
use super::error::Refused;
use crate::region::Member;

/// Where a table is read when its local region fails.
///
/// The default stays there. A replica in another region may be behind, so what it answers is marked: every
/// result says its region, and a `get` that a fallback region answers with nothing is
/// [`AbsentInFallback`](super::AbsentInFallback), not `None`.
///
/// | what happens in the local region | `Local` | `LocalThenFallback` |
/// | --- | --- | --- |
/// | no answer, a broken connection, HTTP 5xx | sent again, within the retry budget | next region at once |
/// | its circuit breaker is open | `CircuitOpen` at once | next region at once |
/// | throttling | sent again, within the retry budget | the same: the next region's quota is not for that |
/// | anything else: refusals, mistakes, missing tables | the error at once | the same |
///
/// It is about DynamoDB alone: the keys of what a fallback region answers are unwrapped by whichever KMS
/// the keyring's own [policy](crate::region::KmsFallback) reaches.
///
/// # What never falls over
///
/// Strongly consistent reads, since another region knows of its own writes alone; transactions, whose
/// picture is that of one region; what `update` reads; and writes, which go to
/// [one region](super::SealedTableBuilder::home_region).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadPolicy {
    /// The local region or none.
    #[default]
    Local,
    /// The local region, and if that is unavailable the fallbacks of the region set, in their order.
    LocalThenFallback,
}

/// Where one read may go.
#[derive(Clone, Default)]
pub(super) struct Reach {
    /// The table's own, unless told otherwise.
    pub(super) policy: Option<ReadPolicy>,
    /// The one region that is asked, if one is named.
    pub(super) region: Option<String>,
}

impl Reach {
    /// This region and no other.
    pub(super) fn only(region: &str) -> Self {
        Self {
            policy: None,
            region: Some(region.to_owned()),
        }
    }
}

impl Core {
    /// The region that a read asks first.
    pub(super) fn first_of(&self, reach: &Reach) -> &Member {
        let named = reach.region.as_deref();
        let named = named.and_then(|name| self.regions().member(name));
        named.unwrap_or_else(|| self.local())
    }

    /// The regions that a read may ask. One that is strongly consistent stays where it is asked first.
    pub(super) fn route(
        &self,
        reach: &Reach,
        consistent: Option<bool>,
    ) -> Result<Route<'_>, Refused> {
        if let Some(name) = &reach.region {
            let member = self.regions().member(name).ok_or_else(|| {
                Refused::new(format!("region {name:?} is none of the region set"))
            })?;
            return Ok(Route::only(self, member));
        }
        let policy = reach.policy.unwrap_or_else(|| self.read_policy());
        Ok(match policy {
            ReadPolicy::LocalThenFallback if consistent != Some(true) => Route::all(self),
            _ => Route::only(self, self.local()),
        })
    }
}
