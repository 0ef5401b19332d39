//! What a record says once its images are opened.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use super::event::{EventName, Facts, Image, names};
use crate::error::OpenError;
use crate::item::{Item, Model, ModelMismatch, OpenedItem};

/// A change of an item, its images verified and decrypted.
///
/// What it says about the change itself (event, time, sequence number, keys where there is no image)
/// is as the store says. Its `Debug` shows attribute names, never values.
#[derive(Clone)]
pub struct OpenedRecord {
    pub(super) facts: Facts,
    pub(super) keys: Image,
    pub(super) old_image: Option<Result<OpenedItem, OpenError>>,
    pub(super) new_image: Option<Result<OpenedItem, OpenError>>,
}

impl OpenedRecord {
    /// The identifier of this event, the same whenever the record is delivered again.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.facts.event_id.as_deref()
    }

    /// What happened; exports do not say.
    #[must_use]
    pub fn event_name(&self) -> Option<EventName> {
        self.facts.event_name
    }

    /// The place in the shard; exports have none.
    #[must_use]
    pub fn sequence_number(&self) -> Option<&str> {
        self.facts.sequence_number.as_deref()
    }

    /// When it happened: about to the second in streams, to the microsecond in exports.
    #[must_use]
    pub fn approximate_creation_time(&self) -> Option<SystemTime> {
        self.facts.approximate_creation_time
    }

    /// Whether DynamoDB deleted the item because its time to live was over.
    #[must_use]
    pub fn is_time_to_live_delete(&self) -> bool {
        self.facts.is_time_to_live_delete
    }

    /// The key of the item that changed.
    ///
    /// Every image that opened has exactly this key. Without an image nothing proves it.
    ///
    /// # Errors
    ///
    /// [`OpenError::Attribute`] or [`OpenError::Malformed`] if the record does not have the complete
    /// key; then no image opens either.
    pub fn keys(&self) -> Result<&Item, &OpenError> {
        self.keys.as_ref()
    }

    /// The item before the change; `None` if it was inserted, or the view has no old images.
    #[must_use]
    pub fn old_image(&self) -> Option<Result<&OpenedItem, &OpenError>> {
        self.old_image.as_ref().map(Result::as_ref)
    }

    /// The item after the change; `None` if it was deleted, or the view has no new images.
    #[must_use]
    pub fn new_image(&self) -> Option<Result<&OpenedItem, &OpenError>> {
        self.new_image.as_ref().map(Result::as_ref)
    }

    /// The item before the change as a model.
    #[must_use]
    pub fn old_image_as<T: Model>(&self) -> Option<Result<T, ImageError>> {
        self.old_image().map(read_image)
    }

    /// The item after the change as a model.
    #[must_use]
    pub fn new_image_as<T: Model>(&self) -> Option<Result<T, ImageError>> {
        self.new_image().map(read_image)
    }

    /// The item before the change, by value.
    #[must_use]
    pub fn into_old_image(self) -> Option<Result<OpenedItem, OpenError>> {
        self.old_image
    }

    /// The item after the change, by value.
    #[must_use]
    pub fn into_new_image(self) -> Option<Result<OpenedItem, OpenError>> {
        self.new_image
    }

    /// What did not open, if anything: the keys, the new image or the old one.
    #[must_use]
    pub fn error(&self) -> Option<&OpenError> {
        let failed = |image: Option<Result<_, _>>| image.and_then(Result::err);
        let keys = self.keys.as_ref().err();
        keys.or_else(|| failed(self.new_image()))
            .or_else(|| failed(self.old_image()))
    }
}

impl fmt::Debug for OpenedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedRecord")
            .field("facts", &self.facts)
            .field("keys", &names(Some(&self.keys)))
            .field("old_image", &self.old_image)
            .field("new_image", &self.new_image)
            .finish()
    }
}

fn read_image<T: Model>(image: Result<&OpenedItem, &OpenError>) -> Result<T, ImageError> {
    let opened = image.map_err(|error| ImageError::Open(error.clone()))?;
    T::from_opened(opened.clone()).map_err(ImageError::Model)
}

/// Why there is no model of an image.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum ImageError {
    /// The image did not open.
    Open(OpenError),
    /// It opened, and does not fit the model.
    Model(ModelMismatch),
}

impl ImageError {
    /// Whether the same image may open a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Open(error) => error.is_retryable(),
            Self::Model(_) => false,
        }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open(_) => "image was not opened",
            Self::Model(_) => "image does not fit the model",
        })
    }
}

impl Error for ImageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Open(error) => error,
            Self::Model(error) => error,
        })
    }
}
