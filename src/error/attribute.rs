//! What can be wrong with one attribute.

use std::error::Error;
use std::fmt;

/// One attribute of an item that cannot be sealed, or was not sealed like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAttribute {
    name: String,
    issue: AttributeIssue,
}

impl InvalidAttribute {
    pub(crate) fn new(name: impl Into<String>, issue: AttributeIssue) -> Self {
        Self {
            name: name.into(),
            issue,
        }
    }

    /// The attribute's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wrong with it.
    #[must_use]
    pub fn issue(&self) -> AttributeIssue {
        self.issue
    }
}

impl fmt::Display for InvalidAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever writes to the table chooses names; none may look like a line of its own.
        write!(
            f,
            "attribute `{}`: {}",
            self.name.escape_debug(),
            self.issue
        )
    }
}

impl Error for InvalidAttribute {}

/// What is wrong with an attribute.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeIssue {
    /// The schema states no action for it, and it is not allowed to be unsigned.
    NoAction,
    /// Its name belongs to the item format, or to DynamoDB's replication.
    Reserved,
    /// It is a key or part of the encryption context, and the item has none.
    Missing,
    /// It is encrypted according to the header, and not of type B.
    NotBinary,
    /// It is encrypted according to the header, and shorter than any ciphertext.
    TooShort,
    /// It is a key, and not the one that was asked for, or that a record of a stream is about.
    AnotherKey,
    /// It is in the encryption context, and differs in case only from another that is.
    DiffersInCase,
    /// It is the version, and not an integer that can still be counted up.
    NotAVersion,
    /// It is the tenant, and not a string, or an empty one.
    NotATenant,
    /// Its value has no canonical bytes, or its bytes no value.
    Value(ValueError),
}

impl fmt::Display for AttributeIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAction => {
                "no crypto action; give it one in the schema, or allow it to be unsigned"
            }
            Self::Reserved => {
                "reserved; names that start with `aws_dbe_` belong to the item format, those with \
                 `aws:rep:` to DynamoDB's replication"
            }
            Self::Missing => "missing; keys and context attributes must be present",
            Self::NotBinary => "encrypted according to the header, but not of type B",
            Self::TooShort => "encrypted according to the header, but shorter than any ciphertext",
            Self::DiffersInCase => {
                "differs in case only from another context attribute; policies could not tell them apart"
            }
            Self::NotAVersion => "not a version: an integer from 0 to 2^64 - 2",
            Self::NotATenant => "not a tenant: a string that is not empty",
            Self::AnotherKey => "not the key that was asked for, or that the record is about",
            Self::Value(cause) => return cause.fmt(f),
        })
    }
}

/// Why a value cannot be serialized, or serialized bytes are not a value.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// A set holds a member twice; numbers are compared after normalization.
    DuplicateMember,
    /// Lists and maps nest deeper than 32 levels.
    TooDeep,
    /// A number does not match DynamoDB's grammar.
    NotANumber,
    /// A number has more than 38 significant digits.
    TooManyDigits,
    /// A number is not below 1e126, or is nearer to zero than 1e-130.
    MagnitudeOutOfRange,
    /// A map key is empty or has more than 65,535 bytes.
    MapKeyLength,
    /// A value, or a count, does not fit 32 bits.
    TooLong,
    /// A type of attribute value that the item format does not know.
    UnknownType,
    /// Bytes end early, go on too long, or say something impossible.
    Malformed,
    /// Bytes that should be text are not UTF-8.
    NotUtf8,
    /// JSON that is not DynamoDB JSON: another shape, two types for one value, broken base64.
    NotDynamoDbJson,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DuplicateMember => "a set has a duplicate member",
            Self::TooDeep => "lists and maps nest deeper than 32 levels",
            Self::NotANumber => "a number is not in DynamoDB's grammar",
            Self::TooManyDigits => "a number has more than 38 significant digits",
            Self::MagnitudeOutOfRange => "a number is out of DynamoDB's range",
            Self::MapKeyLength => "a map key is empty or longer than 65535 bytes",
            Self::TooLong => "a value is too long for its length field",
            Self::UnknownType => "the type is not known to the item format",
            Self::Malformed => "the bytes are not a serialized value",
            Self::NotUtf8 => "text is not UTF-8",
            Self::NotDynamoDbJson => "the JSON is not that of an attribute value",
        })
    }
}

impl Error for ValueError {}
