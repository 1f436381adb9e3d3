//! The flowable tasks: they are part of the engine, so their documentation is here.

use serde_json::{Map, Value, json};

use super::document::TaskType;

const TASKS: &str = "io.kestra.core.models.tasks.Task";

/// Every flowable.
pub(super) fn all() -> impl Iterator<Item = TaskType> {
    [
        flowable(
            "Sequential",
            "Run tasks one after the other",
            &["io.kestra.core.tasks.flows.Sequential"],
            &["tasks"],
            json!({"tasks": tasks("The tasks in order.")}),
        ),
        flowable(
            "AllowFailure",
            "Run tasks one after the other; a failure becomes a warning",
            &["io.kestra.core.tasks.flows.AllowFailure"],
            &["tasks"],
            json!({"tasks": tasks("The tasks in order.")}),
        ),
        flowable(
            "Parallel",
            "Run tasks at the same time",
            &["io.kestra.core.tasks.flows.Parallel"],
            &["tasks"],
            json!({"tasks": tasks("The tasks."), "concurrent": concurrent()}),
        ),
        flowable(
            "Dag",
            "Run each task when those it depends on have ended",
            &["io.kestra.core.tasks.flows.Dag"],
            &["tasks"],
            json!({
                "tasks": {
                    "type": "array",
                    "description": "The tasks with what they wait for.",
                    "items": {
                        "type": "object",
                        "required": ["task"],
                        "properties": {
                            "task": {"$ref": format!("#/definitions/{TASKS}")},
                            "dependsOn": {"type": "array", "items": {"type": "string"}, "description": "The ids of those tasks."},
                        },
                    },
                },
                "concurrent": concurrent(),
            }),
        ),
        flowable(
            "If",
            "Run one of two branches",
            &["io.kestra.core.tasks.flows.If"],
            &["condition", "then"],
            json!({
                "condition": {"type": "string", "$dynamic": true, "description": "Truthy: anything but `false`, `0`, an empty text."},
                "then": tasks("When the condition is truthy."),
                "else": tasks("When it is not."),
            }),
        ),
        flowable(
            "Switch",
            "Run one of several branches",
            &["io.kestra.core.tasks.flows.Switch"],
            &["value"],
            json!({
                "value": {"type": "string", "$dynamic": true, "description": "What decides."},
                "cases": {
                    "type": "object",
                    "description": "The branches by the text that the value must be.",
                    "additionalProperties": tasks("The tasks of the branch."),
                },
                "defaults": tasks("When no case fits."),
            }),
        ),
        flowable(
            "ForEach",
            "Run tasks once for each value of a list",
            &[],
            &["values", "tasks"],
            json!({
                "values": {
                    "$dynamic": true,
                    "description": "A list, or a template that gives a JSON list.",
                    "anyOf": [{"type": "string"}, {"type": "array"}],
                },
                "concurrencyLimit": {
                    "type": "integer", "minimum": 0, "default": 1,
                    "description": "At most so many iterations at a time; 0: no limit.",
                },
                "tasks": tasks("The tasks of one iteration, in order."),
            }),
        ),
        flowable(
            "EachSequential",
            "Run tasks for one value after the other; replaced by `ForEach`",
            &["io.kestra.core.tasks.flows.EachSequential"],
            &["value", "tasks"],
            json!({"value": values(), "tasks": tasks("The tasks of one value, in order.")}),
        ),
        flowable(
            "EachParallel",
            "Run all tasks of all values at the same time; replaced by `ForEach`",
            &["io.kestra.core.tasks.flows.EachParallel"],
            &["value", "tasks"],
            json!({"value": values(), "concurrent": concurrent(), "tasks": tasks("The tasks of one value.")}),
        ),
        flowable(
            "LoopUntil",
            "Run tasks again and again until a condition holds",
            &["io.kestra.plugin.core.flow.WaitFor", "io.kestra.core.tasks.flows.WaitFor"],
            &["condition", "tasks"],
            json!({
                "condition": {"type": "string", "$dynamic": true, "description": "Truthy ends the loop."},
                "tasks": tasks("The tasks of one round, in order."),
                "failOnMaxReached": {"type": "boolean", "default": false, "description": "Whether reaching a limit fails the task."},
                "checkFrequency": {
                    "type": "object",
                    "description": "How often, how many times and how long it is tried.",
                    "properties": {
                        "interval": {"type": "string", "description": "The pause between two rounds: `PT1M`."},
                        "maxIterations": {"type": "integer", "description": "At most so many rounds."},
                        "maxDuration": {"type": "string", "description": "At most so long: `PT1H`."},
                    },
                },
            }),
        ),
        flowable(
            "WorkingDirectory",
            "Run tasks one after the other on one worker in one folder",
            &["io.kestra.core.tasks.flows.WorkingDirectory", "io.kestra.core.tasks.flows.Worker"],
            &["tasks"],
            json!({
                "tasks": tasks("The tasks in order; none of them may be flowable."),
                "inputFiles": {"$dynamic": true, "description": "Files to put into the folder, by name: their text or their URI."},
                "outputFiles": {
                    "type": "array", "items": {"type": "string"}, "$dynamic": true,
                    "description": "Glob patterns of the files to keep.",
                },
            }),
        ),
    ]
    .into_iter()
}

fn flowable(
    simple_name: &str,
    title: &str,
    aliases: &'static [&'static str],
    required: &[&str],
    own: Value,
) -> TaskType {
    let mut properties = match own {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    properties.insert(
        "errors".into(),
        tasks("Run in order after a task in it failed."),
    );
    properties.insert(
        "finally".into(),
        tasks("Run in order at the end, whatever happened."),
    );
    TaskType {
        name: format!("io.kestra.plugin.core.flow.{simple_name}"),
        aliases,
        title: title.to_owned(),
        description: String::new(),
        properties: json!({"type": "object", "properties": properties, "required": required}),
        outputs: json!({"type": "object", "properties": {}}),
        example: None,
        flowable: true,
        definitions: Map::new(),
    }
}

fn tasks(description: &str) -> Value {
    json!({"type": "array", "items": {"$ref": format!("#/definitions/{TASKS}")}, "description": description})
}

fn concurrent() -> Value {
    json!({"type": "integer", "minimum": 0, "default": 0, "description": "At most so many at a time; 0: no limit."})
}

fn values() -> Value {
    json!({
        "$dynamic": true,
        "description": "A list, or a template that gives a JSON list.",
        "anyOf": [{"type": "string"}, {"type": "array"}],
    })
}
