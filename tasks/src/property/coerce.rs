//! What values may become: the conversions of Kestra's `Property`.

use std::time::Duration;

use flowmill_common::log::Level;
use flowmill_common::time::parse_duration;
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// How the templates of a property are rendered before the result is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// To one text.
    Text,
    /// To a list: a text that is one expression gives JSON, otherwise each element is rendered.
    List,
    /// To a map, likewise; keys are rendered too.
    Map,
    /// To whatever it is: a text that is one expression keeps the type of its value.
    Any,
}

/// A type that literals and rendered templates can be converted to.
pub trait Coerce: Clone + Send + Sync + Sized {
    /// How templates are rendered.
    const SHAPE: Shape = Shape::Text;
    /// Whether blank text stands for no value at all, where the property may be left out.
    const BLANK_IS_NOTHING: bool = true;

    /// The value. The error says what is wrong and what would be right, without naming the property.
    fn coerce(value: Value) -> Result<Self, String>;

    /// The JSON schema of a literal.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

impl Coerce for String {
    const BLANK_IS_NOTHING: bool = false;

    fn coerce(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(text),
            Value::Null => Err("must be text, not null".into()),
            // numbers and booleans as written, maps and lists as JSON
            other => Ok(other.to_string()),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Coerce for bool {
    fn coerce(value: Value) -> Result<Self, String> {
        match &value {
            Value::Bool(value) => Ok(*value),
            Value::String(text) => match text.trim() {
                "true" | "True" | "TRUE" => Ok(true),
                "false" | "False" | "FALSE" => Ok(false),
                _ => Err(wrong(&value, "`true` or `false`")),
            },
            _ => Err(wrong(&value, "`true` or `false`")),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl Coerce for $type {
            fn coerce(value: Value) -> Result<Self, String> {
                let number = match &value {
                    Value::Number(number) => match number.as_i128() {
                        Some(number) => Some(number),
                        // `3.0` is whole, as Jackson takes it
                        None => number.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i128),
                    },
                    Value::String(text) => text.trim().parse().ok(),
                    _ => None,
                };
                number.and_then(|number| Self::try_from(number).ok()).ok_or_else(|| {
                    let range = format!("a whole number from {} to {}", Self::MIN, Self::MAX);
                    wrong(&value, &range)
                })
            }

            fn schema(generator: &mut SchemaGenerator) -> Schema {
                <$type>::json_schema(generator)
            }
        }
    )*};
}

whole_numbers!(i32, i64, u16, u32, u64, usize);

impl Coerce for f64 {
    fn coerce(value: Value) -> Result<Self, String> {
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| wrong(&value, "a number"))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

impl Coerce for Duration {
    fn coerce(value: Value) -> Result<Self, String> {
        match &value {
            Value::String(text) => parse_duration(text),
            Value::Number(number) => parse_duration(&number.to_string()),
            _ => Err(wrong(&value, "an ISO-8601 duration such as `PT30S`")),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration" })
    }
}

impl Coerce for Level {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"] })
    }
}

impl Coerce for Value {
    const SHAPE: Shape = Shape::Any;
    const BLANK_IS_NOTHING: bool = false;

    fn coerce(value: Value) -> Result<Self, String> {
        Ok(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

impl<T: Coerce> Coerce for Vec<T> {
    const SHAPE: Shape = Shape::List;

    fn coerce(value: Value) -> Result<Self, String> {
        let items = match json_text(value)? {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => return Err(wrong(&other, "a list, or JSON text of one")),
        };
        (items.into_iter().enumerate())
            .map(|(index, item)| {
                T::coerce(item)
                    .map_err(|message| format!("element {index} {}", as_clause(&message)))
            })
            .collect()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let items = T::schema(generator);
        json_schema!({ "type": "array", "items": items })
    }
}

impl<T: Coerce> Coerce for IndexMap<String, T> {
    const SHAPE: Shape = Shape::Map;

    fn coerce(value: Value) -> Result<Self, String> {
        let entries = match json_text(value)? {
            Value::Object(entries) => entries,
            Value::Null => Map::new(),
            other => return Err(wrong(&other, "a map, or JSON text of one")),
        };
        (entries.into_iter())
            .map(|(name, value)| match T::coerce(value) {
                Ok(value) => Ok((name, value)),
                Err(message) => Err(format!("`{name}` {}", as_clause(&message))),
            })
            .collect()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let values = T::schema(generator);
        json_schema!({ "type": "object", "additionalProperties": values })
    }
}

/// A map of any values.
impl Coerce for Map<String, Value> {
    const SHAPE: Shape = Shape::Map;

    fn coerce(value: Value) -> Result<Self, String> {
        match json_text(value)? {
            Value::Object(entries) => Ok(entries),
            Value::Null => Ok(Map::new()),
            other => Err(wrong(&other, "a map, or JSON text of one")),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

/// A map with known members, read by serde.
#[derive(Clone, Debug, PartialEq)]
pub struct Document<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + Clone + Send + Sync> Coerce for Document<T> {
    const SHAPE: Shape = Shape::Map;

    fn coerce(value: Value) -> Result<Self, String> {
        serde_path_to_error::deserialize(json_text(value)?)
            .map(Self)
            .map_err(|error| match error.path().to_string() {
                path if path == "." => error.inner().to_string(),
                path => format!("`{path}`: {}", error.inner()),
            })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// For enums: the variant of exactly this name. `impl Coerce` for an enum calls it.
pub fn by_name<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    let value = match value {
        Value::String(text) => Value::String(text.trim().to_owned()),
        other => other,
    };
    T::deserialize(&value).map_err(|error| match error.to_string().split_once(", expected ") {
        Some((_, expected)) if value.is_string() => wrong(&value, expected),
        _ => wrong(&value, "one of its names"),
    })
}

/// Text that holds JSON as what it holds; blank text as null.
fn json_text(value: Value) -> Result<Value, String> {
    let Value::String(text) = &value else {
        return Ok(value);
    };
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text)
        .map_err(|error| format!("`{}` is not JSON: {error}", shortened(text)))
}

fn wrong(value: &Value, right: &str) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("`{}` is not {right}", shortened(&text))
}

/// The message after the name of the part that it is about.
fn as_clause(message: &str) -> String {
    if message.starts_with('`') {
        format!("is wrong: {message}")
    } else {
        message.to_owned()
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_come_as_numbers_or_text() {
        assert_eq!(i32::coerce(json!(" 5 ")), Ok(5));
        assert_eq!(i32::coerce(json!(5.0)), Ok(5));
        assert_eq!(
            u16::coerce(json!(70_000)).unwrap_err(),
            "`70000` is not a whole number from 0 to 65535"
        );
        assert_eq!(f64::coerce(json!("1.5")), Ok(1.5));
    }

    #[test]
    fn lists_and_maps_come_as_json_text_too() {
        assert_eq!(
            Vec::<String>::coerce(json!("[1, \"a\", {\"b\": 2}]")),
            Ok(vec!["1".into(), "a".into(), "{\"b\":2}".into()])
        );
        assert_eq!(Vec::<String>::coerce(json!(null)), Ok(vec![]));
        let map = IndexMap::<String, i64>::coerce(json!("{\"a\": \"1\"}")).unwrap();
        assert_eq!(map["a"], 1);
        assert_eq!(
            Vec::<u32>::coerce(json!([1, "x"])).unwrap_err(),
            "element 1 is wrong: `x` is not a whole number from 0 to 4294967295"
        );
    }

    #[test]
    fn an_enum_is_found_by_exactly_its_name() {
        assert_eq!(Level::coerce(json!("WARN")), Ok(Level::Warn));
        assert_eq!(
            Level::coerce(json!("warn")).unwrap_err(),
            "`warn` is not one of `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`"
        );
    }
}
