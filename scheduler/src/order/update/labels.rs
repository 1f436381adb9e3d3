//! `execution.Labels`: adds labels to the execution; of equal keys the new value wins.

use std::sync::Arc;

use flowmill_common::TaskRunId;
use flowmill_common::flow::Label;
use serde_json::{Map, Value};

use crate::draft::Draft;
use crate::order::render::{self, Rendered};

pub(super) fn run(draft: &mut Draft<'_>, id: &TaskRunId, properties: &Map<String, Value>) -> Rendered<()> {
    let Some(property) = properties.get("labels") else { return Ok(Err("`labels` is missing".into())) };
    let added = match render::typed(draft, Some(id), property)?.and_then(read) {
        Ok(added) => added,
        Err(message) => return Ok(Err(message)),
    };
    let header = draft.header_mut();
    let mut labels = (*header.labels).clone();
    for label in added {
        match labels.iter_mut().find(|present| present.key == label.key) {
            Some(present) => present.value = label.value,
            None => labels.push(label),
        }
    }
    header.labels = Arc::new(labels);
    Ok(Ok(()))
}

/// A map, a list of `{key, value}`, or text that is JSON of one of them.
fn read(value: Value) -> Result<Vec<Label>, String> {
    let pairs: Vec<(String, Value)> = match value {
        Value::String(text) => {
            let parsed = serde_json::from_str::<Value>(&text)
                .map_err(|error| format!("`labels` is neither a map nor a list of `key` and `value`: {error}"))?;
            return if parsed.is_string() { Err("`labels` is neither a map nor a list".into()) } else { read(parsed) };
        }
        Value::Object(map) => map.into_iter().collect(),
        Value::Array(items) => items.into_iter().map(pair).collect::<Result<_, _>>()?,
        other => return Err(format!("`labels` must be a map or a list of `key` and `value`, not `{other}`")),
    };
    pairs.into_iter().map(|(key, value)| label(key, &value)).collect()
}

fn pair(item: Value) -> Result<(String, Value), String> {
    match (item.get("key"), item.get("value")) {
        (Some(Value::String(key)), Some(value)) => Ok((key.clone(), value.clone())),
        _ => Err(format!("a label is a map with `key` and `value`, not `{item}`")),
    }
}

fn label(key: String, value: &Value) -> Result<Label, String> {
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    if key.is_empty() || value.is_empty() {
        return Err("Label keys and values must not be empty".into());
    }
    if key.starts_with("system.") {
        return Err(format!("System labels can only be set by Kestra itself, offending label: {key}={value}"));
    }
    Ok(Label { key, value })
}
