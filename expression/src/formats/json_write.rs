//! Values as the compact JSON that printing gives.

use std::fmt::Write as _;

use base64::Engine as _;

use super::java_text;
use super::text::Text;
use crate::java::double;
use crate::{Error, Value};

/// The JSON of any value, texts quoted. Null entries of maps are left out, null elements of lists are kept.
pub(crate) fn write(value: &Value, text: &mut Text) -> Result<(), Error> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Str(value) => write_string(value, text),
        Value::Float(value) if !value.is_finite() => write_string(&double::to_string(*value), text),
        Value::F32(value) if !value.is_finite() => {
            write_string(&double::float_to_string(*value), text)
        }
        Value::Bytes(bytes) => write_string(
            &base64::engine::general_purpose::STANDARD.encode(bytes),
            text,
        ),
        Value::Temporal(temporal) => write_string(&temporal.to_string(), text),
        Value::List(_) => write_list(value, text),
        Value::Json(view) => write_json(view.json(), text),
        Value::Map(map) => {
            let mut separator = "{";
            for (key, item) in map.iter() {
                if !item.is_null() {
                    write_key(&mut separator, key, text)?;
                    write(item, text)?;
                }
            }
            finish_map(separator, text)
        }
        Value::Object(object) => {
            let mut separator = "{";
            for key in object.keys() {
                if let Some(item) = object.get(&key)?.filter(|item| !item.is_null()) {
                    write_key(&mut separator, &key, text)?;
                    write(&item, text)?;
                }
            }
            finish_map(separator, text)
        }
        Value::Entry(entry) => {
            let mut separator = "{";
            if !entry.value.is_null() {
                write_key(&mut separator, &entry.key.to_java_text()?, text)?;
                write(&entry.value, text)?;
            }
            finish_map(separator, text)
        }
        scalar => java_text::write(scalar, text),
    }
}

fn write_list(value: &Value, text: &mut Text) -> Result<(), Error> {
    text.push_str("[")?;
    for (index, item) in value
        .as_list()
        .iter()
        .flat_map(|list| list.iter())
        .enumerate()
    {
        if index > 0 {
            text.push_str(",")?;
        }
        write(item, text)?;
    }
    text.push_str("]")
}

/// Writes a part of a document without making values of it.
fn write_json(json: &serde_json::Value, text: &mut Text) -> Result<(), Error> {
    match json {
        serde_json::Value::String(value) => write_string(value, text),
        serde_json::Value::Array(items) => {
            text.push_str("[")?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(",")?;
                }
                write_json(item, text)?;
            }
            text.push_str("]")
        }
        serde_json::Value::Object(entries) => {
            let mut separator = "{";
            for (key, item) in entries.iter().filter(|(_, item)| !item.is_null()) {
                write_key(&mut separator, key, text)?;
                write_json(item, text)?;
            }
            finish_map(separator, text)
        }
        scalar => write(&Value::from(scalar), text),
    }
}

fn write_key(separator: &mut &'static str, key: &str, text: &mut Text) -> Result<(), Error> {
    text.push_str(separator)?;
    *separator = ",";
    write_string(key, text)?;
    text.push_str(":")
}

fn finish_map(separator: &str, text: &mut Text) -> Result<(), Error> {
    text.push_str(if separator == "{" { "{}" } else { "}" })
}

/// A quoted text; `/`, non-ASCII and `<>&` stay as they are.
pub(crate) fn write_string(value: &str, text: &mut Text) -> Result<(), Error> {
    text.push_str("\"")?;
    let mut start = 0;
    for (index, byte) in value.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..=0x1f => "",
            _ => continue,
        };
        text.push_str(&value[start..index])?;
        start = index + 1;
        if escape.is_empty() {
            let mut unit = String::new();
            let _ = write!(unit, "\\u{byte:04X}");
            text.push_str(&unit)?;
        } else {
            text.push_str(escape)?;
        }
    }
    text.push_str(&value[start..])?;
    text.push_str("\"")
}
