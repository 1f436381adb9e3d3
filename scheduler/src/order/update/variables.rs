//! `execution.SetVariables` and `execution.UnsetVariables`: variables of the execution, seen as `vars` by later tasks.

use std::sync::Arc;

use flowmill_common::TaskRunId;
use serde_json::{Map, Value};

use crate::draft::Draft;
use crate::order::render::{self, Rendered};

pub(super) fn set(draft: &mut Draft<'_>, id: &TaskRunId, properties: &Map<String, Value>) -> Rendered<()> {
    let Some(property) = properties.get("variables") else { return Ok(Err("`variables` is missing".into())) };
    let added = match render::typed(draft, Some(id), property)? {
        Ok(Value::Object(added)) => added,
        Ok(other) => return Ok(Err(format!("`variables` must be a map, not `{other}`"))),
        Err(message) => return Ok(Err(message)),
    };
    let overwrite = properties.get("overwrite").is_none_or(|overwrite| *overwrite != Value::Bool(false));
    let mut all = present(draft);
    if !overwrite
        && let Some(key) = added.keys().find(|key| all.contains_key(*key) || draft.flow.variables.get(*key).is_some())
    {
        return Ok(Err(format!("variable `{key}` is already set, and `overwrite` is false")));
    }
    merge(&mut all, added);
    draft.header_mut().variables = Arc::new(Value::Object(all));
    Ok(Ok(()))
}

pub(super) fn unset(draft: &mut Draft<'_>, id: &TaskRunId, properties: &Map<String, Value>) -> Rendered<()> {
    let Some(property) = properties.get("variables") else { return Ok(Err("`variables` is missing".into())) };
    let paths = match render::typed(draft, Some(id), property)? {
        Ok(Value::Array(paths)) => paths,
        Ok(other) => return Ok(Err(format!("`variables` must be a list of names, not `{other}`"))),
        Err(message) => return Ok(Err(message)),
    };
    let lenient = properties.get("ignoreMissing") == Some(&Value::Bool(true));
    let mut all = present(draft);
    for path in paths.iter().filter_map(Value::as_str) {
        // a missing name at the top is never an error, as in Kestra
        if !remove(&mut all, path) && !lenient && path.contains('.') {
            return Ok(Err(format!("no variable `{path}` to unset")));
        }
    }
    draft.header_mut().variables = Arc::new(Value::Object(all));
    Ok(Ok(()))
}

fn present(draft: &Draft<'_>) -> Map<String, Value> {
    draft.header().variables.as_object().cloned().unwrap_or_default()
}

/// Maps are merged, everything else is replaced.
fn merge(into: &mut Map<String, Value>, added: Map<String, Value>) {
    for (key, value) in added {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(added)) => merge(inner, added),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn remove(map: &mut Map<String, Value>, path: &str) -> bool {
    match path.split_once('.') {
        None => map.shift_remove(path).is_some(),
        Some((head, rest)) => match map.get_mut(head) {
            Some(Value::Object(inner)) => remove(inner, rest),
            _ => false,
        },
    }
}
