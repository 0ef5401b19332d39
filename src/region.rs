//! Regions: where requests go, and what their failures mean.
//!
//! A [`RegionSet`] is the closed list of regions that a process talks to. Data never adds to it: a
//! region named in an item is either in the set or refused.

mod backoff;
mod breaker;
pub(crate) mod call;
pub(crate) mod cancelled;
mod check;
pub(crate) mod fault;
pub(crate) mod health;
mod key_state;
mod latencies;
mod member;
mod policy;
mod retry_budget;
mod set;
mod share;
mod steady;
pub(crate) mod write_fault;

pub(crate) use backoff::Backoff;
pub use breaker::BreakerPolicy;
pub(crate) use check::partition_of;
pub(crate) use member::Member;
pub use policy::{HealthPolicy, KmsFallback};
pub use retry_budget::RetryBudget;
pub use set::{ClientSetBuilder, RegionSet, RegionSetBuilder};
