//! White space as Java sees it.

/// `Character.isWhitespace`: Unicode spaces but the no-break ones, and the control characters that separate.
pub(crate) fn is_blank(unit: char) -> bool {
    match unit {
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}' => false,
        '\u{1c}'..='\u{1f}' => true,
        _ => unit.is_whitespace(),
    }
}
