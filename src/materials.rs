//! Materials: what keyrings fill and the engine spends.
//!
//! A keyring makes or recovers [`IntermediateKey`]s. Everything after that happens here: the data
//! key, its wrapping for each recipient, the keys of the recipient tags, and the signing key of the
//! item. A keyring never sees a data key, another recipient or a header.

mod budget;
mod decrypt;
mod encrypt;
mod intermediate;
mod pin;
