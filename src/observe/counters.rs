//! Counts of everything, in memory.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Observer;
use super::event::Event;
use super::sample::Sample;
use super::snapshot::Snapshot;

/// Counts everything that happens, in memory; [`snapshot`](Self::snapshot) shows it.
///
/// Clones share their counts: give one to the region set, and keep one to ask.
///
/// An event costs one short lock, and allocates only the first time that its labels are seen. How many
/// counts there are is bounded by configuration: regions, tables, the operations in use, and closed
/// lists of outcomes; that is some dozen kilobytes. Names that are made up cannot change it much: of one
/// counter at most 1,024 sets of labels are kept. From then on an event with other labels is counted
/// with every name replaced by `(other)`, and so, always, is a name longer than 255 bytes. That is at most 2
/// MB of latencies, and 12 MB of names if all are as long as that.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "notes", default = "encrypt")]
/// # struct Note { #[seal(partition_key)] id: u32, text: String }
/// # let cloud = Cloud::start(["eu-west-1"]).await?;
/// # let key = cloud.create_multi_region_key("eu-west-1", [""; 0]).await?;
/// # let definition = TableDefinition::new("notes").partition_key("id", KeyType::N);
/// # cloud.create_global_table(&definition).await?;
/// # let sdk_config = cloud.sdk_config("eu-west-1");
/// use dynaseal::observe::{BreakerState, Counters, Service};
///
/// let counters = Counters::new();
/// let regions = RegionSet::builder(&sdk_config).local("eu-west-1").observer(counters.clone()).build()?;
/// # let keyring = KmsMrkKeyring::new(key.arn("eu-west-1"), &regions)?;
/// let table = SealedTable::<Note>::builder("notes", keyring, &regions).build()?;
/// table.put(&Note { id: 1, text: "hello".into() }).send().await?;
///
/// let before = counters.snapshot();
/// table.get(1).send().await?;
/// let now = counters.snapshot();
/// assert_eq!(now.since(&before).kms_calls("eu-west-1"), 1);
/// assert_eq!(now.calls_of(Service::DynamoDb, "eu-west-1", "PutItem"), 1);
/// assert_eq!(now.breaker(Service::Kms, "eu-west-1"), BreakerState::Closed);
/// assert_eq!(now.audit_events("notes", "opened"), 1);
/// println!("{now}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Counters(Arc<Mutex<Snapshot>>);

impl Counters {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All counts as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.with(|counts| counts.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Snapshot) -> T) -> T {
        // A panic while it is held leaves a count that is off by one.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Counters {
    fn on_event(&self, event: &Event<'_>) {
        let sample = Sample::of(event);
        self.with(|counts| counts.add(&sample));
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").finish_non_exhaustive()
    }
}
