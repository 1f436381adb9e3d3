//! The variables of a job: only what its templates reference, so that a message stays small whatever the execution has gathered.

use flowmill_common::job::STORED_OUTPUTS;
use flowmill_expression::{Engine, Error, Object, References, Value};
use serde_json::{Map, json};

use super::outputs::stored_outputs_path;
use super::record::outputs_read;
use super::root::Root;

/// More loop entries than these are not copied on suspicion: it is found out which ones are read.
const MANY: usize = 16;

/// The part of the root that these references touch, as JSON. `texts` are the templates that the references are of.
pub fn job_variables(
    engine: &Engine,
    root: &Root<'_>,
    references: &References,
    texts: &[&str],
) -> serde_json::Value {
    let mut variables = Map::new();
    let wide = references.everything || references.paths.iter().any(|path| is_wide(root, path));
    let read = if wide {
        outputs_read(engine, root, texts)
    } else {
        None
    };
    if references.everything {
        for key in root
            .keys()
            .iter()
            .filter(|key| read.is_none() || &***key != "outputs")
        {
            if let Ok(Some(value)) = root.get(key) {
                variables.insert(key.to_string(), to_json(&value));
            }
        }
    }
    let named = references
        .paths
        .iter()
        .filter(|path| read.is_none() || !is_wide(root, path));
    for path in named.chain(read.iter().flatten()) {
        if let Some((first, rest)) = path.split_first()
            && let Ok(Some(value)) = root.get(first)
        {
            insert_path(&mut variables, first, &value, rest);
        }
    }
    serde_json::Value::Object(variables)
}

/// Whether the path covers the outputs of many runs.
fn is_wide(root: &Root<'_>, path: &[String]) -> bool {
    match path {
        [first] => first == "outputs",
        [first, task] => first == "outputs" && root.runs_of(task) > MANY,
        _ => false,
    }
}

/// Copies what stands at a path. Where the path breaks off, what is above it is copied without its other members: the worker then
/// misses the same member that the executor would.
fn insert_path(
    into: &mut Map<String, serde_json::Value>,
    key: &str,
    value: &Value,
    rest: &[String],
) {
    let Some((next, further)) = rest.split_first() else {
        into.insert(key.to_owned(), to_json(value));
        return;
    };
    let Some(object) = value.as_object() else {
        into.insert(key.to_owned(), to_json(value));
        return;
    };
    match object.get(next) {
        Err(error) => {
            if let Some(marker) = stored(&error) {
                into.insert(key.to_owned(), marker);
            }
        }
        Ok(found) => {
            let entry = into.entry(key).or_insert_with(|| json!({}));
            if let (Some(found), Some(entry)) = (found, entry.as_object_mut()) {
                insert_path(entry, next, &found, further);
            }
        }
    }
}

/// JSON of a value, with a marker where outputs lie in a file.
fn to_json(value: &Value) -> serde_json::Value {
    let Value::Object(object) = value else {
        return value.to_json().unwrap_or(serde_json::Value::Null);
    };
    if let Err(error) = object.get("")
        && let Some(marker) = stored(&error)
    {
        return marker;
    }
    let mut members = Map::new();
    for key in object.keys() {
        if let Ok(Some(member)) = object.get(&key) {
            members.insert(key.to_string(), to_json(&member));
        }
    }
    serde_json::Value::Object(members)
}

fn stored(error: &Error) -> Option<serde_json::Value> {
    let path = stored_outputs_path(error.as_need()?)?;
    Some(json!({STORED_OUTPUTS: path}))
}
