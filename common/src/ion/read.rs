//! Reads text Ion, value by value.

use std::io::Read;

use super::error::ReadError;
use super::parse::Parser;
use super::value::Value;

/// Bounds on what one value may ask for, so that a hostile or broken file cannot exhaust memory or stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How deep lists and structs may be nested. Default 200.
    pub depth: usize,
    /// How many bytes of text one top-level value may take. Default 64 MiB.
    pub value_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 200,
            value_bytes: 64 * 1024 * 1024,
        }
    }
}

/// The top-level values of a text, in order: an iterator that ends after the first error. Values may share a line or span
/// several; JSON and JSON lines are read as well, with `1.5` a decimal as Ion has it.
pub struct Reader<R> {
    parser: Parser<R>,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads from `input`, which need not be buffered, under the default [`Limits`].
    pub fn new(input: R) -> Self {
        Self::with_limits(input, Limits::default())
    }

    /// Reads under other limits.
    pub fn with_limits(input: R, limits: Limits) -> Self {
        Self {
            parser: Parser::new(input, limits),
            ended: false,
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Value, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.parser.next_top_level().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The first value of a text, `None` if it has none. What follows it is not looked at.
///
/// # Errors
/// [`ReadError`], with the place.
pub fn parse_first(text: &str) -> Result<Option<Value>, ReadError> {
    Reader::new(text.as_bytes()).next().transpose()
}

/// All values of a text.
///
/// # Errors
/// [`ReadError`], with the place.
pub fn parse_all(text: &str) -> Result<Vec<Value>, ReadError> {
    Reader::new(text.as_bytes()).collect()
}
