//! Values as compact Amazon Ion text.

use base64::Engine as _;

use super::java_text;
use super::text::Text;
use crate::java::double;
use crate::value::Temporal;
use crate::{Error, Value};

/// The Ion of any value.
pub(crate) fn write(value: &Value, text: &mut Text) -> Result<(), Error> {
    match value {
        Value::Str(string) => write_quoted(string, '"', text),
        Value::Float(value) => write_float(*value, double::to_string(*value), text),
        Value::F32(value) => write_float(f64::from(*value), double::float_to_string(*value), text),
        Value::Bytes(bytes) => {
            text.push_str("{{")?;
            text.push_str(&base64::engine::general_purpose::STANDARD.encode(bytes))?;
            text.push_str("}}")
        }
        Value::Temporal(temporal) => match &**temporal {
            Temporal::Instant(_) | Temporal::Date(_) => text.push_str(&temporal.to_string()),
            other => write_quoted(&other.to_string(), '"', text),
        },
        Value::List(_) => write_list(value, text),
        Value::Json(view) if view.is_list() => write_list(value, text),
        Value::Map(_) | Value::Json(_) | Value::Object(_) => write_struct(value, text),
        Value::Entry(entry) => {
            text.push_str("{")?;
            write_symbol(&entry.key.to_java_text()?, text)?;
            text.push_str(":")?;
            write(&entry.value, text)?;
            text.push_str("}")
        }
        scalar => java_text::write(scalar, text),
    }
}

fn write_list(value: &Value, text: &mut Text) -> Result<(), Error> {
    text.push_str("[")?;
    for (index, item) in value
        .as_list()
        .iter()
        .flat_map(|items| items.iter())
        .enumerate()
    {
        if index > 0 {
            text.push_str(",")?;
        }
        write(item, text)?;
    }
    text.push_str("]")
}

fn write_struct(value: &Value, text: &mut Text) -> Result<(), Error> {
    let Some(object) = value.as_object() else {
        return Ok(());
    };
    text.push_str("{")?;
    let mut separator = "";
    for key in object.keys() {
        let Some(item) = object.get(&key)? else {
            continue;
        };
        text.push_str(separator)?;
        write_symbol(&key, text)?;
        text.push_str(":")?;
        write(&item, text)?;
        separator = ",";
    }
    text.push_str("}")
}

fn write_float(value: f64, decimal: String, text: &mut Text) -> Result<(), Error> {
    if value.is_nan() {
        return text.push_str("nan");
    }
    if value.is_infinite() {
        return text.push_str(if value > 0.0 { "+inf" } else { "-inf" });
    }
    if decimal.contains('E') {
        return text.push_str(&decimal.replace('E', "e"));
    }
    text.push_str(decimal.strip_suffix(".0").unwrap_or(&decimal))?;
    text.push_str("e0")
}

fn write_symbol(symbol: &str, text: &mut Text) -> Result<(), Error> {
    let plain = symbol
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
        && !symbol.is_empty()
        && !symbol.starts_with(|unit: char| unit.is_ascii_digit())
        && !matches!(symbol, "null" | "true" | "false" | "nan")
        && !is_symbol_id(symbol);
    if plain {
        text.push_str(symbol)
    } else {
        write_quoted(symbol, '\'', text)
    }
}

/// `$10` means the tenth symbol of a table.
fn is_symbol_id(symbol: &str) -> bool {
    symbol
        .strip_prefix('$')
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

fn write_quoted(string: &str, quote: char, text: &mut Text) -> Result<(), Error> {
    text.push(quote)?;
    for unit in string.chars() {
        match unit {
            '\\' => text.push_str("\\\\")?,
            '\n' => text.push_str("\\n")?,
            '\t' => text.push_str("\\t")?,
            '\r' => text.push_str("\\r")?,
            '\u{0}' => text.push_str("\\0")?,
            '\u{7}' => text.push_str("\\a")?,
            '\u{8}' => text.push_str("\\b")?,
            '\u{b}' => text.push_str("\\v")?,
            '\u{c}' => text.push_str("\\f")?,
            unit if unit == quote => {
                text.push_str("\\")?;
                text.push(unit)?;
            }
            '\u{1}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                text.push_str(&format!("\\x{:02x}", u32::from(unit)))?
            }
            unit => text.push(unit)?,
        }
    }
    text.push(quote)
}
