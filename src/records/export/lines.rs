//! Chunks of a file to numbered lines. Holds at most one line, one chunk, and what one step of
//! inflating makes.

use std::pin::Pin;

use futures_core::Stream;
use futures_util::{StreamExt as _, stream};

use super::inflate::Inflate;
use super::{Compression, ExportError, ExportErrorKind, Limits};
use crate::error::BoxError;

/// A line without its newline.
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

/// The lines of a file whose bytes come as `S`.
pub(super) struct Lines<S, B> {
    chunks: Pin<Box<S>>,
    /// What is read at present, and how much of it was.
    chunk: Option<(B, usize)>,
    inflate: Inflate,
    /// How much more the file may inflate to.
    budget: u64,
    splitter: Splitter,
    state: State,
}

/// What is to be done when no complete line is left.
enum State {
    Read,
    /// There is no more, and a last line may lack its newline.
    Complete,
    Failed(Failure),
    Done,
}

enum Failure {
    Chunks(BoxError),
    Kind(ExportErrorKind),
}

impl<S, B, E> Lines<S, B>
where
    S: Stream<Item = Result<B, E>> + Send + 'static,
    B: AsRef<[u8]> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    pub(super) fn new(chunks: S, compression: Compression, limits: Limits) -> Self {
        Self {
            chunks: Box::pin(chunks),
            chunk: None,
            inflate: Inflate::new(compression),
            budget: limits.file_len,
            splitter: Splitter::new(limits.line_len),
            state: State::Read,
        }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Line, ExportError>> + Send {
        stream::unfold(self, |mut lines| async {
            let line = lines.next().await?;
            Some((line, lines))
        })
    }

    async fn next(&mut self) -> Option<Result<Line, ExportError>> {
        loop {
            if let Some(line) = self.splitter.split() {
                return Some(line);
            }
            match std::mem::replace(&mut self.state, State::Done) {
                State::Read => self.state = self.read().await,
                State::Complete => return self.splitter.rest(),
                State::Failed(failure) => return Some(Err(self.error(failure))),
                State::Done => return None,
            }
        }
    }

    /// Hands a little more to the splitter.
    async fn read(&mut self) -> State {
        let Some((chunk, read)) = &mut self.chunk else {
            return match self.chunks.next().await {
                Some(Ok(chunk)) => {
                    self.chunk = Some((chunk, 0));
                    State::Read
                }
                Some(Err(error)) => State::Failed(Failure::Chunks(error.into())),
                None => {
                    let before = self.splitter.buffer.len();
                    let finished = self.inflate.finish(&mut self.splitter.buffer);
                    self.settle(before, finished, State::Complete)
                }
            };
        };
        let rest = chunk.as_ref().get(*read..).unwrap_or_default();
        if rest.is_empty() {
            self.chunk = None;
            return State::Read;
        }
        let before = self.splitter.buffer.len();
        let step = self.inflate.step(rest, &mut self.splitter.buffer);
        let step = step.map(|taken| *read += taken);
        self.settle(before, step, State::Read)
    }

    /// Takes what was inflated into account: everything in the buffer after `before`.
    ///
    /// Whatever went wrong, the lines until then are good ones, and come first.
    fn settle(&mut self, before: usize, result: Result<(), ExportErrorKind>, next: State) -> State {
        let buffer = &mut self.splitter.buffer;
        let inflated = buffer.len().saturating_sub(before);
        let budget = usize::try_from(self.budget).unwrap_or(usize::MAX);
        if inflated > budget {
            buffer.truncate(before.saturating_add(budget));
            return State::Failed(Failure::Kind(ExportErrorKind::FileTooLong));
        }
        self.budget = self
            .budget
            .saturating_sub(u64::try_from(inflated).unwrap_or(u64::MAX));
        match result {
            Ok(()) => next,
            Err(kind) => State::Failed(Failure::Kind(kind)),
        }
    }

    fn error(&self, failure: Failure) -> ExportError {
        match failure {
            Failure::Chunks(error) => ExportError::chunks(self.splitter.number, error),
            Failure::Kind(kind) => ExportError::new(self.splitter.number, kind),
        }
    }
}

/// Cuts bytes at newlines.
struct Splitter {
    /// What was not yielded yet, after `start`.
    buffer: Vec<u8>,
    start: usize,
    /// There is no newline between `start` and here.
    scanned: usize,
    /// The number of the line at `start`.
    number: u64,
    max_line_len: usize,
    /// The line at `start` was too long already, and the rest of it is dropped.
    is_skipping: bool,
}

impl Splitter {
    fn new(max_line_len: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            number: 1,
            max_line_len,
            is_skipping: false,
        }
    }

    /// The next complete line that is not blank.
    fn split(&mut self) -> Option<Result<Line, ExportError>> {
        while let Some(len) = self.find_newline() {
            let end = self.scanned.saturating_add(len);
            let line = self.take_line(end);
            self.start = end.saturating_add(1);
            self.scanned = self.start;
            self.number = self.number.saturating_add(1);
            if line.is_some() {
                return line;
            }
        }
        self.compact();
        self.refuse_long_start()
    }

    /// What comes after the last newline, once nothing more will.
    fn rest(&mut self) -> Option<Result<Line, ExportError>> {
        let line = self.take_line(self.buffer.len());
        self.buffer.clear();
        line
    }

    fn find_newline(&self) -> Option<usize> {
        let unread = self.buffer.get(self.scanned..)?;
        unread.iter().position(|byte| *byte == b'\n')
    }

    /// The line that ends at `end`; `None` if it is blank, or was refused before.
    fn take_line(&mut self, end: usize) -> Option<Result<Line, ExportError>> {
        if std::mem::take(&mut self.is_skipping) {
            return None;
        }
        let bytes = self.buffer.get(self.start..end).unwrap_or_default();
        if bytes.trim_ascii().is_empty() {
            return None;
        }
        Some(if bytes.len() > self.max_line_len {
            Err(ExportError::new(self.number, ExportErrorKind::LineTooLong))
        } else {
            Ok(Line {
                number: self.number,
                bytes: bytes.to_vec(),
            })
        })
    }

    /// Forgets the lines that were yielded, now that what is left is short.
    fn compact(&mut self) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.scanned = self.buffer.len();
    }

    /// Drops the beginning of a line that is too long whatever comes, and says so once.
    fn refuse_long_start(&mut self) -> Option<Result<Line, ExportError>> {
        if !self.is_skipping && self.buffer.len() <= self.max_line_len {
            return None;
        }
        self.buffer.clear();
        self.scanned = 0;
        let is_first = !std::mem::replace(&mut self.is_skipping, true);
        is_first.then(|| Err(ExportError::new(self.number, ExportErrorKind::LineTooLong)))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::Write as _;

    use flate2::write::GzEncoder;

    use super::*;

    const LIMITS: Limits = Limits {
        line_len: 1 << 20,
        file_len: u64::MAX,
    };

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// The most that was ever held of a file that comes in one chunk, and how many lines it had.
    async fn most_held(file: Vec<u8>) -> (usize, usize) {
        let chunks = stream::iter([Ok::<_, Infallible>(file)]);
        let mut lines = Lines::new(chunks, Compression::Detect, LIMITS);
        let (mut most, mut count) = (0, 0);
        while !matches!(lines.state, State::Done) {
            while lines.splitter.split().is_some() {
                count += 1;
            }
            if matches!(lines.state, State::Read) {
                lines.state = lines.read().await;
            } else {
                lines.state = State::Done;
            }
            most = most.max(lines.splitter.buffer.capacity());
        }
        (most, count)
    }

    #[tokio::test]
    async fn holds_no_more_than_twice_a_line_however_much_comes_out_of_a_chunk() {
        let endless = vec![b'x'; 32 << 20];
        let short = b"{}\n".repeat(4 << 20);
        for (bytes, lines) in [(endless, 1), (short, 4 << 20)] {
            let packed = gzip(&bytes);
            assert!(packed.len() < 64 << 10);
            for file in [packed, bytes] {
                let (most, count) = most_held(file).await;
                assert_eq!(count, lines);
                assert!(most <= 2 * LIMITS.line_len + (64 << 10), "{most} bytes");
            }
        }
    }
}
