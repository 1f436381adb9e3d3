//! What a worker is given: one task, and only the variables that its templates reference.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::Event;
use crate::id::{ExecutionId, TaskRunId};
use crate::log::Level;
use crate::time::Timestamp;

/// One task run to do. Sent on `jobs.{group}`; results go to `events.{partition}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The execution.
    pub execution: ExecutionId,
    /// The partition that owns the execution.
    pub partition: u16,
    /// The namespace of the flow.
    pub namespace: Arc<str>,
    /// The flow.
    pub flow_id: Arc<str>,
    /// Its revision.
    pub flow_revision: u32,
    /// The task run.
    pub run: TaskRunId,
    /// Which dispatch of it this is; results carry it back.
    pub dispatch: u32,
    /// The attempt, from 0.
    pub attempt: u32,
    /// The task's id.
    pub task_id: Arc<str>,
    /// The present name of the task's type.
    pub task_type: Arc<str>,
    /// The value of the loop it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Arc<str>>,
    /// The values of the loops around it, outermost first, its own last: where a `WorkingDirectory` puts the outputs of its children.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loop_values: Vec<Arc<str>>,
    /// The iteration of the loop it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u64>,
    /// The task as written, plugin defaults applied, unrendered.
    pub properties: Arc<Map<String, Value>>,
    /// The longest it may take: a duration or a template that gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Arc<str>>,
    /// The least level that is kept of its log.
    pub log_level: Level,
    /// The root of its expressions, cut to what its templates reference.
    pub variables: Arc<Value>,
    /// The children of a `WorkingDirectory`, in order, disabled ones left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildJob>,
    /// When it was sent.
    pub at: Timestamp,
}

/// A child of a `WorkingDirectory`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChildJob {
    /// The task run, derived by the executor.
    pub run: TaskRunId,
    /// The task's id.
    pub task_id: Arc<str>,
    /// The present name of the task's type.
    pub task_type: Arc<str>,
    /// The task as written.
    pub properties: Arc<Map<String, Value>>,
    /// A template: falsy skips it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_if: Option<Arc<str>>,
    /// The longest it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Arc<str>>,
    /// A failure becomes a warning.
    pub allow_failure: bool,
    /// A warning becomes a success.
    pub allow_warning: bool,
    /// The least level that is kept of its log.
    pub log_level: Level,
}

/// What goes to the workers by the `control` topic.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Control {
    /// Stop this dispatch of this task run.
    Kill {
        /// The task run.
        run: TaskRunId,
        /// The dispatch; all up to it are stopped.
        dispatch: u32,
    },
}

/// What goes to those who watch: a list of these in each message of the `changes` topic.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Changed {
    /// The execution.
    pub execution: ExecutionId,
    /// The version of its header that was committed.
    pub version: u64,
    /// Whether nothing more will follow by itself: terminal, and everything after the execution done.
    pub ended: bool,
    /// New log lines were stored for it.
    #[serde(default)]
    pub logged: bool,
}

impl Job {
    /// The event that answers this job, at this time.
    pub fn event(&self, at: Timestamp, kind: crate::event::EventKind) -> Event {
        Event {
            execution: self.execution.clone(),
            at,
            kind,
        }
    }
}

/// In the variables of a job an object with only this member, whose value is a path in the file storage, stands for the JSON object
/// in that file: outputs too large for a message. The worker puts the object in its place before it renders.
pub const STORED_OUTPUTS: &str = "$flowmill.stored";

/// In the variables of a job an object with only this member stands for a SECRET input: its value as it is encrypted. The worker
/// decrypts it before it renders, and masks it in logs. Plain secrets are never in a message.
pub const ENCRYPTED: &str = "$flowmill.encrypted";
