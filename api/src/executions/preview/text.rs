//! Text of any encoding.

use super::Beginning;
use crate::error::{ApiError, Result};

/// How text is encoded.
pub(super) type Encoding = &'static encoding_rs::Encoding;

/// The encoding of this name. 422 when there is none.
pub(super) fn encoding(name: &str) -> Result<Encoding> {
    let known = encoding_rs::Encoding::for_label(name.trim().as_bytes());
    known.ok_or_else(|| {
        ApiError::illegal_argument(format!("Unable to preview using encoding '{name}'"))
    })
}

/// The text; what is not of the encoding is shown as `U+FFFD`.
pub(super) fn decode(beginning: &Beginning, encoding: Encoding) -> String {
    encoding.decode(&beginning.bytes).0.into_owned()
}

/// The first lines, and whether there are more.
pub(super) fn lines(text: &str, cut: bool, count: usize) -> (String, bool) {
    let end = text
        .match_indices('\n')
        .nth(count - 1)
        .map(|(place, _)| place + 1);
    match end {
        Some(end) if end < text.len() => (text[..end].to_owned(), true),
        _ if cut => (text.to_owned(), true),
        _ => (text.strip_suffix('\n').unwrap_or(text).to_owned(), false),
    }
}
