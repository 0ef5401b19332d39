//! Time that passes by waiting alone: no test waits for a retry, and each knows when a deadline comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use dynaseal::item::Model;
use dynaseal::{RegionSet, SealedTable};

use crate::support::stack::{Stack, US};

/// Waits between attempts are over at once; a deadline has passed as soon as there were so many of
/// them.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    waits: Arc<AtomicUsize>,
    until: usize,
}

impl Patience {
    /// No wait between attempts is longer.
    const LONGEST_WAIT: Duration = Duration::from_secs(5);
    /// No deadline is shorter. What lies between is a time-out of the SDK, and none passes.
    const DEADLINE: Duration = Duration::from_secs(30);

    pub(crate) fn until(waits: usize) -> Self {
        Self {
            waits: Arc::default(),
            until: waits,
        }
    }

    /// A table whose clients wait like this.
    pub(crate) fn table<T: Model>(self, stack: &Stack, name: &str) -> SealedTable<T> {
        let config = stack.config(US).into_builder().sleep_impl(self);
        // Watches for streams that stall, by waits of its own.
        let config = config.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let config = config.build();
        let regions = RegionSet::builder(&config).local(US).build().unwrap();
        let table = SealedTable::builder(name, stack.keyring(US), &regions);
        table.build().unwrap()
    }
}

impl AsyncSleep for Patience {
    fn sleep(&self, duration: Duration) -> Sleep {
        if duration <= Self::LONGEST_WAIT {
            self.waits.fetch_add(1, Ordering::Relaxed);
            return Sleep::new(std::future::ready(()));
        }
        let this = self.clone();
        Sleep::new(std::future::poll_fn(move |_| {
            let waits = this.waits.load(Ordering::Relaxed);
            if duration >= Self::DEADLINE && waits >= this.until {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }))
    }
}
