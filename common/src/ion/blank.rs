//! White space and comments.

use std::io::Read;

use super::error::ReadError;
use super::source::Source;

impl<R: Read> Source<R> {
    /// White space and comments, but only as far as it leads to `::`; a line may end after a symbol.
    pub(super) fn skip_blanks_before_colons(&mut self) -> Result<(), ReadError> {
        while matches!(self.peek()?, Some(b' ' | b'\t')) {
            self.bump()?;
        }
        Ok(())
    }

    pub(super) fn skip_whitespace(&mut self) -> Result<(), ReadError> {
        while matches!(
            self.peek()?,
            Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
        ) {
            self.bump()?;
        }
        Ok(())
    }

    /// White space and comments.
    pub(super) fn skip_blanks(&mut self) -> Result<(), ReadError> {
        loop {
            self.skip_whitespace()?;
            if self.peek()? != Some(b'/') {
                return Ok(());
            }
            match self.peek_at(1)? {
                Some(b'/') => {
                    while !matches!(self.peek()?, None | Some(b'\n')) {
                        self.bump()?;
                    }
                }
                Some(b'*') => {
                    let opened_at = self.place();
                    self.skip(2)?;
                    while !self.starts_with(b"*/")? {
                        if self.peek()?.is_none() {
                            return Err(self.error_at(opened_at, "this comment is never closed"));
                        }
                        self.bump()?;
                    }
                    self.skip(2)?;
                }
                _ => return Ok(()),
            }
        }
    }
}
