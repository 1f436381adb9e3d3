//! YAML text to values, as Jackson over SnakeYAML reads it.

use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle};
use num_bigint::BigInt;

use crate::Value;
use crate::value::MapBuilder;

/// Reads the first document of a text. Aliases are the text of their names, and keys are always texts, as in Kestra.
pub(crate) fn read(text: &str, max_depth: usize) -> Result<Value, String> {
    if text.trim_start_matches(['\r', '\n']).starts_with('\t') {
        return Err("found character '\\t(TAB)' that cannot start any token".to_owned());
    }
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    let mut reader = Reader {
        text,
        parser: Parser::new_from_str_with_options(text, options),
        depth: 0,
        max_depth,
    };
    loop {
        match reader.next()? {
            Item::Start => {}
            Item::End => return Err("No content to map due to end-of-input".to_owned()),
            Item::Scalar(value, _) => return Ok(value),
            Item::ListStart => return reader.list(),
            Item::MapStart => return reader.map(),
            Item::ListEnd | Item::MapEnd => {
                return Err("unexpected end of a list or map".to_owned());
            }
        }
    }
}

/// What an event means for the value in the making.
enum Item {
    /// A scalar, and its text as a key.
    Scalar(Value, String),
    ListStart,
    ListEnd,
    MapStart,
    MapEnd,
    /// Beginnings and comments.
    Start,
    /// The end of the document or the text.
    End,
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    depth: usize,
    max_depth: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Item, String> {
        let Some(event) = self.parser.next() else {
            return Ok(Item::End);
        };
        let (event, span) = event.map_err(|error| error.to_string())?;
        Ok(match event {
            Event::Scalar(text, style, _, tag) => {
                let tag = tag.as_ref().map(|tag| tag.suffix().to_string());
                let value = match (style, tag.as_deref()) {
                    (ScalarStyle::Plain, None) => plain(&text)?,
                    (_, Some("int" | "float" | "bool" | "null")) => plain(&text)?,
                    _ => Value::from(&*text),
                };
                Item::Scalar(value, text.into_owned())
            }
            Event::Alias(_) => {
                let name = span
                    .slice(self.text)
                    .unwrap_or_default()
                    .trim_start_matches('*')
                    .to_owned();
                Item::Scalar(Value::from(name.as_str()), name)
            }
            Event::UnresolvedAlias(name) => Item::Scalar(Value::from(&*name), name.into_owned()),
            Event::SequenceStart(..) => {
                self.deeper()?;
                Item::ListStart
            }
            Event::SequenceEnd => {
                self.depth -= 1;
                Item::ListEnd
            }
            Event::MappingStart(..) => {
                self.deeper()?;
                Item::MapStart
            }
            Event::MappingEnd => {
                self.depth -= 1;
                Item::MapEnd
            }
            Event::StreamEnd | Event::DocumentEnd => Item::End,
            _ => Item::Start,
        })
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(format!("nesting deeper than {}", self.max_depth));
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Item::Scalar(value, _) => items.push(value),
                Item::ListStart => items.push(self.list()?),
                Item::MapStart => items.push(self.map()?),
                Item::Start => {}
                Item::ListEnd | Item::MapEnd | Item::End => return Ok(Value::from(items)),
            }
        }
    }

    fn map(&mut self) -> Result<Value, String> {
        let mut map = MapBuilder::default();
        loop {
            let key = match self.next()? {
                Item::Scalar(_, key) => key,
                Item::Start => continue,
                Item::ListStart | Item::MapStart => {
                    return Err("expected a field name (a scalar)".to_owned());
                }
                Item::ListEnd | Item::MapEnd | Item::End => return Ok(Value::Map(map.build())),
            };
            let value = loop {
                match self.next()? {
                    Item::Scalar(value, _) => break value,
                    Item::ListStart => break self.list()?,
                    Item::MapStart => break self.map()?,
                    Item::Start => {}
                    Item::ListEnd | Item::MapEnd | Item::End => break Value::Null,
                }
            };
            map.insert(key, value);
        }
    }
}

/// The value of a plain scalar by the rules of YAML 1.1, without its dates and its base 60.
fn plain(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Ok(Value::Bool(true));
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Ok(Value::Bool(false));
        }
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    ) {
        return Err(format!("Malformed numeric value '{text}'"));
    }
    if !unsigned.starts_with(|unit: char| unit.is_ascii_digit() || unit == '.') {
        return Ok(Value::from(text));
    }
    Ok(integer(text.starts_with('-'), unsigned)
        .or_else(|| float(text, unsigned))
        .unwrap_or_else(|| Value::from(text)))
}

fn integer(negative: bool, unsigned: &str) -> Option<Value> {
    let (digits, radix) = match unsigned {
        _ if unsigned.len() > 1000 => return None,
        _ if unsigned.starts_with("0x") => (&unsigned[2..], 16),
        _ if unsigned.starts_with("0b") => (&unsigned[2..], 2),
        _ if unsigned.len() > 1 && unsigned.starts_with('0') => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let size = BigInt::parse_bytes(digits.as_bytes(), radix)?;
    let value = if negative { -size } else { size };
    Some(match (i32::try_from(&value), i64::try_from(&value)) {
        (Ok(small), _) => Value::Int32(small),
        (_, Ok(large)) => Value::Int(large),
        _ => Value::Big(Arc::new(value)),
    })
}

fn float(text: &str, unsigned: &str) -> Option<Value> {
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let is_digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = whole.len() + fraction.len() > 0;
    if !has_digits
        || exponent.is_empty()
        || !is_digits(whole)
        || !is_digits(fraction)
        || !is_digits(exponent)
    {
        return None;
    }
    if !unsigned.contains(['.', 'e', 'E']) {
        return None;
    }
    text.replace('_', "").parse().ok().map(Value::Float)
}
