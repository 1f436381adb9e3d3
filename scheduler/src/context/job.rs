//! The variables of a job: only what its templates reference, so that a message stays small whatever the execution has gathered.

use flowmill_common::job::STORED_OUTPUTS;
use flowmill_expression::{Error, Object, References, Value};
use serde_json::{Map, json};

use super::outputs::stored_outputs_path;
use super::root::Root;

/// The part of the root that these references touch, as JSON.
pub fn job_variables(root: &Root<'_>, references: &References) -> serde_json::Value {
    let mut variables = Map::new();
    if references.everything {
        for key in root.keys() {
            if let Ok(Some(value)) = root.get(&key) {
                variables.insert(key.to_string(), to_json(&value));
            }
        }
        return serde_json::Value::Object(variables);
    }
    for path in &references.paths {
        if let Some((first, rest)) = path.split_first()
            && let Ok(Some(value)) = root.get(first)
        {
            insert_path(&mut variables, first, &value, rest);
        }
    }
    serde_json::Value::Object(variables)
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
