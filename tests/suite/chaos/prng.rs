//! All randomness of a run, from its seed.

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub(super) struct Prng(u64);

impl Prng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Another one, so that what it is used for does not shift what this one says next.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// From `0` to `below - 1`.
    pub(super) fn below(&mut self, below: usize) -> usize {
        let below = u64::try_from(below).unwrap();
        usize::try_from(self.next() % below).unwrap()
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One of these, as often as its weight says.
    pub(super) fn weighted<T: Clone>(&mut self, of: &[(usize, T)]) -> T {
        let mut at = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in of {
            if at < *weight {
                return value.clone();
            }
            at -= weight;
        }
        unreachable!("the weights were added up")
    }

    /// `count` different ones.
    pub(super) fn some<T: Clone>(&mut self, of: &[T], count: usize) -> Vec<T> {
        let mut left = of.to_vec();
        let count = count.min(left.len());
        (0..count)
            .map(|_| left.remove(self.below(left.len())))
            .collect()
    }
}
