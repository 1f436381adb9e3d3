//! The properties that all scripts share.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::task_runner::{LegacyRunner, TaskRunner};
use crate::property::{Coerce, Property, by_name};
use crate::runner::docker;
use crate::support::input_files::InputFiles;
use crate::support::namespace_files::NamespaceFiles;

/// The properties of every script type.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Common {
    /// Where the commands run: a process (`io.kestra.plugin.core.runner.Process`) or a container
    /// (`io.kestra.plugin.scripts.runner.docker.Docker`). By default what the worker's `tasks.runner.default` says: a container if a
    /// Docker daemon answers, else a process.
    #[serde(default)]
    pub(super) task_runner: Option<TaskRunner>,
    /// The image of the container. A process ignores it.
    #[serde(default)]
    pub(super) container_image: Option<Property<String>>,
    /// Commands that run before, in the same shell: installing packages, changing the folder.
    #[serde(default)]
    pub(super) before_commands: Option<Property<Vec<String>>>,
    /// The program that gets the commands as its last argument. An empty list without `beforeCommands` runs the commands as one
    /// program and its arguments.
    #[serde(default)]
    pub(super) interpreter: Option<Property<Vec<String>>>,
    /// Whether the first line that fails ends the script (`set -e`); otherwise the last one decides. True by default.
    #[serde(default)]
    pub(super) fail_fast: Option<Property<bool>>,
    /// More environment variables.
    #[serde(default)]
    pub(super) env: Option<Property<Map<String, Value>>>,
    /// Files to put into the working directory: a map of names to contents (text or the URI of a stored file), or an expression
    /// that gives one.
    #[serde(default)]
    pub(super) input_files: Option<Property<InputFiles>>,
    /// Patterns of the files in the working directory to keep as outputs: `report.csv`, `*.json`, `**.parquet`.
    #[serde(default)]
    pub(super) output_files: Option<Property<Vec<String>>>,
    /// Whether all files in `{{ outputDir }}` are kept as outputs. Deprecated: use `outputFiles`.
    #[serde(default)]
    pub(super) output_directory: Option<Property<bool>>,
    /// Files of namespaces to put into the working directory.
    #[serde(default)]
    pub(super) namespace_files: Option<NamespaceFiles>,
    /// The operating system that the commands are written for. Only Linux is run.
    #[serde(default, rename = "targetOS")]
    pub(super) target_os: Option<Property<TargetOs>>,
    /// Ignored: only the exit code decides about the state.
    #[serde(default)]
    #[schemars(with = "Option<bool>")]
    #[allow(dead_code, reason = "read so that it is a known property")]
    warning_on_std_err: Option<Value>,
    /// Deprecated: use `taskRunner`.
    #[serde(default)]
    pub(super) runner: Option<LegacyRunner>,
    /// Deprecated: use `taskRunner` of type `io.kestra.plugin.scripts.runner.docker.Docker`.
    #[serde(default)]
    pub(super) docker: Option<docker::Options>,
}

/// An operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum TargetOs {
    /// Found out.
    #[default]
    Auto,
    /// Linux.
    Linux,
    /// Windows: refused.
    Windows,
}

impl Coerce for TargetOs {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Self::json_schema(generator)
    }
}

/// What every script gives.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is used")]
pub(super) struct Outputs {
    /// What the script put out with `::{"outputs": {…}}::` lines.
    vars: Map<String, Value>,
    /// The exit code; 128 and the number of the signal that ended the command.
    exit_code: i32,
    /// The URIs of the stored files by their paths in the working directory.
    output_files: std::collections::BTreeMap<String, String>,
    /// What the runner tells: `containerId` for a container.
    task_runner: Option<Map<String, Value>>,
}
