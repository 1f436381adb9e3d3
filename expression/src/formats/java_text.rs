//! Values as Java's `toString` writes them: `[1, a, null]`, `{a=1}`.

use std::fmt::Write as _;

use super::text::Text;
use crate::java::double;
use crate::{Error, Value};

/// The text of any value; null is `null`.
pub(crate) fn write(value: &Value, text: &mut Text) -> Result<(), Error> {
    match value {
        Value::Str(value) => text.push_str(value),
        Value::List(_) => write_list(value, text),
        Value::Json(view) if view.is_list() => write_list(value, text),
        Value::Map(_) | Value::Json(_) | Value::Object(_) => write_map(value, text),
        Value::Entry(entry) => {
            write(&entry.key, text)?;
            text.push_str("=")?;
            write(&entry.value, text)
        }
        scalar => write_scalar(scalar, text),
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
            text.push_str(", ")?;
        }
        write(item, text)?;
    }
    text.push_str("]")
}

fn write_map(value: &Value, text: &mut Text) -> Result<(), Error> {
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
        text.push_str(&key)?;
        text.push_str("=")?;
        write(&item, text)?;
        separator = ", ";
    }
    text.push_str("}")
}

fn write_scalar(value: &Value, text: &mut Text) -> Result<(), Error> {
    match value {
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Int32(value) => write_int(i64::from(*value), text),
        Value::Int(value) => write_int(*value, text),
        Value::F32(value) => text.push_str(&double::float_to_string(*value)),
        Value::Float(value) => text.push_str(&double::to_string(*value)),
        Value::Big(value) => text.push_str(&value.to_string()),
        Value::Decimal(value) => text.push_str(&value.to_string()),
        Value::Bytes(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
        Value::Temporal(temporal) => text.push_str(&temporal.to_string()),
        _ => text.push_str("null"),
    }
}

pub(crate) fn write_int(value: i64, text: &mut Text) -> Result<(), Error> {
    let mut digits = IntText::default();
    // Nothing an i64 prints overflows the buffer.
    let _ = write!(digits, "{value}");
    text.push_str(digits.as_str())
}

/// Room for the digits of one integer, without allocation.
#[derive(Default)]
struct IntText {
    bytes: [u8; 20],
    length: usize,
}

impl IntText {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl std::fmt::Write for IntText {
    fn write_str(&mut self, digits: &str) -> std::fmt::Result {
        let end = self.length + digits.len();
        self.bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?
            .copy_from_slice(digits.as_bytes());
        self.length = end;
        Ok(())
    }
}
