//! Bytes of a file to bytes of its lines, in small steps.

use std::io::{ErrorKind, Write as _};

use flate2::write::GzDecoder;

use super::{Compression, ExportErrorKind};

/// What every gzip member begins with.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The most input that a step takes. What comes out of one is bounded by the decoder's buffer.
const STEP_LEN: usize = 32 << 10;

/// A file being inflated, or passed through.
pub(super) enum Inflate {
    /// Too few bytes yet to tell.
    Undecided(Vec<u8>),
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Plain,
}

impl Inflate {
    pub(super) fn new(compression: Compression) -> Self {
        match compression {
            Compression::Detect => Self::Undecided(Vec::new()),
            Compression::Gzip => Self::Gzip(new_member()),
            Compression::None => Self::Plain,
        }
    }

    /// Takes some of `input`, at least a byte, and appends what it inflates to. Returns how much it
    /// took.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, ExportErrorKind> {
        let input = input.get(..STEP_LEN).unwrap_or(input);
        match self {
            Self::Undecided(head) => {
                let missing = MAGIC.len().saturating_sub(head.len());
                let taken = input.get(..missing).unwrap_or(input);
                head.extend_from_slice(taken);
                if head.len() == MAGIC.len() {
                    self.decide(out)?;
                }
                Ok(taken.len())
            }
            Self::Gzip(decoder) => inflate(decoder, input, out),
            Self::Plain => {
                out.extend_from_slice(input);
                Ok(input.len())
            }
        }
    }

    /// Appends what is left, once there is no more input.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ExportErrorKind> {
        match self {
            Self::Undecided(_) => self.decide(out),
            Self::Gzip(decoder) => finish(decoder, out),
            Self::Plain => Ok(()),
        }
    }

    fn decide(&mut self, out: &mut Vec<u8>) -> Result<(), ExportErrorKind> {
        let Self::Undecided(head) = self else {
            return Ok(());
        };
        let head = std::mem::take(head);
        if head == MAGIC {
            let mut decoder = new_member();
            let written = decoder.write_all(&head);
            *self = Self::Gzip(decoder);
            written.map_err(|_| ExportErrorKind::Corrupt)
        } else {
            *self = Self::Plain;
            out.extend_from_slice(&head);
            Ok(())
        }
    }
}

fn new_member() -> Box<GzDecoder<Vec<u8>>> {
    Box::new(GzDecoder::new(Vec::new()))
}

fn inflate(
    decoder: &mut Box<GzDecoder<Vec<u8>>>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<usize, ExportErrorKind> {
    let mut taken = write(decoder, input, out)?;
    if taken == 0 {
        // The member is complete, and what follows can only be another one.
        finish_member(decoder, out)?;
        *decoder = new_member();
        taken = write(decoder, input, out)?;
    }
    if taken == 0 {
        return Err(ExportErrorKind::Corrupt);
    }
    Ok(taken)
}

fn write(
    decoder: &mut GzDecoder<Vec<u8>>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<usize, ExportErrorKind> {
    let taken = decoder.write(input);
    out.append(decoder.get_mut());
    taken.map_err(|_| ExportErrorKind::Corrupt)
}

fn finish(decoder: &mut GzDecoder<Vec<u8>>, out: &mut Vec<u8>) -> Result<(), ExportErrorKind> {
    // Lines before the end of a file that was cut off are good lines.
    let flushed = decoder.flush();
    out.append(decoder.get_mut());
    flushed.map_err(|_| ExportErrorKind::Corrupt)?;
    // A complete member takes no more. That tells one that was cut off from one that was changed,
    // which the decoder reports alike.
    match decoder.write(&[0]) {
        Ok(0) => finish_member(decoder, out),
        _ => Err(ExportErrorKind::Truncated),
    }
}

/// Checks length and checksum.
fn finish_member(
    decoder: &mut GzDecoder<Vec<u8>>,
    out: &mut Vec<u8>,
) -> Result<(), ExportErrorKind> {
    let finished = decoder.try_finish();
    out.append(decoder.get_mut());
    finished.map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => ExportErrorKind::Truncated,
        _ => ExportErrorKind::Corrupt,
    })
}
