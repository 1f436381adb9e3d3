//! What stands between quotes, and its escapes.

use std::io::Read;

use super::error::ReadError;
use super::source::{Source, shown};

/// How escapes are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    Text,
    /// In clobs, where `\xFF` is a byte.
    Bytes,
}

impl<R: Read> Source<R> {
    /// What stands before `closing`, unescaped; steps over `closing`.
    pub(super) fn quoted_piece(
        &mut self,
        out: &mut Vec<u8>,
        closing: &[u8],
        escapes: Escapes,
    ) -> Result<(), ReadError> {
        let opened_at = self.place();
        let long = closing.len() > 1;
        loop {
            self.take_until(out, |byte| {
                byte == closing[0] || byte == b'\\' || byte == b'\n' || byte == b'\r'
            })?;
            match self.peek()? {
                None => return Err(self.error_at(opened_at, "this text is never closed")),
                Some(b'\\') => self.escape(out, escapes)?,
                Some(b'\n' | b'\r') if !long => {
                    return Err(self.error("a text in quotes must end on its line"));
                }
                Some(b'\r') => {
                    self.bump()?;
                    if self.peek()? == Some(b'\n') {
                        self.bump()?;
                    }
                    out.push(b'\n');
                }
                Some(_) if self.starts_with(closing)? => {
                    return self.skip(closing.len());
                }
                Some(byte) => {
                    out.push(byte);
                    self.bump()?;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>, escapes: Escapes) -> Result<(), ReadError> {
        let place = self.place();
        self.bump()?;
        let Some(byte) = self.peek()? else {
            return Err(self.error_at(place, "the text ends within an escape"));
        };
        self.bump()?;
        let plain = match byte {
            b'0' => 0,
            b'a' => 0x07,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 0x0B,
            b'f' => 0x0C,
            b'r' => b'\r',
            b'"' | b'\'' | b'\\' | b'/' | b'?' => byte,
            b'\n' => return Ok(()),
            b'\r' => {
                if self.peek()? == Some(b'\n') {
                    self.bump()?;
                }
                return Ok(());
            }
            b'x' => {
                let code = self.hex_digits(2, place)?;
                match escapes {
                    Escapes::Bytes => out.push(code as u8),
                    Escapes::Text => push_character(out, char::from(code as u8)),
                }
                return Ok(());
            }
            b'u' if escapes == Escapes::Text => return self.unicode_escape(out, place),
            b'U' if escapes == Escapes::Text => {
                let code = self.hex_digits(8, place)?;
                let character = char::from_u32(code).ok_or_else(|| {
                    self.error_at(place, format!("`\\U{code:08x}` is no character"))
                })?;
                push_character(out, character);
                return Ok(());
            }
            _ => {
                return Err(self.error_at(place, format!("no escape `\\` with {}", shown(byte))));
            }
        };
        out.push(plain);
        Ok(())
    }

    /// `\u0041`; two of them may be a surrogate pair, as in JSON. A lone surrogate becomes U+FFFD.
    fn unicode_escape(&mut self, out: &mut Vec<u8>, place: (u64, u64)) -> Result<(), ReadError> {
        let mut code = self.hex_digits(4, place)?;
        while (0xD800..0xDC00).contains(&code) {
            if !self.starts_with(b"\\u")? {
                break;
            }
            self.skip(2)?;
            let low = self.hex_digits(4, place)?;
            if (0xDC00..0xE000).contains(&low) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            } else {
                push_character(out, char::REPLACEMENT_CHARACTER);
                code = low;
            }
        }
        push_character(
            out,
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
        );
        Ok(())
    }

    fn hex_digits(&mut self, count: usize, place: (u64, u64)) -> Result<u32, ReadError> {
        let mut code = 0;
        for _ in 0..count {
            let digit = self.peek()?.and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.error_at(
                    place,
                    format!("this escape needs {count} hexadecimal digits"),
                ));
            };
            self.bump()?;
            code = code << 4 | digit;
        }
        Ok(code)
    }
}

fn push_character(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}
