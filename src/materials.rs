//! Materials: what keyrings fill and the engine spends.
//!
//! A keyring makes or recovers [`IntermediateKey`]s. Everything after that happens here: the data
//! key, its wrapping for each recipient, the keys of the recipient tags, and the signing key of the
//! item. A keyring never sees a data key, another recipient or a header.

mod budget;
mod decrypt;
mod encrypt;
mod intermediate;
mod kept;
mod pin;

pub(crate) use budget::CallBudget;
pub use decrypt::{DecryptRequest, Opened};
pub use encrypt::{EncryptRequest, WrappedKey};
pub(crate) use encrypt::{EncryptionMaterials, Preparation};
pub(crate) use kept::{DetachedRequest, RequestKey, SharedOpened};

#[cfg(doc)]
use crate::secret::IntermediateKey;
