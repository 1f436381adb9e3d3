//! Bytes of a text with a short look ahead, the place they stand at, and a bound on what one value may take.

use std::io::{ErrorKind, Read};

use super::error::ReadError;

const CHUNK_BYTES: usize = 64 * 1024;

/// A buffered byte source. Knows line and column of the next byte.
pub(super) struct Source<R> {
    input: R,
    buffer: Vec<u8>,
    position: usize,
    ended: bool,
    line: u64,
    column: u64,
    /// Bytes that the value being read may still take.
    budget: u64,
    limit: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(input: R, value_limit_bytes: u64) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            position: 0,
            ended: false,
            line: 1,
            column: 1,
            budget: value_limit_bytes,
            limit: value_limit_bytes,
        }
    }

    /// Starts a new value: it may take as many bytes as the limit says.
    pub(super) fn renew_budget(&mut self) {
        self.budget = self.limit;
    }

    /// The next byte, if there is one.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        if self.position == self.buffer.len() {
            self.fill(1)?;
        }
        Ok(self.buffer.get(self.position).copied())
    }

    /// The byte `ahead` of the next one.
    pub(super) fn peek_at(&mut self, ahead: usize) -> Result<Option<u8>, ReadError> {
        if self.position + ahead >= self.buffer.len() {
            self.fill(ahead + 1)?;
        }
        Ok(self.buffer.get(self.position + ahead).copied())
    }

    /// Whether these bytes come next.
    pub(super) fn starts_with(&mut self, bytes: &[u8]) -> Result<bool, ReadError> {
        if self.buffer.len() - self.position < bytes.len() {
            self.fill(bytes.len())?;
        }
        Ok(self.buffer[self.position..].starts_with(bytes))
    }

    /// Steps over the next byte, which the caller has peeked.
    pub(super) fn bump(&mut self) -> Result<(), ReadError> {
        let byte = self.buffer[self.position];
        self.spend(1)?;
        self.position += 1;
        if byte == b'\n' {
            self.line += 1;
            self.column = 1;
        } else if starts_character(byte) {
            self.column += 1;
        }
        Ok(())
    }

    /// Steps over the next `count` peeked bytes.
    pub(super) fn skip(&mut self, count: usize) -> Result<(), ReadError> {
        for _ in 0..count {
            self.bump()?;
        }
        Ok(())
    }

    /// Moves bytes to `out` up to the first one for which `stops` holds, or the end. No line break is moved unless `stops`
    /// lets it pass, and lines are counted all the same.
    pub(super) fn take_until(
        &mut self,
        out: &mut Vec<u8>,
        stops: impl Fn(u8) -> bool,
    ) -> Result<(), ReadError> {
        loop {
            if self.peek()?.is_none() {
                return Ok(());
            }
            let rest = &self.buffer[self.position..];
            let length = rest
                .iter()
                .position(|byte| stops(*byte))
                .unwrap_or(rest.len());
            if length == 0 {
                return Ok(());
            }
            self.spend(length as u64)?;
            let piece = &self.buffer[self.position..self.position + length];
            out.extend_from_slice(piece);
            match piece.iter().rposition(|byte| *byte == b'\n') {
                Some(last) => {
                    self.line += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
                    self.column = 1 + characters(&piece[last + 1..]);
                }
                None => self.column += characters(piece),
            }
            self.position += length;
        }
    }

    /// An error at the next byte.
    pub(super) fn error(&self, message: impl Into<String>) -> ReadError {
        self.error_at(self.place(), message)
    }

    /// An error at a place remembered from [`Source::place`].
    pub(super) fn error_at(
        &self,
        (line, column): (u64, u64),
        message: impl Into<String>,
    ) -> ReadError {
        ReadError::Syntax {
            line,
            column,
            message: message.into(),
        }
    }

    /// Line and column of the next byte.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.line, self.column)
    }

    fn spend(&mut self, bytes: u64) -> Result<(), ReadError> {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(self.error(format!("a value takes more than {} bytes", self.limit))),
        }
    }

    /// Reads on until `wanted` bytes stand ready or the input ends. What has been stepped over is dropped.
    fn fill(&mut self, wanted: usize) -> Result<(), ReadError> {
        self.buffer.drain(..self.position);
        self.position = 0;
        while !self.ended && self.buffer.len() < wanted {
            let filled = self.buffer.len();
            self.buffer.resize(filled + CHUNK_BYTES, 0);
            let read = match self.input.read(&mut self.buffer[filled..]) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    self.buffer.truncate(filled);
                    continue;
                }
                Err(error) => {
                    self.buffer.truncate(filled);
                    return Err(error.into());
                }
            };
            self.buffer.truncate(filled + read);
            self.ended = read == 0;
        }
        Ok(())
    }
}

/// A byte in words, for messages.
pub(super) fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("`{}`", char::from(byte))
    } else {
        format!("the byte 0x{byte:02X}")
    }
}

fn starts_character(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

fn characters(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| starts_character(**byte)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a read, as slow pipes do.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else {
                return Ok(0);
            };
            out[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn places_are_lines_and_characters_however_the_bytes_arrive() {
        let mut source = Source::new(Drip("é漢x\ny'''".as_bytes()), 1000);
        let mut taken = Vec::new();
        source.take_until(&mut taken, |byte| byte == b'y').unwrap();
        assert_eq!(taken, "é漢x\n".as_bytes());
        assert_eq!(source.place(), (2, 1));
        source.bump().unwrap();
        assert!(source.starts_with(b"'''").unwrap());
        assert!(!source.starts_with(b"''''").unwrap());
        assert_eq!(source.peek_at(2).unwrap(), Some(b'\''));
        assert_eq!(source.peek_at(3).unwrap(), None);
    }

    #[test]
    fn a_value_larger_than_the_limit_is_refused() {
        let mut source = Source::new(&b"0123456789"[..], 4);
        let error = source.take_until(&mut Vec::new(), |_| false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1, column 1: a value takes more than 4 bytes"
        );
    }
}
