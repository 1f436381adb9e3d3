//! From text to tokens.

use std::borrow::Cow;

use super::blank::is_blank;
use super::operator::Operator;
use super::token::{Token, TokenKind};

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// All tokens of a text; the last is [`TokenKind::End`].
pub(super) fn tokenize(text: &str) -> Result<Vec<Token<'_>>, Problem> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::with_capacity(8 + text.len() / 8),
        brackets: Vec::new(),
        trim_next: false,
    };
    lexer.template()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
    /// Open brackets and interpolations with their places.
    brackets: Vec<(Bracket, usize)>,
    /// Whether the next chunk of text loses its leading white space.
    trim_next: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bracket {
    Round,
    Square,
    Curly,
    Interpolation,
}

impl Bracket {
    fn opening(self) -> &'static str {
        match self {
            Bracket::Round => "(",
            Bracket::Square => "[",
            Bracket::Curly => "{",
            Bracket::Interpolation => "#{",
        }
    }

    fn closing(self) -> &'static str {
        match self {
            Bracket::Round => ")",
            Bracket::Square => "]",
            Bracket::Curly | Bracket::Interpolation => "}",
        }
    }
}

impl<'a> Lexer<'a> {
    fn template(&mut self) -> Result<(), Problem> {
        loop {
            let rest = &self.text[self.at..];
            let Some(start) = next_delimiter(rest).map(|found| self.at + found) else {
                self.push_text(self.text.len(), false);
                self.at = self.text.len();
                self.push(TokenKind::End, 0);
                return Ok(());
            };
            let inside = &self.text[start + 2..];
            let trims = inside.starts_with('-') && inside[1..].chars().next().is_some_and(is_blank);
            self.push_text(start, trims);
            self.at = start;
            match self.text.as_bytes()[start + 1] {
                b'{' => self.enter(TokenKind::PrintStart, trims, *b"}}", TokenKind::PrintEnd)?,
                b'%' if self.verbatim(start)? => {}
                b'%' => self.enter(TokenKind::TagStart, trims, *b"%}", TokenKind::TagEnd)?,
                _ => self.comment(start)?,
            }
        }
    }

    /// Adds the text up to `end` as a token, trimmed as its neighbours ask.
    fn push_text(&mut self, end: usize, trim_end: bool) {
        let mut start = self.at;
        if std::mem::take(&mut self.trim_next) {
            start = end - self.text[start..end].trim_start_matches(is_blank).len();
        }
        let mut chunk = &self.text[start..end];
        if trim_end {
            chunk = chunk.trim_end_matches(is_blank);
        }
        if !chunk.is_empty() {
            self.tokens.push(Token {
                kind: TokenKind::Text(chunk),
                offset: start,
                length: chunk.len(),
            });
        }
    }

    fn comment(&mut self, start: usize) -> Result<(), Problem> {
        let Some(end) = self.text[start + 2..]
            .find("#}")
            .map(|found| start + 2 + found)
        else {
            return Err(Problem {
                message: "Unclosed comment.".to_owned(),
                offset: start,
                length: 2,
            });
        };
        let inner = self.text[start + 2..end].strip_suffix('-');
        self.trim_next = inner.is_some_and(|inner| inner.ends_with(is_blank));
        self.at = end + 2;
        Ok(())
    }

    /// Reads `{% verbatim %}…{% endverbatim %}` if it begins here.
    fn verbatim(&mut self, start: usize) -> Result<bool, Problem> {
        let Some((body, _)) =
            tag(&self.text[start..], "verbatim").map(|(length, trims)| (start + length, trims))
        else {
            return Ok(false);
        };
        let mut at = body;
        let end = loop {
            let Some(found) = self.text[at..].find("{%").map(|found| at + found) else {
                let message = "Unclosed verbatim tag.".to_owned();
                return Err(Problem {
                    message,
                    offset: start,
                    length: body - start,
                });
            };
            match tag(&self.text[found..], "endverbatim") {
                Some((length, trims)) => break (found, found + length, trims),
                None => at = found + 2,
            }
        };
        let (body_end, tag_end, trims) = end;
        let mut chunk = self.text[body..body_end].trim_start_matches(is_blank);
        if self.text[body_end + 2..].starts_with('-') {
            chunk = chunk.trim_end_matches(is_blank);
        }
        if !chunk.is_empty() {
            self.tokens.push(Token {
                kind: TokenKind::Text(chunk),
                offset: body,
                length: chunk.len(),
            });
        }
        self.trim_next = trims;
        self.at = tag_end;
        Ok(true)
    }

    /// Reads a print or a tag, from its opening to its closing delimiter.
    fn enter(
        &mut self,
        opening: TokenKind<'a>,
        trims: bool,
        closing: [u8; 2],
        end: TokenKind<'a>,
    ) -> Result<(), Problem> {
        self.push(opening, 2);
        self.at += 2 + usize::from(trims);
        loop {
            self.skip_blanks();
            if self.at == self.text.len() {
                return match self.brackets.last() {
                    Some((bracket, offset)) => Err(unclosed(bracket.opening(), *offset)),
                    None => Ok(()),
                };
            }
            let rest = &self.text[self.at..];
            if self.brackets.is_empty() {
                let bytes = rest.as_bytes();
                let dash = usize::from(bytes[0] == b'-');
                if bytes.get(dash..dash + 2) == Some(closing.as_slice()) {
                    self.at += dash;
                    self.push(end, 2);
                    self.at += 2;
                    self.trim_next = dash == 1;
                    return Ok(());
                }
            }
            self.piece(rest)?;
        }
    }

    /// Reads one token of an expression.
    fn piece(&mut self, rest: &'a str) -> Result<(), Problem> {
        if let Some((operator, length)) = Operator::starting(rest) {
            self.advance(TokenKind::Operator(operator), length);
            return Ok(());
        }
        let Some(first) = rest.chars().next() else {
            return Ok(());
        };
        if first.is_alphabetic() || first == '_' {
            let length = name_length(rest);
            self.advance(TokenKind::Name(&rest[..length]), length);
            return Ok(());
        }
        match first {
            '0'..='9' => self.number(rest),
            '(' | '[' | '{' => self.open(first),
            ')' | ']' | '}' => return self.close(first),
            '?' | ':' | '.' | ',' | '=' => {
                self.advance(TokenKind::Punctuation(rest.as_bytes()[0]), 1)
            }
            '\'' => return self.single_quoted(rest),
            '"' => return self.double_quoted(),
            _ => return Err(self.unexpected(first)),
        }
        Ok(())
    }

    fn number(&mut self, rest: &'a str) {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut length = digits(rest);
        if rest[length..].starts_with('L') {
            self.advance(
                TokenKind::Number {
                    digits: &rest[..length],
                    long: true,
                },
                length + 1,
            );
            return;
        }
        if let Some(fraction) = rest[length..].strip_prefix('.') {
            let places = digits(fraction);
            if places > 0 {
                length += 1 + places;
            }
        }
        self.advance(
            TokenKind::Number {
                digits: &rest[..length],
                long: false,
            },
            length,
        );
    }

    fn open(&mut self, bracket: char) {
        let kind = match bracket {
            '(' => Bracket::Round,
            '[' => Bracket::Square,
            _ => Bracket::Curly,
        };
        self.brackets.push((kind, self.at));
        self.advance(TokenKind::Punctuation(self.text.as_bytes()[self.at]), 1);
    }

    fn close(&mut self, bracket: char) -> Result<(), Problem> {
        let Some((open, offset)) = self.brackets.pop() else {
            return Err(Problem {
                message: format!("Unexpected \"{bracket}\""),
                offset: self.at,
                length: 1,
            });
        };
        if open == Bracket::Interpolation && bracket == '}' {
            self.advance(TokenKind::InterpolationEnd, 1);
            return self.quoted_piece(offset);
        }
        if !open.closing().starts_with(bracket) {
            return Err(unclosed(open.closing(), offset));
        }
        self.advance(TokenKind::Punctuation(self.text.as_bytes()[self.at]), 1);
        Ok(())
    }

    /// Reads `'…'`, whose only escape is `\'`.
    fn single_quoted(&mut self, rest: &'a str) -> Result<(), Problem> {
        let Some(end) = end_of_quote(&rest[1..], b'\'') else {
            return Err(self.unexpected('\''));
        };
        let inner = &rest[1..=end];
        self.advance(TokenKind::Str(unescape(inner, "\\'", "'")), end + 2);
        Ok(())
    }

    /// Reads `"…"`, whose only escape is `\"`; one with `#{ … }` becomes several tokens.
    fn double_quoted(&mut self) -> Result<(), Problem> {
        let rest = &self.text[self.at..];
        let inner = &rest[1..];
        let Some(end) = end_of_quote(inner, b'"') else {
            return match interpolation(inner) {
                Some(_) => self.start_interpolated(),
                None => Err(unclosed("\"", self.at)),
            };
        };
        if interpolation(&inner[..end]).is_some() {
            return self.start_interpolated();
        }
        self.advance(
            TokenKind::Str(unescape(&inner[..end], "\\\"", "\"")),
            end + 2,
        );
        Ok(())
    }

    fn start_interpolated(&mut self) -> Result<(), Problem> {
        let quote = self.at;
        self.advance(TokenKind::QuoteStart, 1);
        self.quoted_piece(quote)
    }

    /// Reads the text of an interpolated string up to its end or the next `#{`.
    fn quoted_piece(&mut self, quote: usize) -> Result<(), Problem> {
        let rest = &self.text[self.at..];
        let end = end_of_quote(rest, b'"');
        let start = interpolation(rest).filter(|start| end.is_none_or(|end| *start < end));
        let Some(length) = start.or(end) else {
            return Err(unclosed("\"", quote));
        };
        if length > 0 {
            self.advance(TokenKind::Str(Cow::Borrowed(&rest[..length])), length);
        }
        if start.is_some() {
            self.brackets.push((Bracket::Interpolation, quote));
            self.advance(TokenKind::InterpolationStart, 2);
        } else {
            self.advance(TokenKind::QuoteEnd, 1);
        }
        Ok(())
    }

    #[inline]
    fn skip_blanks(&mut self) {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        // other blanks are control characters, or beyond ASCII
        if bytes
            .get(self.at)
            .is_some_and(|byte| !(b'!'..=b'~').contains(byte))
        {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start_matches(is_blank).len();
        }
    }

    fn push(&mut self, kind: TokenKind<'a>, length: usize) {
        self.tokens.push(Token {
            kind,
            offset: self.at,
            length,
        });
    }

    fn advance(&mut self, kind: TokenKind<'a>, length: usize) {
        self.push(kind, length);
        self.at += length;
    }

    fn unexpected(&self, unit: char) -> Problem {
        Problem {
            message: format!("Unexpected character [{unit}]"),
            offset: self.at,
            length: unit.len_utf8(),
        }
    }
}

/// The length of the name that a text begins with.
fn name_length(text: &str) -> usize {
    let ends = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_';
    match text.as_bytes().iter().position(ends) {
        Some(end) if text.as_bytes()[end].is_ascii() => end,
        // letters of other scripts, too, make names
        Some(_) => text
            .find(|unit: char| !unit.is_alphanumeric() && unit != '_')
            .unwrap_or(text.len()),
        None => text.len(),
    }
}

/// The place of the first `{{`, `{%` or `{#`.
fn next_delimiter(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = text[at..].find('{').map(|found| at + found) {
        if matches!(bytes.get(found + 1), Some(b'{' | b'%' | b'#')) {
            return Some(found);
        }
        at = found + 1;
    }
    None
}

/// The length of the tag `name` at the beginning of a text, and whether it ends in `-%}`.
fn tag(text: &str, name: &str) -> Option<(usize, bool)> {
    let inner = text.strip_prefix("{%")?;
    let inner = inner
        .strip_prefix('-')
        .unwrap_or(inner)
        .trim_start_matches(is_blank);
    let inner = inner.strip_prefix(name)?.trim_start_matches(is_blank);
    let (inner, trims) = match inner.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (inner, false),
    };
    let rest = inner.strip_prefix("%}")?;
    Some((text.len() - rest.len(), trims))
}

/// The place of the quote that ends a string; a backslash takes the character behind it along.
fn end_of_quote(text: &str, quote: u8) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' {
            bytes.next();
        } else if byte == quote {
            return Some(at);
        }
    }
    None
}

/// The place of the first `#{` that no backslash precedes.
fn interpolation(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'#' if bytes.get(at + 1) == Some(&b'{') => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn unescape<'a>(text: &'a str, escape: &str, plain: &str) -> Cow<'a, str> {
    if text.contains(escape) {
        Cow::Owned(text.replace(escape, plain))
    } else {
        Cow::Borrowed(text)
    }
}

fn unclosed(bracket: &str, offset: usize) -> Problem {
    Problem {
        message: format!("Unclosed \"{bracket}\""),
        offset,
        length: bracket.len(),
    }
}
