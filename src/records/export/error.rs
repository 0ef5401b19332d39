//! Why a line of an export was not opened, or a file not read to its end.

use std::error::Error;
use std::fmt;

use crate::error::{BoxError, OpenError};

/// A line that was not opened, or a file that could not be read on.
///
/// It carries the number of the line, and never anything that the line says.
pub struct ExportError {
    line: u64,
    cause: Cause,
}

enum Cause {
    Open(OpenError),
    Chunks(BoxError),
    Kind(ExportErrorKind),
}

/// What went wrong with a line or a file of an export.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportErrorKind {
    /// The line has an item, and it did not open: [`ExportError::open_error`] says why.
    NotOpened,
    /// The line is not JSON.
    NotJson,
    /// The line is JSON, but neither an item nor a change of one.
    NotAnExportLine,
    /// The line is longer than the reader takes.
    LineTooLong,
    /// The file, inflated, is longer than the reader takes.
    FileTooLong,
    /// The file is not gzip, was damaged, or a checksum in it does not match.
    Corrupt,
    /// The file ends in the middle of its gzip data.
    Truncated,
    /// The bytes of the file did not come: the error's source says why.
    Chunks,
}

impl ExportErrorKind {
    const fn text(self) -> &'static str {
        match self {
            Self::NotOpened => "the item was not opened",
            Self::NotJson => "not JSON",
            Self::NotAnExportLine => "neither an item nor a change of one",
            Self::LineTooLong => "longer than `.max_line_len`",
            Self::FileTooLong => "the file, inflated, is longer than `.max_file_len`",
            Self::Corrupt => "the file is not gzip, or was damaged",
            Self::Truncated => "the file ends in the middle of its gzip data",
            Self::Chunks => "the bytes of the file did not come",
        }
    }
}

impl ExportError {
    pub(super) fn new(line: u64, kind: ExportErrorKind) -> Self {
        let cause = Cause::Kind(kind);
        Self { line, cause }
    }

    pub(super) fn not_opened(line: u64, error: OpenError) -> Self {
        let cause = Cause::Open(error);
        Self { line, cause }
    }

    pub(super) fn chunks(line: u64, error: BoxError) -> Self {
        let cause = Cause::Chunks(error);
        Self { line, cause }
    }

    /// The number of the line, from 1; of a file that could not be read on, the line it broke off in.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ExportErrorKind {
        match self.cause {
            Cause::Open(_) => ExportErrorKind::NotOpened,
            Cause::Chunks(_) => ExportErrorKind::Chunks,
            Cause::Kind(kind) => kind,
        }
    }

    /// Why the item did not open, if that is what failed.
    #[must_use]
    pub fn open_error(&self) -> Option<&OpenError> {
        match &self.cause {
            Cause::Open(error) => Some(error),
            Cause::Chunks(_) | Cause::Kind(_) => None,
        }
    }

    /// Whether the rest of the file was not read. Otherwise only this line is affected.
    #[must_use]
    pub fn is_about_file(&self) -> bool {
        match self.kind() {
            ExportErrorKind::FileTooLong
            | ExportErrorKind::Corrupt
            | ExportErrorKind::Truncated
            | ExportErrorKind::Chunks => true,
            ExportErrorKind::NotOpened
            | ExportErrorKind::NotJson
            | ExportErrorKind::NotAnExportLine
            | ExportErrorKind::LineTooLong => false,
        }
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind().text())
    }
}

/// The error of whoever handed the bytes in may print requests and responses.
impl fmt::Debug for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportError")
            .field("line", &self.line)
            .field("kind", &self.kind())
            .field("open_error", &self.open_error())
            .finish_non_exhaustive()
    }
}

impl Error for ExportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Open(error) => Some(error),
            Cause::Chunks(error) => Some(&**error),
            Cause::Kind(_) => None,
        }
    }
}
