//! What one step changes and commands. A delta: it is applied to the execution in memory, and it is what gets persisted.

use std::sync::Arc;

use flowmill_common::execution::{Header, TaskRun};
use flowmill_common::log::LogLine;
use flowmill_common::{Execution, TaskRunId, Timestamp};
use serde_json::Value;

/// The effect of one event.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The header, where it changed.
    pub header: Option<Box<Header>>,
    /// The task runs that are new or changed, each once, in the order they were touched.
    pub runs: Vec<TaskRun>,
    /// Task runs that are no more: their ids and numbers.
    pub removed: Vec<(TaskRunId, u64)>,
    /// The values of loops that began.
    pub values: Vec<(TaskRunId, Arc<Vec<Value>>)>,
    /// What is to be done, in order.
    pub commands: Vec<Command>,
}

/// Something to do in the world. All of it may be done twice.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Run the task of this task run: its present dispatch. In the executor or on a worker, as its task says.
    RunTask(TaskRunId),
    /// Stop all dispatches of this task run up to this one.
    StopTask {
        /// The task run.
        run: TaskRunId,
        /// Its newest dispatch.
        dispatch: u32,
    },
    /// Send `TimerFired` at this time.
    SetTimer {
        /// The task run; none: the execution itself.
        run: Option<TaskRunId>,
        /// When.
        at: Timestamp,
    },
    /// A timer is not needed any more.
    CancelTimer {
        /// The task run; none: the execution itself.
        run: Option<TaskRunId>,
        /// When it would have gone off.
        at: Timestamp,
    },
    /// A line for the execution's log.
    Log(LogLine),
    /// Create another execution.
    CreateExecution(Box<Header>),
    /// The execution is over: terminal, and everything after it done.
    Ended,
}

impl Change {
    /// Whether nothing changed and nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.header.is_none()
            && self.runs.is_empty()
            && self.removed.is_empty()
            && self.commands.is_empty()
    }

    /// Applies it to the execution that it was made for.
    pub fn apply(&self, execution: &mut Execution) {
        if let Some(header) = &self.header {
            execution.header = (**header).clone();
        }
        if self.runs.is_empty() && self.removed.is_empty() {
            return;
        }
        let runs = Arc::make_mut(&mut execution.runs);
        for (id, _) in &self.removed {
            runs.remove(id);
        }
        for run in &self.runs {
            runs.put(run.clone());
        }
    }
}
