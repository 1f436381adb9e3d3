//! Task order: how an execution goes on when something happened.

mod advance;
mod end;
pub(crate) mod flowable;
mod kill;
mod render;
mod retry;
mod start;
mod task;
mod timer;
mod update;

use std::sync::Arc;

use flowmill_common::flow::{Branch, Flow, Task};
use flowmill_common::{Event, EventKind, Execution, TaskRunId};
use flowmill_expression::Need;

use crate::change::Change;
use crate::draft::{Draft, Owner};
use crate::facts::Facts;

/// What an event changes and commands; empty for events that are stale, repeated or about something unknown.
///
/// `execution` is the one that the event is about, as it is committed; for `Created` an execution with the event's header and no
/// task runs, its state still `CREATED`. `Err` names a fact that an expression asked for: fetch it and call again.
pub fn step(
    flow: &Arc<Flow>,
    execution: &Execution,
    event: &Event,
    facts: &Facts<'_>,
) -> Result<Change, Need> {
    let mut draft = Draft::new(flow, execution, event.at, facts);
    match &event.kind {
        EventKind::Created(_) => start::created(&mut draft),
        EventKind::TaskStarted(started) => task::started(&mut draft, started),
        EventKind::TaskFinished(finished) => task::finished(&mut draft, finished),
        EventKind::ChildFinished(child) => task::child_finished(&mut draft, child),
        EventKind::TaskLost(lost) => task::lost(&mut draft, lost),
        EventKind::TimerFired { run, wake_at } => timer::fired(&mut draft, run.as_ref(), *wake_at),
        EventKind::KillRequested => kill::requested(&mut draft),
    }
    while let Some(work) = draft.work.pop_front() {
        match work {
            Work::Spawn(spawn) => start::spawn(&mut draft, spawn)?,
            Work::Ended(run) => advance::child_ended(&mut draft, &run),
            Work::Advance(owner) => advance::advance(&mut draft, &owner)?,
        }
    }
    Ok(draft.finish())
}

/// What is still to be looked at in a step. A list instead of recursion: a thousand skipped tasks need no deep stack.
pub(crate) enum Work {
    /// Start a task.
    Spawn(Spawn),
    /// A task run became terminal.
    Ended(TaskRunId),
    /// See what can be started, or whether it is over.
    Advance(Owner),
}

/// A task to be started.
pub(crate) struct Spawn {
    /// Whose list it is in.
    pub(crate) owner: Owner,
    /// Which list.
    pub(crate) branch: Branch,
    /// The task.
    pub(crate) task: Arc<Task>,
    /// The value of the loop, as text, and its index.
    pub(crate) value: Option<(Arc<str>, u64)>,
}
