//! Wrappers for model fields that must not reach a log. Both are invisible to serde.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A field that is never printed, and wiped when it is dropped.
///
/// There is no `PartialEq`: comparing secrets takes a constant-time comparison, which only the
/// caller can choose. Each clone wipes itself. Copies that serde, the SDK or the allocator made are
/// outside the promise. `Vec<u8>` in here becomes a list of numbers unless the field says
/// [`#[serde(with = "dynaseal::bytes")]`](crate::bytes).
///
/// ```
/// use dynaseal::Redacted;
///
/// let ssn = Redacted::new("123-45-6789".to_owned());
/// assert_eq!(format!("{ssn:?}"), "[redacted]");
/// assert_eq!(ssn.expose(), "123-45-6789");
/// ```
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Redacted<T: Zeroize>(T);

impl<T: Zeroize> Redacted<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Shows the value, to change it in place. A value that grows may leave its old buffer behind.
    pub const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> From<T> for Redacted<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Zeroize> Zeroize for Redacted<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> Drop for Redacted<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Redacted<T> {}

/// A field that is never printed. Unlike [`Redacted`] it takes any type, and wipes nothing.
///
/// ```
/// use dynaseal::Hidden;
///
/// let income = Hidden::new(52_000.0_f64);
/// assert_eq!(format!("{income:?}"), "[hidden]");
/// assert_eq!(income.into_inner(), 52_000.0);
/// ```
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden<T>(T);

impl<T> Hidden<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Shows the value, to change it in place.
    pub const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Hands the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Hidden<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    struct Witness(Rc<Cell<u32>>);

    impl Zeroize for Witness {
        fn zeroize(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn wipes_its_value_once_when_dropped() {
        let wiped = Rc::new(Cell::new(0));
        drop(Redacted::new(Witness(Rc::clone(&wiped))));
        assert_eq!(wiped.get(), 1);
    }

    #[test]
    fn is_invisible_to_serde() {
        let ssn: Redacted<String> = serde_json::from_str("\"123\"").unwrap();
        assert_eq!(serde_json::to_string(&ssn).unwrap(), "\"123\"");
        let age: Hidden<u8> = serde_json::from_str("7").unwrap();
        assert_eq!(serde_json::to_string(&age).unwrap(), "7");
    }

    #[test]
    fn prints_no_value_in_pretty_form_either() {
        assert_eq!(
            format!("{:#?}", Some(Redacted::new("x".to_owned()))),
            "Some(\n    [redacted],\n)"
        );
        assert_eq!(format!("{:#?}", Hidden::new(1)), "[hidden]");
    }
}
