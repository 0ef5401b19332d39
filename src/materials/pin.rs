//! The tenant that a request is limited to.

use std::fmt;

/// The only tenant whose items are sealed or opened, if there is one.
#[derive(Clone, Copy, Default)]
pub(super) struct Pin<'a>(pub(super) Option<&'a str>);

/// Names of tenants are values of items: they do not get into logs by way of a request.
impl fmt::Debug for Pin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pinned = if self.0.is_some() {
            "one tenant"
        } else {
            "no tenant"
        };
        f.write_str(pinned)
    }
}
