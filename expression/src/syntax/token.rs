//! The pieces of a text.

use std::borrow::Cow;

use super::operator::Operator;

/// A piece of a text and its place.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    /// Byte offset in the text.
    pub(super) offset: usize,
    /// Length in bytes.
    pub(super) length: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind<'a> {
    /// Text between tags.
    Text(&'a str),
    /// `{{`
    PrintStart,
    /// `}}`
    PrintEnd,
    /// `{%`
    TagStart,
    /// `%}`
    TagEnd,
    Name(&'a str),
    Operator(Operator),
    /// A number with its text; `long` for the form `1L`.
    Number {
        digits: &'a str,
        long: bool,
    },
    /// One of `( ) [ ] { } ? : . , | =`, where `|` is an operator instead.
    Punctuation(u8),
    /// A string without interpolation, or a piece of one with.
    Str(Cow<'a, str>),
    /// `"` of a string with interpolation.
    QuoteStart,
    /// The end of such a string.
    QuoteEnd,
    /// `#{`
    InterpolationStart,
    /// `}` of `#{`
    InterpolationEnd,
    /// The end of the text.
    End,
}

impl TokenKind<'_> {
    /// The kind in Pebble's words, for messages.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            TokenKind::Text(_) => "TEXT",
            TokenKind::PrintStart => "PRINT_START",
            TokenKind::PrintEnd => "PRINT_END",
            TokenKind::TagStart => "EXECUTE_START",
            TokenKind::TagEnd => "EXECUTE_END",
            TokenKind::Name(_) => "NAME",
            TokenKind::Operator(_) => "OPERATOR",
            TokenKind::Number { long: true, .. } => "LONG",
            TokenKind::Number { long: false, .. } => "NUMBER",
            TokenKind::Punctuation(_) => "PUNCTUATION",
            TokenKind::Str(_) | TokenKind::QuoteStart | TokenKind::QuoteEnd => "STRING",
            TokenKind::InterpolationStart => "STRING_INTERPOLATION_START",
            TokenKind::InterpolationEnd => "STRING_INTERPOLATION_END",
            TokenKind::End => "EOF",
        }
    }

    /// The text of the token in Pebble's words, for messages.
    pub(super) fn value(&self) -> Cow<'_, str> {
        match self {
            TokenKind::Text(text) | TokenKind::Name(text) => Cow::Borrowed(text),
            TokenKind::PrintStart => Cow::Borrowed("{{"),
            TokenKind::PrintEnd => Cow::Borrowed("}}"),
            TokenKind::TagStart => Cow::Borrowed("{%"),
            TokenKind::TagEnd => Cow::Borrowed("%}"),
            TokenKind::Operator(operator) => Cow::Borrowed(operator.text()),
            TokenKind::Number { digits, .. } => Cow::Borrowed(digits),
            TokenKind::Punctuation(byte) => Cow::Owned(char::from(*byte).to_string()),
            TokenKind::Str(text) => Cow::Borrowed(text),
            TokenKind::QuoteStart | TokenKind::QuoteEnd => Cow::Borrowed("\""),
            TokenKind::InterpolationStart => Cow::Borrowed("#{"),
            TokenKind::InterpolationEnd | TokenKind::End => Cow::Borrowed("null"),
        }
    }
}
