//! The values of expressions.

mod decimal;
mod entry;
pub(crate) mod equal;
mod json_view;
mod list;
mod map;
pub(crate) mod number;
pub(crate) mod serde_impl;
mod temporal;

use std::fmt;
use std::sync::Arc;

pub use self::decimal::Decimal;
pub(crate) use self::decimal::power_of_ten;
pub(crate) use self::entry::Entry;
pub use self::json_view::JsonView;
pub use self::list::List;
pub use self::map::{Map, MapBuilder};
pub use self::number::Number;
pub use self::temporal::Temporal;
pub use num_bigint::BigInt;

use crate::{Error, Object};

/// A value: cheap to clone, immutable, and lazy where the host wants it to be.
///
/// Large data is shared, not copied: texts, lists and maps are reference counted, a JSON document can be wrapped
/// as it is ([`Value::from_shared_json`]), and a host can give whole maps that make their entries on demand
/// ([`Value::object`]).
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Value {
    /// Nothing; prints as nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A 32-bit integer: what whole numbers of contexts are in Java. Behaves like [`Value::Int`].
    Int32(i32),
    /// A 64-bit integer: what literals are.
    Int(i64),
    /// A 32-bit float: only the `number` filter makes them.
    F32(f32),
    /// A 64-bit float.
    Float(f64),
    /// An integer that needs more than 64 bits, or that was asked to be a `BigInteger`.
    Big(Arc<BigInt>),
    /// An exact decimal.
    Decimal(Arc<Decimal>),
    /// A text. Its length and its indexes count UTF-16 units, as Java's do.
    Str(Arc<str>),
    /// Binary data, from `read()`.
    Bytes(Arc<[u8]>),
    /// A date or a time.
    Temporal(Arc<Temporal>),
    /// A list.
    List(List),
    /// A map in the order of its making.
    Map(Map),
    /// A list or a map inside a shared JSON document.
    Json(JsonView),
    /// A map of the host that makes its entries on demand.
    Object(Arc<dyn Object>),
    /// An entry of a map: what `for` over a map gives. It has a `key` and a `value`, and prints as `key=value`.
    Entry(Arc<Entry>),
}

/// The kind of a value, without regard to how it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing.
    Null,
    /// True or false.
    Bool,
    /// Any number.
    Number,
    /// A text.
    Str,
    /// Binary data.
    Bytes,
    /// A date or a time.
    Temporal,
    /// A list.
    List,
    /// A map.
    Map,
    /// An entry of a map.
    Entry,
}

impl Value {
    /// A text.
    pub fn str(text: impl Into<Arc<str>>) -> Value {
        Value::Str(text.into())
    }

    /// A map of the host that makes its entries on demand.
    pub fn object(object: impl Object + 'static) -> Value {
        Value::Object(Arc::new(object))
    }

    /// A shared JSON document, wrapped without copying: its parts become values when an expression reads them.
    pub fn from_shared_json(json: Arc<serde_json::Value>) -> Value {
        JsonView::new(json).into_value()
    }

    /// Reads JSON text. Whole numbers of any size stay exact; of equal keys the last wins.
    ///
    /// # Errors
    /// What is wrong and at which byte.
    pub fn from_json_text(text: &str) -> Result<Value, Error> {
        crate::formats::json_read::read(text, crate::formats::json_read::MAX_DEPTH)
            .map_err(|problem| Error::evaluation(problem.to_string()))
    }

    /// The kind of this value.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Bool(_) => Kind::Bool,
            Value::Int32(_)
            | Value::Int(_)
            | Value::F32(_)
            | Value::Float(_)
            | Value::Big(_)
            | Value::Decimal(_) => Kind::Number,
            Value::Str(_) => Kind::Str,
            Value::Bytes(_) => Kind::Bytes,
            Value::Temporal(_) => Kind::Temporal,
            Value::List(_) => Kind::List,
            Value::Map(_) | Value::Object(_) => Kind::Map,
            Value::Entry(_) => Kind::Entry,
            Value::Json(view) if view.is_list() => Kind::List,
            Value::Json(_) => Kind::Map,
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if this is one of at most 64 bits.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int32(value) => Some(i64::from(*value)),
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<Number> {
        Number::of(self)
    }

    /// This value as a map whose entries can be asked for one by one, if it is a map.
    pub fn as_object(&self) -> Option<&dyn Object> {
        match self {
            Value::Map(map) => Some(map),
            Value::Object(object) => Some(&**object),
            Value::Json(view) if !view.is_list() => Some(view),
            _ => None,
        }
    }

    /// This value as a list, if it is one. Parts of a JSON document become values, one level deep.
    pub fn as_list(&self) -> Option<List> {
        match self {
            Value::List(list) => Some(list.clone()),
            Value::Json(view) => view.to_list(),
            _ => None,
        }
    }

    /// This value as a whole map, if it is one. A lazy map of the host makes all its entries.
    ///
    /// # Errors
    /// Those of [`Object::get`].
    pub fn as_map(&self) -> Result<Option<Map>, Error> {
        match self {
            Value::Map(map) => Ok(Some(map.clone())),
            Value::Json(view) => Ok(view.to_map()),
            Value::Object(object) => {
                let mut map = MapBuilder::default();
                for key in object.keys() {
                    if let Some(value) = object.get(&key)? {
                        map.insert(key, value);
                    }
                }
                Ok(Some(map.build()))
            }
            _ => Ok(None),
        }
    }

    /// The entry under `key` if this is a map that has one.
    ///
    /// # Errors
    /// Those of [`Object::get`].
    pub fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        match self.as_object() {
            Some(object) => object.get(key),
            None => Ok(None),
        }
    }

    /// How deep lists and maps nest in this value: 0 for scalars and for what is the host's own.
    pub fn depth(&self) -> usize {
        match self {
            Value::List(list) => list.depth(),
            Value::Map(map) => map.depth(),
            Value::Entry(entry) => 1 + entry.value.depth(),
            _ => 0,
        }
    }

    /// About how long the text of this value is, in bytes. What lists and maps share counts each time it is seen, as it does
    /// for all that walks through them; what is the host's own counts as one.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Value::List(list) => list.weight(),
            Value::Map(map) => map.weight(),
            Value::Str(text) => text.len() + 2,
            Value::Entry(entry) => entry.key.weight().saturating_add(entry.value.weight()),
            _ => 2,
        }
    }

    /// This value as JSON: bytes as base64, dates as ISO texts, numbers that JSON lacks (`NaN`, infinities) as texts.
    /// Null entries of maps are kept.
    ///
    /// # Errors
    /// Those of [`Object::get`].
    pub fn to_json(&self) -> Result<serde_json::Value, Error> {
        serde_impl::to_json(self)
    }

    /// The text as Java's `toString` gives it: `null`, `[1, a]`, `{a=1}`.
    ///
    /// # Errors
    /// Those of [`Object::get`].
    pub fn to_java_text(&self) -> Result<String, Error> {
        let mut text = crate::formats::text::Text::new(usize::MAX);
        crate::formats::java_text::write(self, &mut text)?;
        Ok(text.into_string())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => formatter.write_str("Null"),
            Value::Bool(value) => formatter.debug_tuple("Bool").field(value).finish(),
            Value::Int32(value) => formatter.debug_tuple("Int32").field(value).finish(),
            Value::Int(value) => formatter.debug_tuple("Int").field(value).finish(),
            Value::F32(value) => formatter.debug_tuple("F32").field(value).finish(),
            Value::Float(value) => formatter.debug_tuple("Float").field(value).finish(),
            Value::Big(value) => formatter
                .debug_tuple("Big")
                .field(&value.to_string())
                .finish(),
            Value::Decimal(value) => formatter.debug_tuple("Decimal").field(value).finish(),
            Value::Str(value) => formatter.debug_tuple("Str").field(value).finish(),
            Value::Bytes(value) => formatter.debug_tuple("Bytes").field(&value.len()).finish(),
            Value::Temporal(value) => formatter.debug_tuple("Temporal").field(value).finish(),
            Value::List(value) => value.fmt(formatter),
            Value::Map(value) => value.fmt(formatter),
            Value::Json(value) => value.fmt(formatter),
            Value::Object(value) => formatter.debug_tuple("Object").field(value).finish(),
            Value::Entry(value) => formatter
                .debug_tuple("Entry")
                .field(&value.key)
                .field(&value.value)
                .finish(),
        }
    }
}

/// Equal kinds and equal contents, without conversion between kinds of numbers (`1` is not `1.0`). Maps compare
/// without regard to order; a host's lazy map whose entries fail to come is equal to nothing.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        equal::equal(self, other).unwrap_or(false)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Int32(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Value {
        i64::try_from(value).map_or_else(|_| Value::Big(Arc::new(BigInt::from(value))), Value::Int)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Str(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Str(value.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Value {
        Value::Str(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Value {
        Value::List(List::from(items))
    }
}

impl From<List> for Value {
    fn from(list: List) -> Value {
        Value::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Value {
        Value::Map(map)
    }
}

impl From<Temporal> for Value {
    fn from(temporal: Temporal) -> Value {
        Value::Temporal(Arc::new(temporal))
    }
}

impl From<jiff::Timestamp> for Value {
    fn from(instant: jiff::Timestamp) -> Value {
        Value::from(Temporal::Instant(instant))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Value {
        Value::from(items.into_iter().map(Into::into).collect::<Vec<Value>>())
    }
}
