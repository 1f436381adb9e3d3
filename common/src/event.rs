//! What happens to an execution. Events are facts: they may come twice, late or never, and each says when it happened.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::execution::{Header, Outputs};
use crate::id::{ExecutionId, TaskRunId};
use crate::state::StateType;
use crate::time::Timestamp;

/// Something that happened to one execution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The execution.
    pub execution: ExecutionId,
    /// When it happened; all the time that `step` knows.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum EventKind {
    /// An execution was asked for; the header is complete, its state `CREATED` (or terminal, where a check failed it).
    Created(Box<Header>),
    /// A worker began an attempt.
    TaskStarted(TaskStarted),
    /// An attempt ended.
    TaskFinished(Box<TaskFinished>),
    /// A child of a `WorkingDirectory`, which the worker itself started or ended.
    ChildFinished(Box<ChildFinished>),
    /// A dispatched task will never report (its worker is lost): dispatch it again.
    TaskLost(TaskLost),
    /// The timer of this task run went off (none: the execution's own start date).
    TimerFired {
        /// The task run whose `wake_at` was reached.
        run: Option<TaskRunId>,
        /// What `wake_at` was when the timer was set; another value now makes this one stale.
        wake_at: Timestamp,
    },
    /// Somebody asked to kill it.
    KillRequested,
}

/// A worker began an attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskStarted {
    /// The task run.
    pub run: TaskRunId,
    /// The dispatch that this is about.
    pub dispatch: u32,
    /// Who runs it.
    pub worker: Arc<str>,
}

/// An attempt ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskFinished {
    /// The task run.
    pub run: TaskRunId,
    /// The dispatch that this is about.
    pub dispatch: u32,
    /// Who ran it.
    pub worker: Arc<str>,
    /// When the attempt began, for results that overtake their start.
    pub started: Timestamp,
    /// SUCCESS, WARNING, FAILED or KILLED, as the task itself ended; allowances are the scheduler's.
    pub state: StateType,
    /// What it gave; kept for failures too, where the task says so.
    pub outputs: Outputs,
}

/// A child of a `WorkingDirectory` ended on its worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChildFinished {
    /// The task run of the `WorkingDirectory`.
    pub parent: TaskRunId,
    /// The dispatch of the parent that this is about.
    pub dispatch: u32,
    /// The child's task.
    pub task_id: Arc<str>,
    /// Who ran it.
    pub worker: Arc<str>,
    /// When it began.
    pub started: Timestamp,
    /// SUCCESS, WARNING, FAILED, KILLED or SKIPPED, allowances applied.
    pub state: StateType,
    /// What it gave.
    pub outputs: Outputs,
}

/// A dispatched task will never report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskLost {
    /// The task run.
    pub run: TaskRunId,
    /// The dispatch that is lost.
    pub dispatch: u32,
    /// Why, for the log: `worker w-1 is gone`.
    pub reason: String,
}
