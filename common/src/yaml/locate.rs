//! From a place inside of a scalar's text back to the file.

use std::iter::Peekable;
use std::str::CharIndices;

use super::node::{Node, Span};
use super::scalar::Style;

/// Where in the file the bytes `offset..offset + length` of a scalar's text stand: quotes, escapes, folded lines and the indentation
/// of blocks are accounted for. What is no scalar, or was not written in this text, gives its own place.
pub fn locate(source: &str, node: &Node, offset: usize, length: usize) -> Span {
    let whole = node.span;
    let (Some(scalar), Some(written)) = (node.as_scalar(), source.get(whole.bytes())) else {
        return whole;
    };
    if written.is_empty() {
        return whole;
    }
    let text = scalar.as_str();
    let mut walk = Walk::new(written, text, scalar.style());
    let start = walk.to(offset.min(text.len()));
    let end = if length == 0 {
        start
    } else {
        walk.behind((offset + length).min(text.len())).max(start)
    };
    let before = &written[..start];
    let (line, column) = match before.rfind('\n') {
        Some(at) => (
            whole.line + before.matches('\n').count(),
            before[at + 1..].chars().count() + 1,
        ),
        None => (whole.line, whole.column + before.chars().count()),
    };
    Span {
        line,
        column,
        start: whole.start + start,
        end: whole.start + end,
    }
}

/// Two texts walked side by side: every character of the value that is no white space stands, as it is or escaped, in the
/// same order in what was written.
struct Walk<'a> {
    written: Peekable<CharIndices<'a>>,
    written_length: usize,
    value: Peekable<CharIndices<'a>>,
    style: Style,
    /// The byte in what was written after the last character that was matched.
    after_match: usize,
    /// The byte in the value after the last character that was matched.
    value_after_match: usize,
}

impl<'a> Walk<'a> {
    fn new(written: &'a str, value: &'a str, style: Style) -> Self {
        // a block begins at its first content, its header is not part of what was written
        let skipped = match style {
            Style::Plain | Style::Literal | Style::Folded => 0,
            Style::SingleQuoted | Style::DoubleQuoted => 1,
        };
        let mut characters = written.char_indices().peekable();
        while characters.next_if(|(at, _)| *at < skipped).is_some() {}
        Self {
            written: characters,
            written_length: written.len(),
            value: value.char_indices().peekable(),
            style,
            after_match: skipped,
            value_after_match: 0,
        }
    }

    /// The byte in what was written of the byte `offset` of the value.
    fn to(&mut self, offset: usize) -> usize {
        self.advance(offset);
        match self.value.peek() {
            Some((_, character)) if !character.is_whitespace() => {
                self.skip_to_content();
                self.written
                    .peek()
                    .map_or(self.written_length, |(at, _)| *at)
            }
            _ => self.in_white_space(offset),
        }
    }

    /// The byte in what was written that follows on the last one before the byte `offset` of the value.
    fn behind(&mut self, offset: usize) -> usize {
        self.advance(offset);
        self.in_white_space(offset)
    }

    fn advance(&mut self, offset: usize) {
        while let Some((_, character)) = self.value.next_if(|(at, _)| *at < offset) {
            if !character.is_whitespace() {
                self.skip_to_content();
                self.take();
                self.value_after_match = self.value.peek().map_or(offset, |(at, _)| *at);
            }
        }
    }

    /// White space on the same line stands right behind what was matched; otherwise that is as near as it gets.
    fn in_white_space(&self, offset: usize) -> usize {
        let behind = self.after_match + offset.saturating_sub(self.value_after_match);
        if behind == self.after_match {
            behind
        } else {
            behind.min(self.next_content())
        }
    }

    fn next_content(&self) -> usize {
        let mut ahead = self.written.clone();
        loop {
            match ahead.peek() {
                Some((at, character)) if *character == '\n' || !character.is_whitespace() => {
                    return *at;
                }
                Some(_) => ahead.next(),
                None => return self.written_length,
            };
        }
    }

    fn skip_to_content(&mut self) {
        while let Some((_, character)) = self.written.peek() {
            if character.is_whitespace() {
                self.written.next();
            } else if *character == '\\' && self.style == Style::DoubleQuoted {
                let mut escape = self.written.clone();
                if take_escape(&mut escape) {
                    return;
                }
                self.written = escape;
            } else {
                return;
            }
        }
    }

    /// Consumes one character of content.
    fn take(&mut self) {
        match (
            self.written.peek().map(|(_, character)| *character),
            self.style,
        ) {
            (Some('\\'), Style::DoubleQuoted) => {
                take_escape(&mut self.written);
            }
            (Some('\''), Style::SingleQuoted) => {
                self.written.next();
                self.written.next_if(|(_, character)| *character == '\'');
            }
            _ => {
                self.written.next();
            }
        }
        self.after_match = self
            .written
            .peek()
            .map_or(self.written_length, |(at, _)| *at);
    }
}

/// Consumes an escape of a double-quoted scalar; whether it stands for something that is no white space.
fn take_escape(characters: &mut Peekable<CharIndices<'_>>) -> bool {
    characters.next();
    let Some((_, kind)) = characters.next() else {
        return false;
    };
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'n' | 'r' | 't' | 'v' | 'f' | 'N' | '_' | 'L' | 'P' | ' ' | '\t' | '\n' | '\r' => {
            return false;
        }
        _ => return true,
    };
    let code: String = characters
        .clone()
        .take(digits)
        .map(|(_, digit)| digit)
        .collect();
    for _ in 0..digits {
        characters.next();
    }
    let code = u32::from_str_radix(&code, 16).unwrap_or_default();
    // the second half of a pair of surrogates belongs to the same character
    if (0xd800..0xdc00).contains(&code) {
        for _ in 0..6 {
            characters.next();
        }
    }
    !char::from_u32(code).is_some_and(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Limits, parse};

    /// Finds `needle` in the value, and what stands in the file where it is said to be.
    fn found<'a>(source: &'a str, needle: &str) -> (usize, usize, &'a str) {
        let node = parse(source, &Limits::default()).unwrap();
        let value = node.as_mapping().unwrap().get("k").unwrap();
        let offset = value.as_text().unwrap().find(needle).unwrap();
        let span = locate(source, value, offset, needle.len());
        (span.line, span.column, &source[span.bytes()])
    }

    #[test]
    fn places_in_scalars_of_every_style_are_found_in_the_file() {
        assert_eq!(found("k: abc def\n", "def"), (1, 8, "def"));
        assert_eq!(found("k: abc\n  déf ghi\n", "ghi"), (2, 7, "ghi"));
        assert_eq!(found("k: 'it''s here'\n", "here"), (1, 11, "here"));
        assert_eq!(
            found("k: \"a\\n\\tb \\u0041c\\\n   d\"\n", "Ac"),
            (1, 12, "\\u0041c")
        );
        assert_eq!(
            found("k: \"a\\n\\tb \\u0041c\\\n   dx\"\n", "dx"),
            (2, 4, "dx")
        );
        assert_eq!(
            found("k: |-  # note\n\n    one\n      two {{ x }}\n", "x"),
            (4, 14, "x")
        );
        assert_eq!(
            found("k: >\n  one\n  two\n\n  three four\n", "four"),
            (5, 9, "four")
        );
        assert_eq!(found("k: |\r\n  one\r\n  two\r\n", "two"), (3, 3, "two"));
        assert_eq!(found("\u{feff}k: one two\n", "two"), (1, 8, "two"));
    }

    #[test]
    fn white_space_is_found_where_it_stands() {
        assert_eq!(found("k: |\n  a {{ }}\n", " }}"), (2, 7, " }}"));
        assert_eq!(found("k: 'a  b'\n", " b"), (1, 7, " b"));
    }
}
