//! A catalogue with the names of Kestra's core tasks, some with their properties.

use std::borrow::Cow;

use flowmill_common::compile::{Catalogue, Placement, PropertyProblem, TaskType};
use flowmill_common::flow::Place;
use serde_json::{Map, Value};

pub(crate) struct CoreTasks;

type Row = (
    &'static str,
    &'static [&'static str],
    Option<&'static [&'static str]>,
    Placement,
);

const WORKER: Placement = Placement::Runnable(Place::Worker);
const EXECUTOR: Placement = Placement::Runnable(Place::Executor);

/// Present name, older names, properties (none: any), placement.
const TYPES: &[Row] = &[
    (
        "io.kestra.plugin.core.log.Log",
        &["io.kestra.core.tasks.log.Log"],
        Some(&["message", "level"]),
        EXECUTOR,
    ),
    (
        "io.kestra.plugin.core.debug.Return",
        &["io.kestra.core.tasks.debugs.Return"],
        Some(&["format"]),
        EXECUTOR,
    ),
    (
        "io.kestra.plugin.core.debug.Echo",
        &[],
        Some(&["format", "level"]),
        EXECUTOR,
    ),
    (
        "io.kestra.plugin.core.execution.Fail",
        &["io.kestra.core.tasks.executions.Fail"],
        Some(&["condition", "errorMessage"]),
        EXECUTOR,
    ),
    (
        "io.kestra.plugin.core.output.OutputValues",
        &[],
        Some(&["values"]),
        EXECUTOR,
    ),
    (
        "io.kestra.plugin.core.execution.Labels",
        &[],
        Some(&["labels"]),
        Placement::Update,
    ),
    (
        "io.kestra.plugin.core.execution.SetVariables",
        &[],
        None,
        Placement::Update,
    ),
    (
        "io.kestra.plugin.core.execution.UnsetVariables",
        &[],
        None,
        Placement::Update,
    ),
    (
        "io.kestra.plugin.core.execution.Exit",
        &[],
        None,
        Placement::Update,
    ),
    ("io.kestra.plugin.core.execution.Resume", &[], None, WORKER),
    (
        "io.kestra.plugin.core.execution.PurgeExecutions",
        &[],
        None,
        WORKER,
    ),
    (
        "io.kestra.plugin.core.flow.Sleep",
        &[],
        Some(&["duration"]),
        WORKER,
    ),
    ("io.kestra.plugin.core.kv.Set", &[], None, WORKER),
    ("io.kestra.plugin.core.kv.Get", &[], None, WORKER),
    ("io.kestra.plugin.core.kv.GetKeys", &[], None, WORKER),
    ("io.kestra.plugin.core.kv.Delete", &[], None, WORKER),
    ("io.kestra.plugin.core.state.Set", &[], None, WORKER),
    ("io.kestra.plugin.core.state.Get", &[], None, WORKER),
    ("io.kestra.plugin.core.state.Delete", &[], None, WORKER),
    (
        "io.kestra.plugin.core.storage.LocalFiles",
        &[],
        None,
        WORKER,
    ),
    (
        "io.kestra.plugin.core.storage.FilterItems",
        &[],
        None,
        WORKER,
    ),
    (
        "io.kestra.plugin.core.storage.DeduplicateItems",
        &[],
        None,
        WORKER,
    ),
    ("io.kestra.plugin.core.storage.Delete", &[], None, WORKER),
    ("io.kestra.plugin.core.storage.Split", &[], None, WORKER),
    (
        "io.kestra.plugin.core.namespace.UploadFiles",
        &[],
        None,
        WORKER,
    ),
    (
        "io.kestra.plugin.core.namespace.DownloadFiles",
        &[],
        None,
        WORKER,
    ),
    (
        "io.kestra.plugin.core.namespace.DeleteFiles",
        &[],
        None,
        WORKER,
    ),
    (
        "io.kestra.plugin.core.templating.TemplatedTask",
        &[],
        None,
        WORKER,
    ),
    (
        "io.kestra.plugin.core.trigger.Toggle",
        &["io.kestra.core.tasks.trigger.Toggle"],
        None,
        WORKER,
    ),
    (
        "io.kestra.plugin.core.http.Request",
        &["io.kestra.plugin.fs.http.Request"],
        None,
        WORKER,
    ),
    ("io.kestra.plugin.jdbc.duckdb.Query", &[], None, WORKER),
    ("io.kestra.plugin.scripts.python.Script", &[], None, WORKER),
    (
        "io.kestra.plugin.scripts.shell.Commands",
        &[],
        Some(&["commands", "env", "taskRunner"]),
        WORKER,
    ),
];

impl Catalogue for CoreTasks {
    fn resolve(&self, written: &str) -> Option<TaskType> {
        let (name, _, _, placement) = TYPES
            .iter()
            .find(|(name, aliases, ..)| *name == written || aliases.contains(&written))?;
        Some(TaskType {
            name: Cow::Borrowed(name),
            placement: *placement,
        })
    }

    fn property_names(&self, task_type: &str) -> Option<Vec<Cow<'static, str>>> {
        let (_, _, names, _) = TYPES.iter().find(|(name, ..)| *name == task_type)?;
        names.map(|names| names.iter().copied().map(Cow::Borrowed).collect())
    }

    fn is_text(&self, task_type: &str, property: &str) -> bool {
        task_type == "io.kestra.plugin.core.debug.Return" && property == "format"
    }

    fn check(&self, task_type: &str, properties: &Map<String, Value>) -> Vec<PropertyProblem> {
        match (task_type, properties.get("message")) {
            ("io.kestra.plugin.core.log.Log", None) => vec![PropertyProblem {
                path: "message".to_owned(),
                message: "must not be null".to_owned(),
                hint: None,
            }],
            _ => Vec::new(),
        }
    }

    fn type_names(&self) -> Vec<Cow<'static, str>> {
        TYPES
            .iter()
            .map(|(name, ..)| Cow::Borrowed(*name))
            .collect()
    }
}
