//! The flowables: a closed set. Their properties are here, their behaviour in `scheduler::order::flowable`, one file each.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::Task;

/// A task that decides about other tasks.
#[derive(Clone, Debug)]
pub enum Flowable {
    /// One after the other.
    Sequential {
        /// The tasks in order.
        tasks: Vec<Arc<Task>>,
    },
    /// As `Sequential`; a failure becomes a warning.
    AllowFailure {
        /// The tasks in order.
        tasks: Vec<Arc<Task>>,
    },
    /// All at once.
    Parallel {
        /// The tasks.
        tasks: Vec<Arc<Task>>,
        /// At most so many at a time; 0: no limit.
        concurrent: usize,
    },
    /// Each when those it depends on have ended.
    Dag {
        /// The tasks with what they wait for.
        tasks: Vec<DagTask>,
        /// At most so many at a time; 0: no limit.
        concurrent: usize,
    },
    /// One of two branches.
    If {
        /// A template.
        condition: Value,
        /// When it is truthy.
        then: Vec<Arc<Task>>,
        /// When it is falsy.
        otherwise: Vec<Arc<Task>>,
    },
    /// One of several branches.
    Switch {
        /// A template.
        value: Value,
        /// The branches by the text that the value must be.
        cases: IndexMap<String, Vec<Arc<Task>>>,
        /// When no case fits.
        defaults: Vec<Arc<Task>>,
    },
    /// The tasks once for each value.
    ForEach {
        /// A list, or a template that gives a JSON list.
        values: Value,
        /// At most so many iterations at a time; 0: no limit.
        concurrency_limit: usize,
        /// The tasks of one iteration, in order.
        tasks: Vec<Arc<Task>>,
    },
    /// The deprecated `EachParallel`: all tasks of all values at once, no order within an iteration.
    EachParallel {
        /// A list, or a template that gives a JSON list.
        values: Value,
        /// At most so many task runs at a time; 0: no limit.
        concurrent: usize,
        /// The tasks of one value.
        tasks: Vec<Arc<Task>>,
    },
    /// Again and again until a condition holds.
    LoopUntil {
        /// A template; truthy ends the loop.
        condition: Value,
        /// The tasks of one round.
        tasks: Vec<Arc<Task>>,
        /// Whether reaching a limit fails the task.
        fail_on_max_reached: bool,
        /// The pause between two rounds.
        interval: std::time::Duration,
        /// At most so many rounds.
        max_iterations: Option<u64>,
        /// At most so long since the first round began.
        max_duration: Option<std::time::Duration>,
    },
    /// Several tasks on one worker in one folder. Sent as one job; the worker runs the children.
    WorkingDirectory {
        /// The tasks in order; all runnable.
        tasks: Vec<Arc<Task>>,
    },
}

/// A task of a `Dag`.
#[derive(Clone, Debug)]
pub struct DagTask {
    /// The task.
    pub task: Arc<Task>,
    /// The ids of the tasks that must have ended before.
    pub depends_on: Vec<Arc<str>>,
}

impl Flowable {
    /// Every task below it in its main lists, in the order of the document.
    pub fn children(&self) -> Vec<&Arc<Task>> {
        match self {
            Self::Sequential { tasks }
            | Self::AllowFailure { tasks }
            | Self::Parallel { tasks, .. }
            | Self::ForEach { tasks, .. }
            | Self::EachParallel { tasks, .. }
            | Self::LoopUntil { tasks, .. }
            | Self::WorkingDirectory { tasks } => tasks.iter().collect(),
            Self::Dag { tasks, .. } => tasks.iter().map(|entry| &entry.task).collect(),
            Self::If {
                then, otherwise, ..
            } => then.iter().chain(otherwise).collect(),
            Self::Switch {
                cases, defaults, ..
            } => cases.values().flatten().chain(defaults).collect(),
        }
    }
}
