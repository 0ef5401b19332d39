//! How much a cache keeps, and for how long.

use std::time::Duration;

/// The bounds of a cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(super) entries: usize,
    pub(super) bytes: Option<usize>,
    pub(super) ttl: Duration,
    pub(super) uses: Option<u64>,
    pub(super) refreshes: bool,
}

impl Limits {
    /// At most so many entries, each for so long. Without entries, or without time, nothing is kept.
    pub(crate) fn new(entries: usize, ttl: Duration) -> Self {
        Self {
            entries,
            bytes: None,
            ttl,
            uses: None,
            refreshes: true,
        }
    }

    /// At most so many bytes, by what the loads say. A value that is larger is handed out and not kept.
    #[must_use]
    pub(crate) fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// An entry is handed out so often at most, and once at least: to whoever loaded it.
    #[must_use]
    pub(crate) fn uses(mut self, uses: u64) -> Self {
        self.uses = Some(uses.max(1));
        self
    }

    /// Loads nothing before an entry has ended: for what is cheap to wait for, or dear to ask.
    #[must_use]
    pub(crate) fn without_refresh(mut self) -> Self {
        self.refreshes = false;
        self
    }

    /// How long an entry is kept at most.
    pub(crate) fn ttl(self) -> Duration {
        self.ttl
    }

    /// How long a refresh is not tried again.
    pub(super) fn pause(self) -> Duration {
        (self.ttl / 20).clamp(Duration::from_secs(1), Duration::from_secs(10))
    }

    /// How long an entry is not refreshed: between 80 and 95 % of its lifetime.
    pub(super) fn calm(lifetime: Duration, jitter: u8) -> Duration {
        let spread = lifetime / 20 * 3 / u32::from(u8::MAX);
        lifetime / 5 * 4 + spread * u32::from(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_a_twentieth_of_the_ttl_within_one_and_ten_seconds() {
        let pause = |ttl| Limits::new(1, Duration::from_secs(ttl)).pause().as_secs();
        assert_eq!([1, 20, 100, 200, 3600].map(pause), [1, 1, 5, 10, 10]);
    }

    #[test]
    fn refreshes_between_80_and_95_percent() {
        let lifetime = Duration::from_secs(300);
        let share = |jitter| Limits::calm(lifetime, jitter).as_secs_f64() / 300.0;
        assert!((share(0) - 0.8).abs() < 1e-6 && (share(255) - 0.95).abs() < 1e-6);
        assert!((0..255).all(|jitter| share(jitter) < share(jitter + 1)));
        assert!(Limits::calm(Duration::MAX, 255) < Duration::MAX);
    }
}
