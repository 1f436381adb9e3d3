//! Flows as Kestra's clients read them.

use flowmill_backends::repo::flows::{CompiledRevision, Revision};
use flowmill_common::Flow;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::time::Date;

/// Whether the text is in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Shown,
    Hidden,
}

/// A flow as JSON: its document with the forms that clients expect, its revision, and its text if wanted.
pub(crate) fn flow(flow: &Flow, revision: &Revision, source: Source) -> Value {
    let mut map = Map::new();
    map.insert("id".into(), (*flow.id).into());
    map.insert("namespace".into(), (*flow.namespace).into());
    map.insert("revision".into(), revision.revision.into());
    for (name, value) in flow.document.iter() {
        match name.as_str() {
            "id" | "namespace" | "revision" | "disabled" | "deleted" | "tenantId" | "labels"
            | "updated" | "source" => {}
            "inputs" => {
                map.insert(name.clone(), inputs(value));
            }
            "taskDefaults" => {
                map.insert("pluginDefaults".into(), value.clone());
            }
            _ => {
                map.insert(name.clone(), value.clone());
            }
        }
    }
    if !flow.labels.is_empty() {
        map.insert("labels".into(), json!(flow.labels));
    }
    map.insert("disabled".into(), flow.disabled.into());
    finish(&mut map, revision, source);
    Value::Object(map)
}

/// A revision as JSON; one that does not compile any more has an `exception` instead of its tasks.
pub(crate) fn revision(
    namespace: &str,
    id: &str,
    compiled: &CompiledRevision,
    source: Source,
) -> Value {
    match &compiled.flow {
        Ok(compiles) => flow(compiles, &compiled.revision, source),
        Err(diagnostics) => {
            let exception: Vec<&str> = diagnostics
                .iter()
                .map(|diagnostic| diagnostic.message.as_str())
                .collect();
            let mut map = Map::new();
            map.insert("id".into(), id.into());
            map.insert("namespace".into(), namespace.into());
            map.insert("revision".into(), compiled.revision.revision.into());
            map.insert("tasks".into(), json!([]));
            map.insert("exception".into(), exception.join("\n").into());
            map.insert("disabled".into(), false.into());
            // without its text nobody could mend it
            finish(&mut map, &compiled.revision, Source::Shown);
            Value::Object(map)
        }
    }
}

/// A flow cut down to ids and types, as the pages about executions need it.
pub(crate) fn for_execution(flow: &Flow, revision: &Revision) -> Value {
    let mut map = Map::new();
    map.insert("id".into(), (*flow.id).into());
    map.insert("namespace".into(), (*flow.namespace).into());
    map.insert("revision".into(), revision.revision.into());
    for name in ["description", "inputs"] {
        if let Some(value) = flow.document.get(name) {
            map.insert(
                name.into(),
                if name == "inputs" {
                    inputs(value)
                } else {
                    value.clone()
                },
            );
        }
    }
    if !flow.labels.is_empty() {
        map.insert("labels".into(), json!(flow.labels));
    }
    map.insert("disabled".into(), flow.disabled.into());
    map.insert("deleted".into(), revision.deleted.into());
    for name in ["tasks", "errors", "finally", "afterExecution", "triggers"] {
        match flow.document.get(name) {
            Some(value) => map.insert(name.into(), cut(value)),
            None if name == "triggers" => map.insert(name.into(), json!([])),
            None => None,
        };
    }
    Value::Object(map)
}

/// The properties that hold other tasks.
const CHILDREN: [&str; 8] = [
    "tasks", "errors", "finally", "then", "else", "cases", "defaults", "task",
];

fn cut(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(cut).collect(),
        Value::Object(map) if map.contains_key("type") => {
            let kept = map.iter().filter(|(name, _)| {
                CHILDREN.contains(&name.as_str()) || *name == "id" || *name == "type"
            });
            kept.map(|(name, value)| {
                (
                    name.clone(),
                    if name == "id" {
                        value.clone()
                    } else {
                        cut(value)
                    },
                )
            })
            .collect()
        }
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), cut(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Inputs with what they are by default written out.
pub(crate) fn inputs(written: &Value) -> Value {
    let Some(list) = written.as_array() else {
        return written.clone();
    };
    list.iter().map(input).collect()
}

fn input(written: &Value) -> Value {
    let Some(written) = written.as_object() else {
        return written.clone();
    };
    let mut map = written.clone();
    if let Some(name) = map.shift_remove("name") {
        map.entry("id").or_insert(name);
    }
    map.entry("required").or_insert(Value::Bool(true));
    if map.get("type").and_then(Value::as_str) == Some("FORM")
        && let Some(children) = map.get("inputs").map(inputs)
    {
        map.insert("inputs".into(), children);
    }
    Value::Object(map)
}

/// One input as it is declared.
pub(crate) fn input_of(declared: &flowmill_common::flow::Input) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("id".into(), (*declared.id).into());
    let written = input(&Value::Object((*declared.properties).clone()));
    if let Value::Object(written) = written {
        map.extend(written.into_iter().filter(|(name, _)| name != "id"));
    }
    map
}

fn finish(map: &mut Map<String, Value>, revision: &Revision, source: Source) {
    map.insert("deleted".into(), revision.deleted.into());
    map.insert("draft".into(), false.into());
    map.insert("updated".into(), json!(Date(revision.updated)));
    if source == Source::Shown {
        map.insert("source".into(), (*revision.source).into());
    }
}

/// A flow. Beside what is listed it has whatever its text says (`variables`, `pluginDefaults`, …).
#[derive(ToSchema)]
#[schema(as = Flow, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what this module writes")]
pub(crate) struct FlowSchema {
    id: String,
    namespace: String,
    /// Counts the changes of the source, from 1.
    revision: u32,
    description: Option<String>,
    #[schema(value_type = Option<Vec<Object>>)]
    inputs: Option<Vec<Value>>,
    #[schema(value_type = Option<Vec<Object>>)]
    outputs: Option<Vec<Value>>,
    labels: Option<Vec<super::execution::LabelSchema>>,
    #[schema(value_type = Vec<Object>)]
    tasks: Vec<Value>,
    #[schema(value_type = Option<Vec<Object>>)]
    errors: Option<Vec<Value>>,
    #[schema(value_type = Option<Vec<Object>>)]
    finally: Option<Vec<Value>>,
    disabled: bool,
    deleted: bool,
    #[schema(format = DateTime)]
    updated: String,
    /// The text exactly as it was sent; only where it is asked for.
    source: Option<String>,
    /// Why the stored text is no flow any more.
    exception: Option<String>,
}
