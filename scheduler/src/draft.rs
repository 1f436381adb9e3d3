//! A change in the making: reads see what the step has written so far, and the execution beneath stays untouched.

use std::collections::VecDeque;
use std::sync::Arc;

use flowmill_common::execution::{Header, Progress, TaskRun, TaskRuns};
use flowmill_common::flow::{Flow, Task};
use flowmill_common::log::{Level, LogLine};
use flowmill_common::{Execution, StateType, TaskRunId, Timestamp};
use serde_json::Value;

use crate::change::{Change, Command};
use crate::facts::Facts;
use crate::order::Work;

/// The execution with the changes of one step on top.
pub(crate) struct Draft<'a> {
    /// The flow.
    pub(crate) flow: &'a Arc<Flow>,
    /// The time of the event.
    pub(crate) at: Timestamp,
    /// What the step may know.
    pub(crate) facts: &'a Facts<'a>,
    /// What is still to be looked at in this step.
    pub(crate) work: VecDeque<Work>,
    base: &'a Execution,
    header: Option<Box<Header>>,
    /// Shared with the lazy objects of a rendering while it lasts.
    touched: Arc<TaskRuns>,
    removed: Vec<(TaskRunId, u64)>,
    values: Vec<(TaskRunId, Arc<Vec<Value>>)>,
    commands: Vec<Command>,
}

/// Whose lists: the flow's own (none), or those of a flowable's task run.
pub(crate) type Owner = Option<TaskRunId>;

impl<'a> Draft<'a> {
    pub(crate) fn new(
        flow: &'a Arc<Flow>,
        base: &'a Execution,
        at: Timestamp,
        facts: &'a Facts<'a>,
    ) -> Self {
        Self {
            flow,
            at,
            facts,
            work: VecDeque::new(),
            base,
            header: None,
            touched: Arc::default(),
            removed: Vec::new(),
            values: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// The change, where the step was made to its end.
    pub(crate) fn finish(self) -> Change {
        let mut change = Change {
            header: self.header,
            runs: Arc::unwrap_or_clone(self.touched).into_iter().collect(),
            removed: self.removed,
            values: self.values,
            commands: self.commands,
        };
        if !change.is_empty() {
            let header = change
                .header
                .get_or_insert_with(|| Box::new(self.base.header.clone()));
            header.version += 1;
        }
        change
    }

    pub(crate) fn header(&self) -> &Header {
        self.header.as_deref().unwrap_or(&self.base.header)
    }

    pub(crate) fn header_mut(&mut self) -> &mut Header {
        self.header
            .get_or_insert_with(|| Box::new(self.base.header.clone()))
    }

    /// A task run as it is now.
    pub(crate) fn run(&self, id: &TaskRunId) -> Option<&TaskRun> {
        if let Some(run) = self.touched.get(id) {
            return Some(run);
        }
        if self.removed.iter().any(|(removed, _)| removed == id) {
            return None;
        }
        self.base.runs.get(id)
    }

    /// A task run, to be changed.
    pub(crate) fn run_mut(&mut self, id: &TaskRunId) -> Option<&mut TaskRun> {
        if self.touched.get(id).is_none() {
            let run = self.run(id)?.clone();
            self.put_run(run);
        }
        Arc::make_mut(&mut self.touched).get_mut(id)
    }

    /// Puts a new task run in.
    pub(crate) fn put_run(&mut self, run: TaskRun) {
        Arc::make_mut(&mut self.touched).put(run);
    }

    /// Takes a task run out.
    pub(crate) fn remove_run(&mut self, id: &TaskRunId) {
        if let Some(run) = self.base.runs.get(id) {
            self.removed.push((id.clone(), run.number));
        }
        Arc::make_mut(&mut self.touched).remove(id);
    }

    /// Every task run, for the rare events that concern all of them (a kill).
    pub(crate) fn all_run_ids(&self) -> Vec<TaskRunId> {
        let untouched = self
            .base
            .runs
            .iter()
            .filter(|run| self.touched.get(&run.id).is_none());
        untouched
            .chain(self.touched.iter())
            .map(|run| run.id.clone())
            .collect()
    }

    pub(crate) fn base(&self) -> &'a Execution {
        self.base
    }

    /// The task runs that this step has touched.
    pub(crate) fn touched(&self) -> &Arc<TaskRuns> {
        &self.touched
    }

    pub(crate) fn progress(&self, owner: &Owner) -> Option<&Progress> {
        match owner {
            None => Some(&self.header().progress),
            Some(id) => self.run(id)?.progress.as_deref(),
        }
    }

    pub(crate) fn progress_mut(&mut self, owner: &Owner) -> Option<&mut Progress> {
        match owner {
            None => Some(&mut self.header_mut().progress),
            Some(id) => self.run_mut(id)?.progress.as_deref_mut(),
        }
    }

    /// The task of a task run.
    pub(crate) fn task_of(&self, run: &TaskRunId) -> Option<Arc<Task>> {
        self.flow.task(&self.run(run)?.task_id).cloned()
    }

    /// Keeps the values of a loop, apart from its task run.
    pub(crate) fn set_values(&mut self, run: &TaskRunId, values: Vec<Value>) {
        let values = Arc::new(values);
        if let Some(progress) = self.progress_mut(&Some(run.clone())) {
            progress.values_count = Some(values.len() as u64);
            progress.values = Some(values.clone());
        }
        self.values.push((run.clone(), values));
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// Sets the state of the execution.
    pub(crate) fn set_state(&mut self, state: StateType) {
        let at = self.at;
        self.header_mut().state.push(state, at);
    }

    /// Sets the state of a task run.
    pub(crate) fn set_run_state(&mut self, id: &TaskRunId, state: StateType) {
        let at = self.at;
        if let Some(run) = self.run_mut(id) {
            run.state.push(state, at);
        }
    }

    /// Writes a line about the execution, or about a task run.
    pub(crate) fn log(
        &mut self,
        run: Option<&TaskRunId>,
        level: Level,
        message: impl Into<String>,
    ) {
        let run = run.and_then(|id| self.run(id));
        let line = LogLine {
            at: self.at,
            level,
            message: message.into(),
            task_id: run.map(|run| run.task_id.clone()),
            task_run: run.map(|run| run.id.clone()),
            attempt: run.map_or(0, |run| (run.attempts.len() as u32).saturating_sub(1)),
        };
        self.commands.push(Command::Log(line));
    }
}
