//! Lengths and indexes in UTF-16 units, as Java counts them.

/// The number of units of a text.
pub(crate) fn length(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

/// The units from `start` up to `end`; half a pair at either side becomes U+FFFD. Both must be within the text.
pub(crate) fn slice(text: &str, start: usize, end: usize) -> String {
    if text.is_ascii() {
        return text.get(start..end).unwrap_or_default().to_owned();
    }
    let units: Vec<u16> = text
        .encode_utf16()
        .skip(start)
        .take(end.saturating_sub(start))
        .collect();
    String::from_utf16_lossy(&units)
}

/// The index in units of a byte offset.
pub(crate) fn index_of(text: &str, offset: usize) -> usize {
    length(&text[..offset])
}
