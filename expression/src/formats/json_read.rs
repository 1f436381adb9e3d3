//! JSON text to values. Whole numbers of any size stay exact.

use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;

use crate::Value;
use crate::value::MapBuilder;

/// Nesting that [`Value::from_json_text`] accepts.
pub(crate) const MAX_DEPTH: usize = 500;

/// Why a text is not JSON, and where.
#[derive(Debug)]
pub(crate) struct Problem {
    message: String,
    line: usize,
    column: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} at line {}, column {}",
            self.message, self.line, self.column
        )
    }
}

/// Reads a text that is one JSON value and nothing else.
pub(crate) fn read(text: &str, max_depth: usize) -> Result<Value, Problem> {
    let mut reader = Reader::new(text, max_depth);
    let value = reader.document()?;
    reader.skip_blanks();
    if reader.at < text.len() {
        return Err(reader.problem("unexpected text after the value"));
    }
    Ok(value)
}

/// Reads the first JSON value of a text and ignores what follows, as Jackson does.
pub(crate) fn read_first(text: &str, max_depth: usize) -> Result<Value, Problem> {
    Reader::new(text, max_depth).document()
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    max_depth: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, max_depth: usize) -> Reader<'a> {
        Reader {
            text,
            bytes: text.as_bytes(),
            at: 0,
            depth: 0,
            max_depth,
        }
    }

    fn document(&mut self) -> Result<Value, Problem> {
        self.skip_blanks();
        self.value()
    }

    fn value(&mut self) -> Result<Value, Problem> {
        match self.peek() {
            None => Err(self.problem("unexpected end of the text")),
            Some(b'{') => self.nested(Reader::map),
            Some(b'[') => self.nested(Reader::list),
            Some(b'"') => Ok(Value::from(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.unexpected()),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Reader<'a>) -> Result<Value, Problem>,
    ) -> Result<Value, Problem> {
        if self.depth >= self.max_depth {
            return Err(self.problem(&format!("nesting deeper than {}", self.max_depth)));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_blanks();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn map(&mut self) -> Result<Value, Problem> {
        let mut map = MapBuilder::default();
        if self.take(b'}') {
            return Ok(Value::Map(map.build()));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            let key = self.string()?;
            self.skip_blanks();
            if !self.take(b':') {
                return Err(self.unexpected());
            }
            self.skip_blanks();
            let value = self.value()?;
            map.insert(key, value);
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(Value::Map(map.build()));
            }
            if !self.take(b',') {
                return Err(self.unexpected());
            }
            self.skip_blanks();
        }
    }

    fn list(&mut self) -> Result<Value, Problem> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::from(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(Value::from(items));
            }
            if !self.take(b',') {
                return Err(self.unexpected());
            }
            self.skip_blanks();
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Problem> {
        let rest = &self.bytes[self.at..];
        let whole = rest.starts_with(word.as_bytes())
            && !rest
                .get(word.len())
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if !whole {
            return Err(self.problem("unknown word"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let start = self.at;
        self.take(b'-');
        let whole = self.digits();
        if whole == 0 {
            return Err(self.unexpected());
        }
        if whole > 1 && self.bytes[self.at - whole] == b'0' {
            return Err(self.problem("a number begins with 0"));
        }
        let mut integer = true;
        if self.take(b'.') {
            integer = false;
            if self.digits() == 0 {
                return Err(self.unexpected());
            }
        }
        if self.take(b'e') || self.take(b'E') {
            integer = false;
            if !self.take(b'-') {
                self.take(b'+');
            }
            if self.digits() == 0 {
                return Err(self.unexpected());
            }
        }
        // A word directly behind a number is an error, as for Jackson.
        if self.peek().is_some_and(|byte| {
            !matches!(
                byte,
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | b'}' | b':'
            )
        }) {
            return Err(self.unexpected());
        }
        let digits = &self.text[start..self.at];
        if !integer {
            return Ok(Value::Float(digits.parse().unwrap_or(f64::NAN)));
        }
        if let Ok(value) = digits.parse::<i64>() {
            return Ok(i32::try_from(value).map_or(Value::Int(value), Value::Int32));
        }
        match BigInt::parse_bytes(digits.as_bytes(), 10) {
            Some(value) if digits.len() <= 1000 => Ok(Value::Big(Arc::new(value))),
            _ => Err(self.problem("a number of more than 1000 digits")),
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.bytes[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += count;
        count
    }

    fn string(&mut self) -> Result<String, Problem> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let start = self.at;
            while self
                .peek()
                .is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
            {
                self.at += 1;
            }
            string.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => {
                    self.at += 1;
                    string.push(self.escape()?);
                }
                Some(_) => return Err(self.problem("an unescaped control character in a string")),
                None => return Err(self.problem("a string without end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let unit = self.peek();
        self.at += 1;
        Ok(match unit {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(unit @ (b'"' | b'\\' | b'/')) => char::from(unit),
            Some(b'u') => return self.unicode(),
            _ => {
                self.at -= 1;
                return Err(self.problem("an unknown escape in a string"));
            }
        })
    }

    /// `\uXXXX`, a pair of them for characters beyond the first plane. Half a pair becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, Problem> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, Problem> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return Err(self.problem("`\\u` needs four hexadecimal digits"));
        };
        self.at += 4;
        Ok(code)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn unexpected(&self) -> Problem {
        match self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        {
            Some(unit) => self.problem(&format!("unexpected `{unit}`")),
            None => self.problem("unexpected end of the text"),
        }
    }

    fn problem(&self, message: &str) -> Problem {
        let before = &self.bytes[..self.at.min(self.bytes.len())];
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        Problem {
            message: message.to_owned(),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: before.len() - line_start + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_any_size_stay_exact() {
        let value = read(
            "[1, 9223372036854775807, 123456789012345678901234567890, 1.0]",
            10,
        )
        .unwrap();
        let items = value.as_list().unwrap();
        assert!(matches!(items[0], Value::Int32(1)));
        assert!(matches!(items[1], Value::Int(i64::MAX)));
        assert!(
            matches!(&items[2], Value::Big(big) if big.to_string() == "123456789012345678901234567890")
        );
        assert!(matches!(items[3], Value::Float(_)));
    }

    #[test]
    fn errors_tell_line_and_column() {
        assert_eq!(
            read("{\n  \"a\": ]", 10).unwrap_err().to_string(),
            "unexpected `]` at line 2, column 8"
        );
        assert!(read("[[[1]]]", 2).is_err());
        assert!(read("1 2", 10).is_err());
        assert!(read_first("1 2", 10).is_ok());
    }

    #[test]
    fn escapes_and_surrogate_pairs_are_read() {
        assert_eq!(
            read(r#""\u00e9\ud83d\ude00\n""#, 10).unwrap(),
            Value::from("é😀\n")
        );
    }
}
