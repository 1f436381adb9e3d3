//! An execution as the executor holds it: a small header and its task runs.

mod progress;
mod runs;
mod task_run;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use progress::{Chosen, Outcome, Progress};
pub use runs::TaskRuns;
pub use task_run::{Attempt, Outputs, TaskRun};

use crate::flow::Label;
use crate::id::ExecutionId;
use crate::state::State;
use crate::time::Timestamp;

/// One run of a flow.
#[derive(Clone, Debug)]
pub struct Execution {
    /// What is small and often written.
    pub header: Header,
    /// The task runs, by id and in the order they were created. Shared with the lazy objects of a rendering that is at work.
    pub runs: Arc<TaskRuns>,
}

/// What is known of an execution besides its task runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Its id.
    pub id: ExecutionId,
    /// The namespace of the flow.
    pub namespace: Arc<str>,
    /// The flow.
    pub flow_id: Arc<str>,
    /// The revision it was created with and is run by.
    pub flow_revision: u32,
    /// Its state and history.
    pub state: State,
    /// The resolved inputs, nested by dots.
    #[serde(default = "empty_object", skip_serializing_if = "is_empty_object")]
    pub inputs: Arc<Value>,
    /// The flow's outputs, once it has ended.
    #[serde(default = "empty_object", skip_serializing_if = "is_empty_object")]
    pub outputs: Arc<Value>,
    /// The flow's labels, then the given ones; `system.correlationId` is always there.
    pub labels: Arc<Vec<Label>>,
    /// What `SetVariables` and triggers put here; spread over the root of expressions.
    #[serde(default = "empty_object", skip_serializing_if = "is_empty_object")]
    pub variables: Arc<Value>,
    /// What started it, if not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Arc<Trigger>>,
    /// The execution that this one was replayed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<ExecutionId>,
    /// The first execution of a chain of replays and retries; its own id for a fresh one.
    pub original_id: ExecutionId,
    /// When it shall start, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_date: Option<Timestamp>,
    /// Counts restarts, replays and retries of the whole, from 1.
    pub attempt_number: u32,
    /// When the first of the chain was created.
    pub original_created: Timestamp,
    /// How far the flow's own lists have come.
    pub progress: Progress,
    /// Why it failed, where no task run says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many task runs were ever created; gives each its number.
    pub created_runs: u64,
    /// How many task runs wait for the delay of a retry.
    #[serde(default)]
    pub retrying_runs: u32,
    /// Grows with each change that is committed; a reader that has seen number n needs no older one.
    #[serde(default)]
    pub version: u64,
}

/// What started an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The trigger's id; for a subflow the id of the calling task.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub trigger_type: String,
    /// What expressions see as `trigger`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
}

/// An empty JSON object, shared.
pub fn empty_object() -> Arc<Value> {
    Arc::new(Value::Object(Map::new()))
}

fn is_empty_object(value: &Arc<Value>) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}
