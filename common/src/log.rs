//! Log lines of executions, and the measurements that tasks publish.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::TaskRunId;
use crate::time::Timestamp;

/// How important a log line is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Stack traces and the like.
    Trace,
    /// What the engine did.
    Debug,
    /// What a flow says; the default.
    #[default]
    Info,
    /// Worth a look.
    Warn,
    /// Why something failed.
    Error,
}

impl Level {
    /// The name on the wire: `INFO`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }

    /// The level of this name, in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Trace,
            Self::Debug,
            Self::Info,
            Self::Warn,
            Self::Error,
        ]
        .into_iter()
        .find(|level| level.name() == name)
    }
}

/// One line of an execution's log. The execution, its flow and its namespace are known from where it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// How important it is.
    pub level: Level,
    /// The text, secrets masked; may hold line breaks.
    pub message: String,
    /// The task it belongs to; none for lines about the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Arc<str>>,
    /// The task run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_run: Option<TaskRunId>,
    /// The attempt, from 0.
    #[serde(default)]
    pub attempt: u32,
}

/// A measurement that a task publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Counter, timer (milliseconds) or gauge.
    #[serde(rename = "type")]
    pub kind: MetricKind,
    /// The value.
    pub value: f64,
    /// What it is about.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub tags: serde_json::Map<String, serde_json::Value>,
}

/// How measurements of the same name are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Adds up.
    Counter,
    /// Adds up; milliseconds.
    Timer,
    /// The last one counts.
    Gauge,
}
