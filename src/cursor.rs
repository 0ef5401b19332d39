//! The one reader of untrusted bytes: header, footer and serialized values.

use crate::error::Malformed;

/// Reads `part` front to back; every read is bounded by what is left.
pub(crate) struct Cursor<'a> {
    part: &'static str,
    bytes: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(part: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            part,
            bytes,
            rest: bytes,
        }
    }

    pub(crate) fn malformed(&self, problem: &'static str) -> Malformed {
        Malformed::new(self.part, problem)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or_else(|| self.malformed("ends early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.malformed("ends early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// Bytes that their own 32-bit length precedes.
    pub(crate) fn u32_prefixed(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u32()?;
        // On a target of 16 bits the length may not fit; such bytes cannot be there either.
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// Bytes that their own 16-bit length precedes.
    pub(crate) fn u16_prefixed(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u16()?;
        self.take(len.into())
    }

    pub(crate) fn u16_prefixed_text(&mut self) -> Result<&'a str, Malformed> {
        let bytes = self.u16_prefixed()?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("text is not UTF-8"))
    }

    /// Everything read so far, as it was received.
    pub(crate) fn consumed(&self) -> &'a [u8] {
        self.bytes
            .get(..self.bytes.len() - self.rest.len())
            .unwrap_or_default()
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Ends the reading; bytes left over are an error.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.malformed("has trailing bytes"))
        }
    }
}

/// Appends bytes under a 16-bit length; `None` if they are too many for it.
pub(crate) fn put_u16_prefixed(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.extend_from_slice(&u16::try_from(bytes.len()).ok()?.to_be_bytes());
    out.extend_from_slice(bytes);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_lengths_that_do_not_fit_and_bytes_left_over() {
        let mut cursor = Cursor::new("header", &[0, 5, 1, 2]);
        assert!(cursor.u16_prefixed().is_err());
        let mut cursor = Cursor::new("header", &[0, 1, 9, 9]);
        assert_eq!(cursor.u16_prefixed().unwrap(), [9]);
        assert_eq!(cursor.consumed(), [0, 1, 9]);
        assert_eq!(
            cursor.finish().unwrap_err().to_string(),
            "header: has trailing bytes"
        );
    }
}
