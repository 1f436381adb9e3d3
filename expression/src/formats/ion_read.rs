//! Amazon Ion text to values.

use std::sync::Arc;

use base64::Engine as _;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use num_bigint::BigInt;

use crate::Value;
use crate::value::{Decimal, MapBuilder, Temporal};

/// Reads all values of a text. Annotations are left out; s-expressions are lists.
pub(crate) fn read(text: &str, max_depth: usize) -> Result<Vec<Value>, String> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
        max_depth,
    };
    let mut values = Vec::new();
    while reader.skip()? {
        values.push(reader.value()?);
    }
    Ok(values)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    max_depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips blanks and comments; false at the end.
    fn skip(&mut self) -> Result<bool, String> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{b}', '\u{c}']);
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let end = trimmed
                    .find("*/")
                    .ok_or_else(|| self.problem("a comment without end"))?;
                self.at += end + 2;
            } else {
                return Ok(!trimmed.is_empty());
            }
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        if self.depth >= self.max_depth {
            return Err(format!("nesting deeper than {}", self.max_depth));
        }
        self.depth += 1;
        let value = self.plain_value();
        self.depth -= 1;
        value
    }

    fn plain_value(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Err(self.problem("unexpected end of the text"));
        };
        match first {
            '{' if rest.starts_with("{{") => self.lob(),
            '{' => self.structure(),
            '[' => self.list("[", "]", true),
            '(' => self.list("(", ")", false),
            '"' => self.quoted("\"").map(Value::from),
            '\'' if rest.starts_with("'''") => self.long_string().map(Value::from),
            '\'' => {
                let symbol = self.quoted("'")?;
                if self.annotation()? {
                    self.value()
                } else {
                    Ok(Value::from(symbol))
                }
            }
            '+' | '-' | '0'..='9' => self.number(),
            unit if unit.is_ascii_alphabetic() || matches!(unit, '_' | '$') => self.word(),
            unit if self.depth > 1 && "!#%&*./;<=>?@^`|~".contains(unit) => {
                let length = rest
                    .find(|unit: char| !"!#%&*./;<=>?@^`|~+-".contains(unit))
                    .unwrap_or(rest.len());
                self.at += length;
                Ok(Value::from(&rest[..length]))
            }
            unit => Err(self.problem(&format!("unexpected `{unit}`"))),
        }
    }

    fn word(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let is_part = |unit: char| unit.is_ascii_alphanumeric() || matches!(unit, '_' | '$');
        let length = rest.find(|unit| !is_part(unit)).unwrap_or(rest.len());
        let word = &rest[..length];
        self.at += length;
        if word == "null" {
            if let Some(kind) = self.rest().strip_prefix('.') {
                self.at += 1 + kind.find(|unit| !is_part(unit)).unwrap_or(kind.len());
            }
            return Ok(Value::Null);
        }
        if self.annotation()? {
            return self.value();
        }
        Ok(match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "nan" => Value::Float(f64::NAN),
            word => Value::from(word),
        })
    }

    /// Whether `::` follows, which makes an annotation of what was read.
    fn annotation(&mut self) -> Result<bool, String> {
        let back = self.at;
        self.skip()?;
        if self.rest().starts_with("::") {
            self.at += 2;
            if !self.skip()? {
                return Err(self.problem("an annotation of nothing"));
            }
            return Ok(true);
        }
        self.at = back;
        Ok(false)
    }

    fn structure(&mut self) -> Result<Value, String> {
        let mut map = MapBuilder::default();
        self.at += 1;
        loop {
            self.inside("}")?;
            if self.take("}") {
                return Ok(Value::Map(map.build()));
            }
            let key = match self.rest().chars().next() {
                Some('"') => self.quoted("\"")?,
                Some('\'') if self.rest().starts_with("'''") => self.long_string()?,
                Some('\'') => self.quoted("'")?,
                _ => {
                    let rest = self.rest();
                    let is_part =
                        |unit: char| unit.is_ascii_alphanumeric() || matches!(unit, '_' | '$');
                    let length = rest.find(|unit| !is_part(unit)).unwrap_or(rest.len());
                    if length == 0 {
                        return Err(self.problem("a field needs a name"));
                    }
                    self.at += length;
                    rest[..length].to_owned()
                }
            };
            self.inside("}")?;
            if !self.take(":") {
                return Err(self.problem("a `:` must follow the name of a field"));
            }
            self.inside("}")?;
            let value = self.value()?;
            map.insert(key, value);
            self.inside("}")?;
            if !self.take(",") && !self.rest().starts_with('}') {
                return Err(self.problem("a `,` or `}` must follow a field"));
            }
        }
    }

    fn list(&mut self, open: &str, close: &str, commas: bool) -> Result<Value, String> {
        let mut items = Vec::new();
        self.at += open.len();
        loop {
            self.inside(close)?;
            if self.take(close) {
                return Ok(Value::from(items));
            }
            items.push(self.value()?);
            self.inside(close)?;
            if commas && !self.take(",") && !self.rest().starts_with(close) {
                return Err(self.problem(&format!("a `,` or `{close}` must follow an element")));
            }
        }
    }

    fn inside(&mut self, close: &str) -> Result<(), String> {
        if self.skip()? {
            Ok(())
        } else {
            Err(self.problem(&format!("`{close}` is missing")))
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// `{{ base64 }}` or `{{ "bytes" }}`
    fn lob(&mut self) -> Result<Value, String> {
        self.at += 2;
        let end = self
            .rest()
            .find("}}")
            .ok_or_else(|| self.problem("`}}` is missing"))?;
        let inner = self.rest()[..end].trim();
        let bytes = if inner.starts_with('"') {
            let mut reader = Reader {
                text: inner,
                at: 0,
                depth: 0,
                max_depth: 1,
            };
            reader.quoted("\"")?.into_bytes()
        } else {
            let digits: String = inner.chars().filter(|unit| !unit.is_whitespace()).collect();
            let decoded = base64::engine::general_purpose::STANDARD.decode(digits);
            decoded.map_err(|error| self.problem(&error.to_string()))?
        };
        self.at += end + 2;
        Ok(Value::Bytes(bytes.into()))
    }

    fn long_string(&mut self) -> Result<String, String> {
        let mut string = String::new();
        loop {
            string.push_str(&self.quoted("'''")?);
            let back = self.at;
            self.skip()?;
            if !self.rest().starts_with("'''") {
                self.at = back;
                return Ok(string);
            }
        }
    }

    fn quoted(&mut self, quote: &str) -> Result<String, String> {
        self.at += quote.len();
        let mut string = String::new();
        loop {
            if self.take(quote) {
                return Ok(string);
            }
            let Some(unit) = self.rest().chars().next() else {
                return Err(self.problem("a string without end"));
            };
            self.at += unit.len_utf8();
            match unit {
                '\\' => self.escape(&mut string)?,
                '\n' if quote.len() == 1 => return Err(self.problem("a line break in a string")),
                unit => string.push(unit),
            }
        }
    }

    fn escape(&mut self, string: &mut String) -> Result<(), String> {
        let Some(unit) = self.rest().chars().next() else {
            return Err(self.problem("a string without end"));
        };
        self.at += unit.len_utf8();
        let plain = match unit {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'v' => '\u{b}',
            'f' => '\u{c}',
            '?' | '"' | '\'' | '\\' | '/' => unit,
            '\n' => return Ok(()),
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            unit => return Err(self.problem(&format!("unknown escape `\\{unit}`"))),
        };
        string.push(plain);
        Ok(())
    }

    fn code(&mut self, count: usize) -> Result<char, String> {
        let digits = self
            .rest()
            .get(..count)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(code) = digits else {
            return Err(self.problem("an escape needs hexadecimal digits"));
        };
        self.at += count;
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn number(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let is_part = |unit: char| {
            unit.is_ascii_alphanumeric() || matches!(unit, '_' | '.' | '+' | '-' | ':')
        };
        let length = rest.find(|unit| !is_part(unit)).unwrap_or(rest.len());
        let text = &rest[..length];
        self.at += length;
        match text {
            "+inf" => return Ok(Value::Float(f64::INFINITY)),
            "-inf" => return Ok(Value::Float(f64::NEG_INFINITY)),
            _ => {}
        }
        let parsed = if text.len() > 1000 {
            None
        } else {
            number(text).or_else(|| timestamp(text))
        };
        parsed.ok_or_else(|| self.problem(&format!("`{text}` is not a number")))
    }

    fn problem(&self, message: &str) -> String {
        let before = &self.text[..self.at.min(self.text.len())];
        format!("{message} at line {}", before.matches('\n').count() + 1)
    }
}

fn number(text: &str) -> Option<Value> {
    let clean = text.replace('_', "");
    let (negative, unsigned) = match clean.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, clean.as_str()),
    };
    let radix = match unsigned.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0b" | "0B") => 2,
        _ => 10,
    };
    let digits = if radix == 10 {
        unsigned
    } else {
        &unsigned[2..]
    };
    if !digits.is_empty() && digits.chars().all(|unit| unit.is_digit(radix)) {
        let size = BigInt::parse_bytes(digits.as_bytes(), radix)?;
        let value = if negative { -size } else { size };
        return Some(match (i32::try_from(&value), i64::try_from(&value)) {
            (Ok(small), _) => Value::Int32(small),
            (_, Ok(large)) => Value::Int(large),
            _ => Value::Big(Arc::new(value)),
        });
    }
    if !unsigned.starts_with(|unit: char| unit.is_ascii_digit()) {
        return None;
    }
    if clean.contains(['e', 'E']) {
        return clean.parse().ok().map(Value::Float);
    }
    let decimal = clean.replace(['d', 'D'], "e");
    Decimal::parse(decimal.strip_suffix('.').unwrap_or(&decimal))
        .map(|value| Value::Decimal(Arc::new(value)))
}

/// `2024T`, `2024-01-01`, `2024-01-01T10:00:00.5+02:00`. Midnight in universal time is a date, as in Kestra.
fn timestamp(text: &str) -> Option<Value> {
    let (date, time) = match text.split_once('T') {
        Some((date, "")) => (date, None),
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-').map(|part| part.parse::<i16>().ok());
    let year = parts.next()??;
    let month = parts.next().map_or(Some(1), |part| part)?;
    let day = parts.next().map_or(Some(1), |part| part)?;
    if date.len() < 4 || parts.next().is_some() {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let Some(time) = time else {
        return Some(Value::from(Temporal::Date(date)));
    };
    let offset_at = time.find(['Z', '+', '-'])?;
    let (time, offset) = time.split_at(offset_at);
    let offset = if offset == "-00:00" {
        Offset::UTC
    } else {
        crate::dates::zone::offset(offset)?
    };
    let time: Time = if time.len() == 5 {
        format!("{time}:00").parse().ok()?
    } else {
        time.parse().ok()?
    };
    if offset == Offset::UTC && time == Time::midnight() {
        return Some(Value::from(Temporal::Date(date)));
    }
    let zoned = DateTime::from_parts(date, time)
        .to_zoned(TimeZone::fixed(offset))
        .ok()?;
    Some(Value::from(Temporal::Zoned(zoned)))
}
