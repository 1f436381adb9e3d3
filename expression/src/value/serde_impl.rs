//! Values to and from JSON and serde.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{BigInt, MapBuilder, Value, json_view};
use crate::Error;
use crate::java::double;

/// Copies a JSON document. Wrap shared ones with [`Value::from_shared_json`] instead.
impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => json_view::from_number(&number),
            serde_json::Value::String(text) => Value::from(text),
            serde_json::Value::Array(items) => items.into_iter().collect(),
            serde_json::Value::Object(entries) => Value::Map(entries.into_iter().collect()),
        }
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => json_view::from_number(number),
            serde_json::Value::String(text) => Value::from(text.as_str()),
            serde_json::Value::Array(items) => items.iter().collect(),
            serde_json::Value::Object(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.as_str(), value))
                    .collect(),
            ),
        }
    }
}

pub(super) fn to_json(value: &Value) -> Result<serde_json::Value, Error> {
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int32(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::F32(value) => from_float(shortest(*value)),
        Value::Float(value) => from_float(*value),
        Value::Big(value) => match u64::try_from(&**value) {
            Ok(small) => small.into(),
            Err(_) => i64::try_from(&**value)
                .map_or_else(|_| from_float(to_f64(&value.to_string())), Into::into),
        },
        Value::Decimal(value) if value.scale() <= 0 => {
            to_json(&Value::Big(Arc::new(value.to_bigint())))?
        }
        Value::Decimal(value) => from_float(value.to_f64()),
        Value::Str(text) => serde_json::Value::String(text.to_string()),
        Value::Bytes(bytes) => encode(bytes).into(),
        Value::Temporal(temporal) => temporal.to_string().into(),
        Value::Json(view) => view.json().clone(),
        Value::Entry(entry) => {
            let entries = [(entry.key.to_java_text()?, to_json(&entry.value)?)];
            serde_json::Value::Object(entries.into_iter().collect())
        }
        Value::List(items) => {
            serde_json::Value::Array(items.iter().map(to_json).collect::<Result<_, Error>>()?)
        }
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| Ok((key.to_string(), to_json(value)?)));
            serde_json::Value::Object(entries.collect::<Result<_, Error>>()?)
        }
        Value::Object(object) => {
            let mut entries = serde_json::Map::new();
            for key in object.keys() {
                if let Some(value) = object.get(&key)? {
                    entries.insert(key.to_string(), to_json(&value)?);
                }
            }
            serde_json::Value::Object(entries)
        }
    })
}

fn from_float(value: f64) -> serde_json::Value {
    serde_json::Number::from_f64(value).map_or_else(
        || double::to_string(value).into(),
        serde_json::Value::Number,
    )
}

/// The double that prints like the float.
fn shortest(value: f32) -> f64 {
    to_f64(&value.to_string())
}

fn to_f64(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int32(value) => serializer.serialize_i32(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::F32(value) => serializer.serialize_f32(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Str(text) => serializer.serialize_str(text),
            Value::Json(view) => view.json().serialize(serializer),
            Value::Big(_)
            | Value::Decimal(_)
            | Value::Bytes(_)
            | Value::Temporal(_)
            | Value::Entry(_) => to_json(self)
                .map_err(S::Error::custom)?
                .serialize(serializer),
            Value::List(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    sequence.serialize_element(item)?;
                }
                sequence.end()
            }
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries.iter() {
                    map.serialize_entry(&**key, value)?;
                }
                map.end()
            }
            Value::Object(object) => {
                let mut map = serializer.serialize_map(None)?;
                for key in object.keys() {
                    if let Some(value) = object
                        .get(&key)
                        .map_err(|error| S::Error::custom(error.text()))?
                    {
                        map.serialize_entry(&*key, &value)?;
                    }
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(i32::try_from(value).map_or(Value::Int(value), Value::Int32))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Ok(Value::Big(Arc::new(BigInt::from(value)))),
        }
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(sequence.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = sequence.next_element::<Value>()? {
            items.push(item);
        }
        Ok(Value::from(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = MapBuilder::with_capacity(access.size_hint().unwrap_or(0).min(1024));
        while let Some((key, value)) = access.next_entry::<String, Value>()? {
            map.insert(key, value);
        }
        Ok(Value::Map(map.build()))
    }
}
