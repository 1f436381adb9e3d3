//! Why a text could not be read as Ion.

use std::io;

/// What stopped a [`Reader`](super::Reader).
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text is not Ion at this place. Lines and columns count from 1, columns in characters.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Where it went wrong.
        line: u64,
        /// Where it went wrong.
        column: u64,
        /// What was expected or found.
        message: String,
    },
    /// The file begins with the marker of binary Ion.
    #[error("this is binary Ion, only text Ion and JSON can be read")]
    Binary,
    /// The source failed.
    #[error("cannot read the Ion text")]
    Io(#[from] io::Error),
}
