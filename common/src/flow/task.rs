//! One task of a flow: what all tasks share, and what kind it is.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Branch, Flowable, Retry};
use crate::log::Level;

/// A task as written, with the plugin defaults applied.
#[derive(Clone, Debug)]
pub struct Task {
    /// Unique in the flow.
    pub id: Arc<str>,
    /// The type as the author wrote it.
    pub written_type: Arc<str>,
    /// The present name of that type, aliases resolved.
    pub task_type: Arc<str>,
    /// What it is to the executor.
    pub kind: Kind,
    /// Every property, `id` and `type` included, unrendered.
    pub properties: Arc<Map<String, Value>>,
    /// Gets no task run at all.
    pub disabled: bool,
    /// A failure becomes a warning.
    pub allow_failure: bool,
    /// A warning becomes a success.
    pub allow_warning: bool,
    /// A template: falsy skips the task. Also written `when`.
    pub run_if: Option<Arc<str>>,
    /// The longest an attempt may take: a duration or a template that gives one.
    pub timeout: Option<Arc<str>>,
    /// Its own retry.
    pub retry: Option<Retry>,
    /// The least level that is kept of its log.
    pub log_level: Level,
    /// The group of workers that runs it; none: any default worker.
    pub worker_group: Option<Arc<str>>,
    /// Run in order after a child failed; flowables only.
    pub errors: Vec<Arc<Task>>,
    /// Run in order at the end; flowables only.
    pub finally: Vec<Arc<Task>>,
}

/// What a task is to the executor.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Decides about other tasks; costs no message.
    Flowable(Flowable),
    /// Does something, and gives a result.
    Runnable(Place),
    /// Changes the execution itself (`Labels`, `SetVariables`, `UnsetVariables`, `Exit`): run by the executor.
    Update,
}

/// Where a runnable task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Pure and quick: in the executor's own pass, without a message.
    Executor,
    /// On a worker.
    Worker,
}

impl Task {
    /// The flowable, if it is one.
    pub fn flowable(&self) -> Option<&Flowable> {
        match &self.kind {
            Kind::Flowable(flowable) => Some(flowable),
            Kind::Runnable(_) | Kind::Update => None,
        }
    }

    /// Its `errors` or `finally`; the main lists belong to the flowable.
    pub fn side_branch(&self, branch: Branch) -> &[Arc<Task>] {
        match branch {
            Branch::Errors => &self.errors,
            Branch::Finally => &self.finally,
            Branch::Tasks | Branch::AfterExecution => &[],
        }
    }
}
