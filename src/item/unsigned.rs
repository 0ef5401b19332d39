//! The marker for attributes outside the signature.

use serde::{Deserialize, Serialize};

/// A value that anybody with write access to the table can change.
///
/// The derive demands it around every field that is marked `unsigned`, so that such a value is never
/// taken for data by accident: there is no `Deref`, and every way to it is named.
///
/// ```
/// use dynaseal::Unsigned;
///
/// let views = Unsigned::new(7_u64);
/// assert_eq!(*views.unauthenticated(), 7);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unsigned<T>(T);

impl<T> Unsigned<T> {
    /// Marks a value as unsigned.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value, for which nobody vouches.
    pub const fn unauthenticated(&self) -> &T {
        &self.0
    }

    /// Shows the value, to change it in place.
    pub const fn unauthenticated_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Hands the value out, for which nobody vouches.
    pub fn into_unauthenticated(self) -> T {
        self.0
    }
}

impl<T> From<T> for Unsigned<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
