//! A text in the making that may not grow beyond a limit.

use crate::Error;
use crate::error::Limit;

/// A text with a limit of bytes.
#[derive(Debug)]
pub(crate) struct Text {
    buffer: String,
    limit: usize,
}

impl Text {
    pub(crate) fn new(limit: usize) -> Text {
        Text {
            buffer: String::new(),
            limit,
        }
    }

    pub(crate) fn with_capacity(limit: usize, capacity: usize) -> Text {
        Text {
            buffer: String::with_capacity(capacity.min(limit)),
            limit,
        }
    }

    #[inline]
    pub(crate) fn push_str(&mut self, text: &str) -> Result<(), Error> {
        if text.len() > self.limit - self.buffer.len() {
            return Err(too_large(self.limit));
        }
        self.buffer.push_str(text);
        Ok(())
    }

    pub(crate) fn push(&mut self, unit: char) -> Result<(), Error> {
        self.push_str(unit.encode_utf8(&mut [0; 4]))
    }

    /// Appends the same text many times.
    pub(crate) fn push_repeated(&mut self, text: &str, count: usize) -> Result<(), Error> {
        if text.len().saturating_mul(count) > self.limit - self.buffer.len() {
            return Err(too_large(self.limit));
        }
        self.buffer.extend(std::iter::repeat_n(text, count));
        Ok(())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.buffer
    }

    pub(crate) fn into_string(self) -> String {
        self.buffer
    }
}

pub(crate) fn too_large(limit: usize) -> Error {
    Error::limit(
        Limit::OutputBytes,
        format!("the output is larger than {limit} bytes (`limits.outputBytes`)"),
    )
}
