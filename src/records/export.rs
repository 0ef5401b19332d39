//! Table exports in S3: files of DynamoDB JSON, one item or change a line, gzipped (feature `export`).
//!
//! [`ExportReader`] takes the bytes of one file as they come, and yields a result for every line, in
//! order. It does no I/O of its own: hand it the body of `GetObject`, or whatever else has the bytes.
//!
//! Full exports and incremental ones are told apart line by line. Exports in Amazon Ion are not read.
//!
//! A file is as trustworthy as the bucket: items that open are as they were sealed, but lines, or whole
//! files, can be missing, be repeated, or be from an older export. The manifests of an export say how
//! many items there should be.

mod error;
mod inflate;
mod line;
mod lines;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt as _;

pub use self::error::{ExportError, ExportErrorKind};
pub use self::line::{LineContent, OpenedLine};
use self::lines::Lines;
use super::open::{DEFAULT_CONCURRENCY, Opening, in_order};
use crate::item::ItemEncryptor;

/// Reads and opens the files of a table export.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::convert::Infallible;
///
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use dynaseal::records::export::ExportReader;
/// use dynaseal::{Item, ItemEncryptor, ItemSchema, RawAesKeyring};
/// use futures_util::{StreamExt, stream};
///
/// let schema = ItemSchema::builder("orders", "id").build()?;
/// let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
/// let encryptor = ItemEncryptor::new(schema, keyring);
///
/// // From S3: `stream::unfold(object.body, |mut body| async { Some((body.next().await?, body)) })`.
/// let file = "{\"Item\":{\"id\":{\"S\":\"o-1\"}}}\nnot a line of an export\n";
/// let chunks = stream::iter([Ok::<_, Infallible>(file)]);
///
/// let mut lines = ExportReader::new(&encryptor).open(chunks);
/// while let Some(line) = lines.next().await {
///     match line {
///         Ok(line) => println!("line {}: {:?}", line.number(), line.content()),
///         Err(error) => println!("{error}"), // "line 1: the item was not opened", …
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ExportReader {
    encryptor: ItemEncryptor,
    compression: Compression,
    limits: Limits,
    concurrency: usize,
}

/// Whether a file is compressed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Gzip if it begins like gzip, which no JSON does.
    #[default]
    Detect,
    /// Gzip, as DynamoDB writes it; anything else is an error.
    Gzip,
    /// Not at all.
    None,
}

/// What a file may make a reader hold and do.
#[derive(Clone, Copy, Debug)]
struct Limits {
    line_len: usize,
    file_len: u64,
}

impl ExportReader {
    /// The most bytes of a line, unless told otherwise: 8 MiB.
    ///
    /// An item has 400 KB at most. JSON makes up to six bytes of one (control characters are
    /// escaped) or up to seven (`{"NULL":true},` is two bytes in a list), and a change has two images
    /// of the item: under 6 MiB. A longer line is an error of its own, and is not kept.
    pub const DEFAULT_MAX_LINE_LEN: usize = 8 << 20;

    /// The most bytes of a file, inflated, unless told otherwise: 64 GiB.
    ///
    /// A file has the items of one partition of the table, which holds 10 GB; JSON makes up to six
    /// times as much of it. This bounds time: a small file can inflate a thousandfold. Memory does not
    /// depend on it.
    pub const DEFAULT_MAX_FILE_LEN: u64 = 64 << 30;

    /// A reader for items that this encryptor opens.
    #[must_use]
    pub fn new(encryptor: &ItemEncryptor) -> Self {
        Self {
            encryptor: encryptor.clone(),
            compression: Compression::default(),
            limits: Limits {
                line_len: Self::DEFAULT_MAX_LINE_LEN,
                file_len: Self::DEFAULT_MAX_FILE_LEN,
            },
            concurrency: DEFAULT_CONCURRENCY,
        }
    }

    /// Whether files are compressed. By default each file tells.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The most bytes of a line, without its newline. By default
    /// [`DEFAULT_MAX_LINE_LEN`](Self::DEFAULT_MAX_LINE_LEN).
    ///
    /// As many lines as are opened at a time are held in memory, and parsing one takes about a dozen
    /// times its length for a moment.
    #[must_use]
    pub fn max_line_len(mut self, bytes: usize) -> Self {
        self.limits.line_len = bytes;
        self
    }

    /// The most bytes of a file, inflated. By default
    /// [`DEFAULT_MAX_FILE_LEN`](Self::DEFAULT_MAX_FILE_LEN).
    #[must_use]
    pub fn max_file_len(mut self, bytes: u64) -> Self {
        self.limits.file_len = bytes;
        self
    }

    /// How many lines are opened at a time (at least one). By default [`DEFAULT_CONCURRENCY`].
    #[must_use]
    pub fn concurrency(mut self, lines: usize) -> Self {
        self.concurrency = lines;
        self
    }

    /// Opens the lines of one file, whose bytes come as `chunks`, cut anywhere.
    ///
    /// Yields one result for every line that is not blank, in order. An error that is about its line
    /// alone is followed by the next line. One that is about the file
    /// ([`ExportError::is_about_file`]) is the last thing that is yielded: a stream that ends without
    /// one has read the whole file.
    pub fn open<S, B, E>(&self, chunks: S) -> OpenedLines
    where
        S: Stream<Item = Result<B, E>> + Send + 'static,
        B: AsRef<[u8]> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let lines = Lines::new(chunks, self.compression, self.limits).into_stream();
        let encryptor = self.encryptor.clone();
        let opening = lines.map(move |line| {
            let encryptor = encryptor.clone();
            async move { line::open(&encryptor, line?).await }
        });
        OpenedLines(in_order(opening, self.concurrency))
    }
}

/// The lines of a file, opened. Made by [`ExportReader::open`].
#[must_use = "a stream does nothing until it is polled"]
pub struct OpenedLines(Opening<Result<OpenedLine, ExportError>>);

impl Stream for OpenedLines {
    type Item = Result<OpenedLine, ExportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Debug for OpenedLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedLines").finish_non_exhaustive()
    }
}
