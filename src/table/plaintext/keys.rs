//! The keys of the items that are still to be sealed.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crypto::hash::Sha384Hasher;
use crate::error::ValueError;
use crate::item::{AnyKey, IntoKey, Key};
use crate::value::Terminal;

/// The keys of the items that are not sealed yet: a set that shrinks as a migration goes on.
///
/// Clones share it. A table whose policy has it removes a key when it has sealed and stored an item
/// under it, and when it has verified one there; from then on plaintext under that key is refused.
/// Remove what other processes have sealed, and what was deleted.
///
/// It holds digests (48 bytes a key), and shows none of them.
///
/// ```
/// use dynaseal::table::PlaintextKeys;
///
/// let keys = PlaintextKeys::new();
/// keys.insert("c-1");
/// keys.insert(("c-2", "profile"));
/// assert!(keys.remove("c-1"));
/// assert_eq!(keys.len(), 1);
/// assert_eq!(format!("{keys:?}"), "PlaintextKeys { len: 1, .. }");
/// ```
#[derive(Clone, Default)]
pub struct PlaintextKeys(Arc<Mutex<BTreeSet<Digest>>>);

type Digest = [u8; 48];

impl PlaintextKeys {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the key of an item that is not sealed yet. Tells whether it is new, and a key at all: a
    /// string, a number, bytes, or a pair of them.
    pub fn insert(&self, key: impl IntoKey<AnyKey>) -> bool {
        let digest = digest(&key.into_key());
        digest.is_ok_and(|digest| self.lock().insert(digest))
    }

    /// Removes a key, and tells whether it was there.
    pub fn remove(&self, key: impl IntoKey<AnyKey>) -> bool {
        let digest = digest(&key.into_key());
        digest.is_ok_and(|digest| self.lock().remove(&digest))
    }

    /// Whether a key is there.
    #[must_use]
    pub fn contains(&self, key: impl IntoKey<AnyKey>) -> bool {
        let digest = digest(&key.into_key());
        digest.is_ok_and(|digest| self.lock().contains(&digest))
    }

    /// How many keys are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No operation leaves the set half changed, so one that panicked has not spoiled it.
    fn lock(&self) -> MutexGuard<'_, BTreeSet<Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Equal for keys that DynamoDB takes for equal, such as 1 and 1.0.
fn digest(key: &Key) -> Result<Digest, ValueError> {
    let mut hasher = Sha384Hasher::new();
    for value in std::iter::once(key.partition_value()).chain(key.sort_value()) {
        let value = Terminal::of(value)?;
        hasher.update(&value.type_id.to_bytes());
        hasher.update(&value.bytes.len().to_be_bytes());
        hasher.update(&value.bytes);
    }
    Ok(hasher.finish())
}

impl fmt::Debug for PlaintextKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaintextKeys")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<K: IntoKey<AnyKey>> Extend<K> for PlaintextKeys {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        for key in keys {
            self.insert(key);
        }
    }
}

impl<K: IntoKey<AnyKey>> FromIterator<K> for PlaintextKeys {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut all = Self::new();
        all.extend(keys);
        all
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    #[test]
    fn tells_keys_apart_by_type_place_and_length() {
        let keys: PlaintextKeys = [("ab", "c")].into_iter().collect();
        assert!(keys.contains(("ab", "c")));
        for other in [
            Key::new("ab"),
            Key::new("abc"),
            Key::with_sort("a", "bc"),
            Key::with_sort("c", "ab"),
            Key::with_sort("ab", b"c"),
            Key::with_sort("", "abc"),
        ] {
            assert!(!keys.contains(other.clone()));
            assert!(!keys.remove(other));
        }
        assert!(!keys.insert(("ab", "c")), "twice");
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn takes_numbers_that_are_equal_for_equal() {
        let number = |text: &str| AttributeValue::N(text.to_owned());
        let keys = PlaintextKeys::new();
        assert!(keys.insert(number("1.0")));
        assert!(keys.contains(1));
        assert!(keys.remove(number("10e-1")));
        assert!(keys.is_empty());
    }

    #[test]
    fn takes_nothing_that_is_no_key_value() {
        let keys = PlaintextKeys::new();
        assert!(!keys.insert(AttributeValue::N("one".to_owned())));
        assert!(keys.is_empty());
    }

    #[test]
    fn is_shared_by_clones() {
        let keys = PlaintextKeys::new();
        let clone = keys.clone();
        clone.insert("c-1");
        assert!(keys.contains("c-1") && clone.remove("c-1"));
        assert!(keys.is_empty());
    }
}
