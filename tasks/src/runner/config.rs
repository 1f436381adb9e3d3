use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where scripts run that do not say it themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// The runner of tasks without `taskRunner`.
    pub default: DefaultRunner,
}

/// The runner of tasks that name none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefaultRunner {
    /// Docker if a daemon answers, else a process, with one warning in the task's log.
    #[default]
    Auto,
    /// Always a container; a task fails where no daemon answers.
    Docker,
    /// Always a process of the worker's machine.
    Process,
}
