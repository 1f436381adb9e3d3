//! The values of jq programs.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use num_bigint::BigInt;

use super::budget;
use super::number::Number;
use crate::java::double;
use crate::value::{Kind, List, MapBuilder, Value};

/// A value of a program.
#[derive(Clone, Debug, Default)]
pub(crate) enum Jq {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Big(Arc<BigInt>),
    Float(f64),
    Str(Arc<str>),
    List(Arc<Items>),
    Map(Arc<Entries>),
    /// A list or a map of the context, read only as far as the program looks; null entries of its maps do not exist.
    Lazy(Value),
}

pub(super) type Table = IndexMap<Arc<str>, Jq, foldhash::fast::RandomState>;

/// A list, and how deep it nests (at most).
#[derive(Clone, Debug, Default)]
pub(crate) struct Items {
    pub(super) depth: usize,
    pub(super) items: Vec<Jq>,
}

/// A map, and how deep it nests (at most).
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    pub(super) depth: usize,
    pub(super) table: Table,
}

impl Items {
    pub(super) fn of(items: Vec<Jq>) -> Items {
        Items {
            depth: 1 + items.iter().map(Jq::depth).max().unwrap_or(0),
            items,
        }
    }
}

impl Entries {
    pub(super) fn of(table: Table) -> Entries {
        Entries {
            depth: 1 + table.values().map(Jq::depth).max().unwrap_or(0),
            table,
        }
    }

    pub(super) fn insert(&mut self, key: Arc<str>, value: Jq) {
        self.depth = self.depth.max(1 + value.depth());
        self.table.insert(key, value);
    }
}

impl Jq {
    /// A value of the context.
    pub(super) fn lazy(value: Value) -> Jq {
        match value {
            Value::Null => Jq::Null,
            Value::Bool(value) => Jq::Bool(value),
            Value::Int32(value) => Jq::Int(i64::from(value)),
            Value::Int(value) => Jq::Int(value),
            Value::Big(value) => Jq::Big(value),
            Value::F32(value) => Jq::Float(value.to_string().parse().unwrap_or(f64::NAN)),
            Value::Float(value) => Jq::Float(value),
            Value::Decimal(value) => Jq::Float(value.to_f64()),
            Value::Str(text) => Jq::Str(text),
            Value::List(_) | Value::Map(_) | Value::Json(_) | Value::Object(_) => Jq::Lazy(value),
            Value::Bytes(_) | Value::Temporal(_) | Value::Entry(_) => {
                // They are texts, as in JSON; an entry is a map of one.
                match value.to_json() {
                    Ok(serde_json::Value::String(text)) => Jq::Str(text.into()),
                    Ok(json) => Jq::Lazy(Value::from(json)),
                    Err(_) => Jq::Null,
                }
            }
        }
    }

    /// A value whose null entries count.
    pub(super) fn exact(value: &Value) -> Jq {
        match value {
            Value::List(items) => Jq::list(items.iter().map(Jq::exact).collect()),
            Value::Map(map) => {
                let table = map
                    .iter()
                    .map(|(key, value)| (Arc::clone(key), Jq::exact(value)))
                    .collect();
                Jq::Map(Arc::new(Entries::of(table)))
            }
            scalar => Jq::lazy(scalar.clone()),
        }
    }

    pub(super) fn list(items: Vec<Jq>) -> Jq {
        Jq::List(Arc::new(Items::of(items)))
    }

    pub(super) fn text(text: impl Into<Arc<str>>) -> Jq {
        Jq::Str(text.into())
    }

    /// Reads one level of a lazy list or map.
    pub(super) fn forced(self) -> Jq {
        let Jq::Lazy(value) = &self else { return self };
        if let Some(items) = value.as_list() {
            return Jq::list(items.iter().cloned().map(Jq::lazy).collect());
        }
        let Some(object) = value.as_object() else {
            return Jq::Null;
        };
        let mut table = Table::default();
        for key in object.keys() {
            match object.get(&key) {
                Ok(Some(Value::Null) | None) => {}
                Ok(Some(value)) => {
                    table.insert(key, Jq::lazy(value));
                }
                // A host that cannot give an entry inside jq gives none.
                Err(_) => {}
            }
        }
        Jq::Map(Arc::new(Entries::of(table)))
    }

    pub(super) fn depth(&self) -> usize {
        match self {
            Jq::List(list) => list.depth,
            Jq::Map(map) => map.depth,
            Jq::Lazy(value) => value.depth().max(1),
            _ => 0,
        }
    }

    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Jq::Int(value) => Some(Number::Int(*value)),
            Jq::Big(value) => Some(Number::Big(Arc::clone(value))),
            Jq::Float(value) => Some(Number::Float(*value)),
            _ => None,
        }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Jq::Null => "null",
            Jq::Bool(_) => "boolean",
            Jq::Int(_) | Jq::Big(_) | Jq::Float(_) => "number",
            Jq::Str(_) => "string",
            Jq::List(_) => "array",
            Jq::Map(_) => "object",
            Jq::Lazy(value) if value.kind() == Kind::List => "array",
            Jq::Lazy(_) => "object",
        }
    }

    /// The entry under a key, null if there is none; `None` if this has no entries.
    pub(super) fn entry(&self, key: &str) -> Option<Jq> {
        match self {
            Jq::Null => Some(Jq::Null),
            Jq::Map(map) => Some(map.table.get(key).cloned().unwrap_or_default()),
            Jq::Lazy(value) if value.kind() == Kind::Map => Some(
                value
                    .get(key)
                    .ok()
                    .flatten()
                    .map(Jq::lazy)
                    .unwrap_or_default(),
            ),
            _ => None,
        }
    }

    /// The element at an index, counted from the end if it is negative; null if there is none; `None` if this is no list.
    pub(super) fn item(&self, index: i64) -> Option<Jq> {
        let at = |length: usize| {
            let index = if index < 0 {
                index.checked_add_unsigned(length as u64)?
            } else {
                index
            };
            usize::try_from(index).ok()
        };
        match self {
            Jq::Null => Some(Jq::Null),
            Jq::List(list) => Some(
                at(list.items.len())
                    .and_then(|index| list.items.get(index))
                    .cloned()
                    .unwrap_or_default(),
            ),
            Jq::Lazy(value) => {
                let items: List = value.as_list()?;
                Some(
                    at(items.len())
                        .and_then(|index| items.get(index))
                        .cloned()
                        .map(Jq::lazy)
                        .unwrap_or_default(),
                )
            }
            _ => None,
        }
    }

    /// The value outside of jq. Null entries that the program made stay; those of the context do not.
    pub(super) fn into_value(self) -> Value {
        match self {
            Jq::Null => Value::Null,
            Jq::Bool(value) => Value::Bool(value),
            Jq::Int(value) => i32::try_from(value).map_or(Value::Int(value), Value::Int32),
            Jq::Big(value) => Value::Big(value),
            Jq::Float(value) => Value::Float(value),
            Jq::Str(text) => Value::Str(text),
            Jq::List(list) => list.items.iter().cloned().map(Jq::into_value).collect(),
            Jq::Map(map) => {
                let entries = map
                    .table
                    .iter()
                    .map(|(key, value)| (Arc::clone(key), value.clone().into_value()));
                Value::Map(entries.collect())
            }
            Jq::Lazy(value) => without_nulls(&value).unwrap_or(value),
        }
    }

    /// The message of an error the program raised.
    pub(super) fn error_text(&self) -> String {
        match self {
            Jq::Str(text) => text.to_string(),
            other => format!("{other}"),
        }
    }

    /// Compact JSON with numbers as jq writes them; false when it became too long.
    pub(super) fn write_json(&self, text: &mut String, style: Style) -> bool {
        if !budget::spend(1) || !budget::may_write(text.len()) {
            return false;
        }
        match self {
            Jq::Null => text.push_str("null"),
            Jq::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Jq::Int(_) | Jq::Big(_) | Jq::Float(_) => match (self, style) {
                (Jq::Float(value), Style::Java) => text.push_str(&double::to_string(*value)),
                _ => text.push_str(
                    &self
                        .number()
                        .map(|number| number.to_text())
                        .unwrap_or_default(),
                ),
            },
            Jq::Str(string) => write_string(string, text),
            Jq::List(list) => {
                text.push('[');
                for (index, item) in list.items.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    if !item.write_json(text, style) {
                        return false;
                    }
                }
                text.push(']');
            }
            Jq::Map(map) => {
                text.push('{');
                for (index, (key, value)) in map.table.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    write_string(key, text);
                    text.push(':');
                    if !value.write_json(text, style) {
                        return false;
                    }
                }
                text.push('}');
            }
            Jq::Lazy(_) => return self.clone().forced().write_json(text, style),
        }
        true
    }
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As `tojson` and `tostring` do: `1`, `1.0e+100`.
    Jq,
    /// As interpolation does: `1.0`, `1.0E100`.
    Java,
}

fn write_string(string: &str, text: &mut String) {
    let mut quoted = crate::formats::text::Text::new(usize::MAX);
    // Nothing limits this text, so it cannot fail.
    let _ = crate::formats::json_write::write_string(string, &mut quoted);
    text.push_str(quoted.as_str());
}

/// The value without null entries of its maps; `None` if it has none.
fn without_nulls(value: &Value) -> Option<Value> {
    match value.kind() {
        Kind::List => {
            let items = value.as_list()?;
            let mut cleaned: Option<Vec<Value>> = None;
            for (index, item) in items.iter().enumerate() {
                if let Some(clean) = without_nulls(item) {
                    cleaned.get_or_insert_with(|| items.to_vec())[index] = clean;
                }
            }
            cleaned.map(Value::from)
        }
        Kind::Map => {
            let map = value.as_map().ok().flatten()?;
            let entries: Vec<Option<Value>> =
                map.iter().map(|(_, value)| without_nulls(value)).collect();
            if entries.iter().all(Option::is_none) && map.iter().all(|(_, value)| !value.is_null())
            {
                return None;
            }
            let mut cleaned = MapBuilder::with_capacity(map.len());
            for ((key, value), clean) in map.iter().zip(entries) {
                if !value.is_null() {
                    cleaned.insert(Arc::clone(key), clean.unwrap_or_else(|| value.clone()));
                }
            }
            Some(Value::Map(cleaned.build()))
        }
        _ => None,
    }
}

impl fmt::Display for Jq {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write_json(&mut text, Style::Jq);
        formatter.write_str(&text)
    }
}
