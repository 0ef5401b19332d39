//! What the closure of an update returns.

use crate::error::BoxError;

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
}

/// What the closure of [`update`](crate::SealedTable::update) may return: nothing, or a `Result`
/// whose error ends the update before anything is written.
///
/// There is nothing to implement.
pub trait Change: sealed::Sealed {
    /// The closure's own error, if it refused.
    ///
    /// # Errors
    ///
    /// The closure's.
    fn into_result(self) -> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>>;
}

impl sealed::Sealed for () {}
impl Change for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> sealed::Sealed for Result<(), E> {}
impl<E: Into<BoxError>> Change for Result<(), E> {
    fn into_result(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}
