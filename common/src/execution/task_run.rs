//! One instance of a task in one execution.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Progress;
use crate::flow::Branch;
use crate::id::TaskRunId;
use crate::state::State;
use crate::time::Timestamp;

/// A task run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRun {
    /// Its id, derived from what it is.
    pub id: TaskRunId,
    /// The order of creation in the execution, from 0.
    pub number: u64,
    /// The task.
    pub task_id: Arc<str>,
    /// The list it was started from.
    #[serde(default)]
    pub branch: Branch,
    /// The task run of the flowable that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskRunId>,
    /// The value of the loop, as text; JSON text for maps and lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Arc<str>>,
    /// The values of the loops around it, outermost first, its own last: the keys under `outputs.<task>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loop_values: Vec<Arc<str>>,
    /// The index of the value, or the round of a loop, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u64>,
    /// Its state and history.
    pub state: State,
    /// What was tried, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// What it gave.
    #[serde(default, skip_serializing_if = "Outputs::is_none")]
    pub outputs: Outputs,
    /// Counts dispatches; a result of an older one is dropped.
    #[serde(default)]
    pub dispatch: u32,
    /// Flowables: how far their lists have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Box<Progress>>,
    /// A timer that is set for it: the end of a retry's delay, of a pause, of a round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
}

/// One try of a task run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its state and history.
    pub state: State,
    /// The worker that ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Arc<str>>,
}

/// What a task run gave. Small outputs are kept with it, large ones as a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outputs {
    /// Nothing.
    #[default]
    None,
    /// A JSON object.
    Inline(Arc<Value>),
    /// A JSON object in a file.
    Stored {
        /// The file's path in the file storage.
        path: Arc<str>,
        /// Its length in bytes.
        bytes: u64,
    },
}

impl Outputs {
    /// The object, or nothing where it is empty.
    pub fn inline(value: Value) -> Self {
        match &value {
            Value::Null => Self::None,
            Value::Object(map) if map.is_empty() => Self::None,
            _ => Self::Inline(Arc::new(value)),
        }
    }

    /// Whether there is nothing.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}
