//! The document as the API shows it.

use serde_json::{Map, Value};

use super::labels;
use crate::yaml::{Kind, Mapping, Node};

/// Members that are text whatever they look like, in every mapping that has a type (tasks, inputs, triggers, …).
const TEXTS: [&str; 8] = [
    "id",
    "name",
    "type",
    "description",
    "displayName",
    "timeout",
    "runIf",
    "when",
];

/// The whole document as JSON: plugin defaults not applied, labels as a list.
pub(super) fn of(written: &Node) -> Map<String, Value> {
    let Some(mapping) = written.as_mapping() else {
        return Map::new();
    };
    let mut document = members(mapping, |key| {
        matches!(key, "id" | "namespace" | "description")
    });
    if let Some(labels) = mapping.get("labels") {
        let list = labels::pairs(labels)
            .into_iter()
            .map(|(key, value)| serde_json::json!({"key": key, "value": value}));
        document.insert("labels".to_owned(), Value::Array(list.collect()));
    }
    document
}

fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.value(),
        Kind::Sequence(items) => Value::Array(items.iter().map(json).collect()),
        Kind::Mapping(mapping) => {
            let typed = mapping
                .get("type")
                .is_some_and(|node| node.as_text().is_some());
            Value::Object(members(mapping, |key| typed && TEXTS.contains(&key)))
        }
    }
}

fn members(mapping: &Mapping, is_text: impl Fn(&str) -> bool) -> Map<String, Value> {
    let value = |key: &str, node: &Node| match node.as_text() {
        Some(text) if is_text(key) => Value::String(text.to_owned()),
        _ => json(node),
    };
    mapping
        .iter()
        .map(|(key, entry)| (key.to_owned(), value(key, &entry.value)))
        .collect()
}
