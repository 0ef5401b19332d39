//! What happens to an attribute: the crypto actions of DB-ESDK.

/// What is done with one top-level attribute when an item is sealed.
///
/// The names are those of the AWS Database Encryption SDK. What an action means for an attribute
/// that is already stored is read from the item's own encrypt legend, so a change between the three
/// signed actions never makes an old item unreadable; a change between signed and
/// [`DoNothing`](Self::DoNothing) does.
#[expect(clippy::exhaustive_enums, reason = "the item format closes this list")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CryptoAction {
    /// The value is encrypted, and signed.
    EncryptAndSign,
    /// The value stays in clear, and is signed.
    SignOnly,
    /// The value stays in clear, is signed, and becomes part of the encryption context: KMS sees
    /// it, logs it, and policies can test it.
    SignAndIncludeInEncryptionContext,
    /// The value stays in clear and unsigned: anybody who can write to the table can change it.
    DoNothing,
}

impl CryptoAction {
    /// Whether the attribute is covered by the item's signature.
    ///
    /// ```
    /// use dynaseal::CryptoAction;
    /// assert!(CryptoAction::SignOnly.is_signed());
    /// assert!(!CryptoAction::DoNothing.is_signed());
    /// ```
    #[must_use]
    pub const fn is_signed(self) -> bool {
        !matches!(self, Self::DoNothing)
    }
}
