//! The grammar of text Ion 1.0, by recursive descent.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;

use super::error::ReadError;
use super::number;
use super::quoted::Escapes;
use super::read::Limits;
use super::source::{Source, shown};
use super::temporal::{Temporal, TemporalKind};
use super::value::Value;

const BINARY_MARKER: &[u8] = &[0xE0, 0x01, 0x00, 0xEA];
const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
/// What most words, numbers and texts of a row fit into.
const TOKEN_BYTES: usize = 24;
const OPERATORS: &[u8] = b"!#%&*+-./;<=>?@^`|~";
const TYPE_NAMES: [&str; 13] = [
    "null",
    "bool",
    "int",
    "float",
    "decimal",
    "timestamp",
    "string",
    "symbol",
    "blob",
    "clob",
    "struct",
    "list",
    "sexp",
];
/// The symbols that every Ion text has, by their ids from 1.
const SYSTEM_SYMBOLS: [&str; 9] = [
    "$ion",
    "$ion_1_0",
    "$ion_symbol_table",
    "name",
    "version",
    "imports",
    "symbols",
    "max_id",
    "$ion_shared_symbol_table",
];

pub(super) struct Parser<R> {
    source: Source<R>,
    depth_limit: usize,
    started: bool,
}

/// Where a value stands: operators are symbols in s-expressions only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Anything,
    Expression,
}

/// A bare word or a quoted symbol.
struct Symbol {
    text: String,
    quoted: bool,
}

impl<R: Read> Parser<R> {
    pub(super) fn new(input: R, limits: Limits) -> Self {
        Self {
            source: Source::new(input, limits.value_bytes),
            depth_limit: limits.depth,
            started: false,
        }
    }

    /// The next top-level value; version markers are stepped over.
    pub(super) fn next_top_level(&mut self) -> Result<Option<Value>, ReadError> {
        if !self.started {
            self.started = true;
            if self.source.starts_with(BINARY_MARKER)? {
                return Err(ReadError::Binary);
            }
            if self.source.starts_with(BYTE_ORDER_MARK)? {
                self.source.skip(BYTE_ORDER_MARK.len())?;
            }
        }
        loop {
            self.source.renew_budget();
            self.source.skip_blanks()?;
            if self.source.peek()?.is_none() {
                return Ok(None);
            }
            match self.annotated_value(Within::Anything, 0)? {
                Parsed::VersionMarker => {}
                Parsed::Value(value) => return Ok(Some(value)),
            }
        }
    }

    fn value(&mut self, within: Within, depth: usize) -> Result<Value, ReadError> {
        match self.annotated_value(within, depth)? {
            Parsed::Value(value) => Ok(value),
            Parsed::VersionMarker => Ok(Value::Text("$ion_1_0".to_owned())),
        }
    }

    /// A value with its annotations: one of Kestra's date types before a string makes a date of it, others are dropped.
    fn annotated_value(&mut self, within: Within, depth: usize) -> Result<Parsed, ReadError> {
        let mut kind = None;
        let mut annotations = 0;
        loop {
            let Some(symbol) = self.symbol()? else {
                let value = self.unannotated_value(within, depth)?;
                return Ok(Parsed::Value(match (value, kind) {
                    (Value::Text(text), Some(kind)) => Value::Temporal(Temporal { kind, text }),
                    (value, _) => value,
                }));
            };
            self.source.skip_blanks_before_colons()?;
            if !self.source.starts_with(b"::")? {
                if annotations == 0 && depth == 0 && !symbol.quoted && symbol.text == "$ion_1_0" {
                    return Ok(Parsed::VersionMarker);
                }
                return Ok(Parsed::Value(self.symbol_value(symbol)?));
            }
            self.source.skip(2)?;
            self.source.skip_blanks()?;
            annotations += 1;
            kind = if annotations == 1 {
                TemporalKind::of_annotation(&symbol.text)
            } else {
                None
            };
        }
    }

    fn unannotated_value(&mut self, within: Within, depth: usize) -> Result<Value, ReadError> {
        let Some(byte) = self.source.peek()? else {
            return Err(self.source.error("the text ends where a value must stand"));
        };
        match byte {
            b'"' => self.string().map(Value::Text),
            b'\'' => self.long_strings().map(Value::Text),
            b'[' => self.sequence(b']', depth),
            b'(' => self.sequence(b')', depth),
            b'{' if self.source.starts_with(b"{{")? => self.lob(),
            b'{' => self.structure(depth),
            b'0'..=b'9' => self.number(),
            b'-' | b'+'
                if self.source.starts_with(b"+inf")? || self.source.starts_with(b"-inf")? =>
            {
                self.source.skip(4)?;
                self.expect_end_of_token("inf")?;
                Ok(Value::Float(if byte == b'-' {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                }))
            }
            b'-' if self
                .source
                .peek_at(1)?
                .is_some_and(|next| next.is_ascii_digit()) =>
            {
                self.number()
            }
            _ if within == Within::Expression && OPERATORS.contains(&byte) => {
                let mut operator = Vec::new();
                self.source
                    .take_until(&mut operator, |byte| !OPERATORS.contains(&byte))?;
                Ok(Value::Text(self.utf8(operator)?))
            }
            _ => Err(self
                .source
                .error(format!("a value cannot begin with {}", shown(byte)))),
        }
    }

    /// A bare word or quoted symbol, if one comes next.
    fn symbol(&mut self) -> Result<Option<Symbol>, ReadError> {
        match self.source.peek()? {
            Some(byte) if starts_word(byte) => {
                let mut word = Vec::with_capacity(TOKEN_BYTES);
                self.source
                    .take_until(&mut word, |byte| !continues_word(byte))?;
                Ok(Some(Symbol {
                    text: self.utf8(word)?,
                    quoted: false,
                }))
            }
            Some(b'\'') if !self.source.starts_with(b"'''")? => {
                self.source.bump()?;
                let mut bytes = Vec::new();
                self.source.quoted_piece(&mut bytes, b"'", Escapes::Text)?;
                Ok(Some(Symbol {
                    text: self.utf8(bytes)?,
                    quoted: true,
                }))
            }
            _ => Ok(None),
        }
    }

    fn symbol_value(&mut self, symbol: Symbol) -> Result<Value, ReadError> {
        if symbol.quoted {
            return Ok(Value::Text(symbol.text));
        }
        match symbol.text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "nan" => Ok(Value::Float(f64::NAN)),
            "null" => self.null(),
            word => self.resolve_symbol_id(word).map(Value::Text),
        }
    }

    /// `null`, or a typed one, `null.int`.
    fn null(&mut self) -> Result<Value, ReadError> {
        if self.source.peek()? == Some(b'.') {
            self.source.bump()?;
            let mut name = Vec::new();
            self.source
                .take_until(&mut name, |byte| !byte.is_ascii_alphanumeric())?;
            let name = self.utf8(name)?;
            if !TYPE_NAMES.contains(&name.as_str()) {
                return Err(self
                    .source
                    .error(format!("`null.{name}`: Ion has no type `{name}`")));
            }
        }
        Ok(Value::Null)
    }

    fn resolve_symbol_id(&self, word: &str) -> Result<String, ReadError> {
        let Some(id) = word
            .strip_prefix('$')
            .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            return Ok(word.to_owned());
        };
        let known = id
            .parse::<usize>()
            .ok()
            .and_then(|id| id.checked_sub(1))
            .and_then(|index| SYSTEM_SYMBOLS.get(index));
        match known {
            Some(text) => Ok((*text).to_owned()),
            None => Err(self.source.error(format!(
                "symbol id `{word}`: symbol tables are not supported"
            ))),
        }
    }

    /// `[a, b]` or `(a b)`.
    fn sequence(&mut self, closing: u8, depth: usize) -> Result<Value, ReadError> {
        let opened_at = self.enter(depth)?;
        let mut values = Vec::new();
        loop {
            self.source.skip_blanks()?;
            match self.source.peek()? {
                None => return Err(self.unclosed(opened_at, closing)),
                Some(byte) if byte == closing => {
                    self.source.bump()?;
                    return Ok(Value::List(values));
                }
                Some(_) => {}
            }
            if closing == b')' {
                values.push(self.value(Within::Expression, depth + 1)?);
                continue;
            }
            values.push(self.value(Within::Anything, depth + 1)?);
            self.separator(opened_at, closing)?;
        }
    }

    fn structure(&mut self, depth: usize) -> Result<Value, ReadError> {
        let opened_at = self.enter(depth)?;
        let mut fields = IndexMap::new();
        loop {
            self.source.skip_blanks()?;
            match self.source.peek()? {
                None => return Err(self.unclosed(opened_at, b'}')),
                Some(b'}') => {
                    self.source.bump()?;
                    return Ok(Value::Map(fields));
                }
                Some(_) => {}
            }
            let name = self.field_name()?;
            self.source.skip_blanks()?;
            if self.source.peek()? != Some(b':') {
                return Err(self
                    .source
                    .error(format!("expected `:` after the field name `{name}`")));
            }
            self.source.bump()?;
            self.source.skip_blanks()?;
            let value = self.value(Within::Anything, depth + 1)?;
            fields.insert(name, value);
            self.separator(opened_at, b'}')?;
        }
    }

    fn field_name(&mut self) -> Result<String, ReadError> {
        if let Some(symbol) = self.symbol()? {
            if symbol.quoted {
                return Ok(symbol.text);
            }
            return self.resolve_symbol_id(&symbol.text);
        }
        match self.source.peek()? {
            Some(b'"') => self.string(),
            Some(b'\'') => self.long_strings(),
            Some(byte) => Err(self
                .source
                .error(format!("a field name cannot begin with {}", shown(byte)))),
            None => Err(self
                .source
                .error("the text ends where a field name must stand")),
        }
    }

    /// A comma, or the closing bracket, which is left for the caller.
    fn separator(&mut self, opened_at: (u64, u64), closing: u8) -> Result<(), ReadError> {
        self.source.skip_blanks()?;
        match self.source.peek()? {
            Some(b',') => self.source.bump(),
            Some(byte) if byte == closing => Ok(()),
            Some(byte) => Err(self.source.error(format!(
                "expected `,` or `{}`, found {}",
                char::from(closing),
                shown(byte)
            ))),
            None => Err(self.unclosed(opened_at, closing)),
        }
    }

    /// Steps over an opening bracket; gives its place.
    fn enter(&mut self, depth: usize) -> Result<(u64, u64), ReadError> {
        if depth >= self.depth_limit {
            return Err(self.source.error(format!(
                "values are nested deeper than {}",
                self.depth_limit
            )));
        }
        let place = self.source.place();
        self.source.bump()?;
        Ok(place)
    }

    fn unclosed(&self, opened_at: (u64, u64), closing: u8) -> ReadError {
        self.source.error_at(
            opened_at,
            format!("this is never closed by `{}`", char::from(closing)),
        )
    }

    fn number(&mut self) -> Result<Value, ReadError> {
        let place = self.source.place();
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        self.source.take_until(&mut token, |byte| {
            !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b':'))
        })?;
        let token = self.utf8(token)?;
        number::value_of(&token).map_err(|message| self.source.error_at(place, message))
    }

    /// `"…"`, on one line.
    fn string(&mut self) -> Result<String, ReadError> {
        self.source.bump()?;
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        self.source.quoted_piece(&mut bytes, b"\"", Escapes::Text)?;
        self.utf8(bytes)
    }

    /// `'''…'''`, as many as follow each other.
    fn long_strings(&mut self) -> Result<String, ReadError> {
        let mut bytes = Vec::new();
        while self.source.starts_with(b"'''")? {
            self.source.skip(3)?;
            self.source
                .quoted_piece(&mut bytes, b"'''", Escapes::Text)?;
            self.source.skip_blanks()?;
        }
        self.utf8(bytes)
    }

    /// `{{ base64 }}`, `{{ "clob" }}` or `{{ '''clob''' }}`.
    fn lob(&mut self) -> Result<Value, ReadError> {
        let place = self.source.place();
        self.source.skip(2)?;
        self.source.skip_whitespace()?;
        let mut bytes = Vec::new();
        if self.source.peek()? == Some(b'"') {
            self.source.bump()?;
            self.source
                .quoted_piece(&mut bytes, b"\"", Escapes::Bytes)?;
        } else if self.source.starts_with(b"'''")? {
            while self.source.starts_with(b"'''")? {
                self.source.skip(3)?;
                self.source
                    .quoted_piece(&mut bytes, b"'''", Escapes::Bytes)?;
                self.source.skip_whitespace()?;
            }
        } else {
            let mut text = Vec::new();
            self.source.take_until(&mut text, |byte| byte == b'}')?;
            text.retain(|byte| !byte.is_ascii_whitespace());
            bytes = STANDARD.decode(&text).map_err(|error| {
                self.source
                    .error_at(place, format!("this is not base64: {error}"))
            })?;
        }
        self.source.skip_whitespace()?;
        if !self.source.starts_with(b"}}")? {
            return Err(self.source.error("expected `}}`"));
        }
        self.source.skip(2)?;
        Ok(Value::Blob(bytes))
    }

    fn expect_end_of_token(&mut self, token: &str) -> Result<(), ReadError> {
        match self.source.peek()? {
            Some(byte) if continues_word(byte) => Err(self
                .source
                .error(format!("unexpected {} after `{token}`", shown(byte)))),
            _ => Ok(()),
        }
    }

    fn utf8(&self, bytes: Vec<u8>) -> Result<String, ReadError> {
        String::from_utf8(bytes).map_err(|_| self.source.error("the text before this is not UTF-8"))
    }
}

enum Parsed {
    Value(Value),
    VersionMarker,
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$'
}

fn continues_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}
