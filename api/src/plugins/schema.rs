//! The JSON schema of the language, for editors.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::document::{self, TaskType};
use super::{cached, inputs};
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::Params;
use crate::request::params::unconvertible;

const FLOW: &str = "io.kestra.core.models.flows.Flow";
const TASK: &str = "io.kestra.core.models.tasks.Task";
const INPUT: &str = "io.kestra.core.models.flows.Input";

/// Get the JSON schema (draft 7) of flows or tasks.
#[utoipa::path(
    get, path = "/api/v1/plugins/schemas/{type}", tag = "plugins", operation_id = "schemasFromType",
    params(
        ("type" = String, Path, description = "`flow` or `task`, in upper or lower case."),
        ("arrayOf" = Option<bool>, Query, description = "Of a list of them. Default false."),
    ),
    responses((status = 200, body = Object), (status = 422, body = ErrorBody), (status = 501, body = ErrorBody)),
)]
pub(crate) async fn get(
    State(api): State<Api>,
    Path(kind): Path<String>,
    params: Params,
) -> Result<Response> {
    let root = match kind.to_ascii_lowercase().as_str() {
        "flow" => FLOW,
        "task" => TASK,
        "trigger" | "plugindefault" | "dashboard" | "template" | "apps" | "testsuites" => {
            return Err(ApiError::not_built(format!("the schema of `{kind}`")));
        }
        _ => return Err(unconvertible("type", &kind, "it is none of flow, task")),
    };
    let mut schema = Map::new();
    schema.insert(
        "$schema".into(),
        "http://json-schema.org/draft-07/schema#".into(),
    );
    let reference = format!("#/definitions/{root}");
    if params.flag("arrayOf")?.unwrap_or(false) {
        schema.insert("type".into(), "array".into());
        schema.insert("items".into(), json!({"$ref": reference}));
    } else {
        schema.insert("$ref".into(), reference.into());
    }
    schema.insert(
        "definitions".into(),
        Value::Object(definitions(document::all(&api))),
    );
    Ok(cached(&Value::Object(schema)))
}

fn definitions(types: Vec<TaskType>) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert(FLOW.into(), flow());
    let references = |names: Vec<String>| {
        let references = names
            .into_iter()
            .map(|name| json!({"$ref": format!("#/definitions/{name}")}));
        json!({"anyOf": references.collect::<Vec<_>>()})
    };
    all.insert(
        TASK.into(),
        references(types.iter().map(|one| one.name.clone()).collect()),
    );
    all.insert(
        INPUT.into(),
        references(inputs::definitions().map(|(name, _)| name).collect()),
    );
    for one in types {
        all.insert(one.name.clone(), one.definition());
        all.extend(one.definitions);
    }
    all.extend(inputs::definitions());
    all
}

fn flow() -> Value {
    let tasks = |description: &str| json!({"type": "array", "items": {"$ref": format!("#/definitions/{TASK}")}, "description": description});
    let mut main = tasks("The tasks, run in order.");
    main["minItems"] = 1.into();
    json!({
        "type": "object",
        "title": "Flow",
        "additionalProperties": false,
        "required": ["id", "namespace", "tasks"],
        "properties": {
            "id": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9._-]*", "minLength": 1, "maxLength": 100, "description": "Unique in the namespace; cannot change."},
            "namespace": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]*", "minLength": 1, "maxLength": 150, "description": "Dots make a hierarchy; cannot change."},
            "revision": {"type": "integer", "minimum": 1, "description": "Given by the server."},
            "description": {"type": "string", "description": "Markdown."},
            "labels": {"description": "Copied to each execution: a map, or a list of `{key, value}`.", "anyOf": [{"type": "object"}, {"type": "array"}]},
            "inputs": {"type": "array", "items": {"$ref": format!("#/definitions/{INPUT}")}, "description": "What an execution is given."},
            "outputs": {
                "type": "array",
                "description": "What an execution gives back.",
                "items": {
                    "type": "object",
                    "required": ["id", "type", "value"],
                    "properties": {
                        "id": {"type": "string"},
                        "type": {"type": "string"},
                        "value": {"$dynamic": true},
                        "description": {"type": "string"},
                        "displayName": {"type": "string"},
                        "required": {"type": "boolean", "default": true},
                    },
                },
            },
            "variables": {"type": "object", "description": "`vars` in expressions, unrendered."},
            "tasks": main,
            "errors": tasks("Run in order when a task failed."),
            "finally": tasks("Run in order at the end, whatever happened."),
            "afterExecution": tasks("Run in order after the final state was set."),
            "triggers": {"type": "array", "items": {"type": "object"}, "description": "What starts it."},
            "pluginDefaults": {
                "type": "array",
                "description": "Values for the properties of all tasks of a type.",
                "items": {
                    "type": "object",
                    "required": ["type", "values"],
                    "properties": {
                        "type": {"type": "string", "description": "A type, or what types begin with."},
                        "forced": {"type": "boolean", "default": false},
                        "values": {"type": "object"},
                    },
                },
            },
            "concurrency": {"type": "object", "description": "How many executions may run at a time."},
            "retry": {"type": "object", "description": "For all tasks without one of their own."},
            "sla": {"type": "array", "items": {"type": "object"}},
            "checks": {"type": "array", "items": {"type": "object"}},
            "disabled": {"type": "boolean", "default": false, "description": "No execution can be created from it."},
        },
    })
}
