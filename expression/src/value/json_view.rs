//! Parts of a shared JSON document.

use std::fmt;
use std::sync::Arc;

use yoke::Yoke;

use super::{BigInt, List, Map, Value};
use crate::{Error, Object};

/// A list or a map inside a shared JSON document: the document and a pointer into it, nothing copied.
#[derive(Clone)]
pub struct JsonView(Yoke<&'static serde_json::Value, Arc<serde_json::Value>>);

impl JsonView {
    pub(super) fn new(document: Arc<serde_json::Value>) -> JsonView {
        JsonView(Yoke::attach_to_cart(document, |document| document))
    }

    /// This part of the document.
    pub fn json(&self) -> &serde_json::Value {
        self.0.get()
    }

    /// Scalars as plain values, lists and maps as they are.
    pub(super) fn into_value(self) -> Value {
        match self.json() {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => from_number(number),
            serde_json::Value::String(text) => Value::Str(text.as_str().into()),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => Value::Json(self),
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        self.json().is_array()
    }

    /// The element at `index` of a list.
    pub(crate) fn item(&self, index: usize) -> Option<Value> {
        self.child(|json| json.get(index))
    }

    /// The list of its parts, if this is a list.
    pub(super) fn to_list(&self) -> Option<List> {
        let length = self.json().as_array()?.len();
        Some((0..length).filter_map(|index| self.item(index)).collect())
    }

    /// The map of its parts, if this is a map.
    pub(super) fn to_map(&self) -> Option<Map> {
        let object = self.json().as_object()?;
        Some(
            object
                .keys()
                .filter_map(|key| Some((key.as_str(), self.child(|json| json.get(key.as_str()))?)))
                .collect(),
        )
    }

    fn child(
        &self,
        select: impl for<'a> Fn(&'a serde_json::Value) -> Option<&'a serde_json::Value>,
    ) -> Option<Value> {
        // Scalars are made without touching the reference count of the document.
        match select(self.json())? {
            serde_json::Value::Null => Some(Value::Null),
            serde_json::Value::Bool(value) => Some(Value::Bool(*value)),
            serde_json::Value::Number(number) => Some(from_number(number)),
            serde_json::Value::String(text) => Some(Value::Str(text.as_str().into())),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                let part = self
                    .0
                    .clone()
                    .try_map_project(|json, _| select(json).ok_or(()))
                    .ok()?;
                Some(Value::Json(JsonView(part)))
            }
        }
    }
}

/// A JSON number as Jackson reads it: the smallest of int, long, big integer and double that holds it.
pub(super) fn from_number(number: &serde_json::Number) -> Value {
    if let Some(value) = number.as_i64() {
        return i32::try_from(value).map_or(Value::Int(value), Value::Int32);
    }
    if let Some(value) = number.as_u64() {
        return Value::Big(Arc::new(BigInt::from(value)));
    }
    Value::Float(number.as_f64().unwrap_or(f64::NAN))
}

impl Object for JsonView {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        Ok(self.child(|json| json.get(key)))
    }

    fn keys(&self) -> Vec<Arc<str>> {
        let Some(object) = self.json().as_object() else {
            return Vec::new();
        };
        object.keys().map(|key| key.as_str().into()).collect()
    }

    fn contains(&self, key: &str) -> Result<bool, Error> {
        Ok(self.json().get(key).is_some())
    }

    fn len(&self) -> usize {
        match self.json() {
            serde_json::Value::Array(items) => items.len(),
            serde_json::Value::Object(entries) => entries.len(),
            _ => 0,
        }
    }
}

impl fmt::Debug for JsonView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_document_are_reached_without_copying_it() {
        let document = Arc::new(serde_json::json!({"a": {"b": [1, "x", {"c": 2.5}]}}));
        let value = Value::from_shared_json(Arc::clone(&document));
        let list = value
            .get("a")
            .unwrap()
            .unwrap()
            .get("b")
            .unwrap()
            .unwrap()
            .as_list()
            .unwrap();
        assert_eq!(list[1], Value::from("x"));
        assert_eq!(list[2].get("c").unwrap(), Some(Value::Float(2.5)));
        assert!(Arc::strong_count(&document) > 1);
    }
}
