//! What becomes of a task run: it starts, it ends, it is lost.

use std::sync::Arc;

use flowmill_common::event::{ChildFinished, TaskFinished, TaskLost, TaskStarted};
use flowmill_common::execution::{Attempt, Outcome, Outputs, TaskRun};
use flowmill_common::flow::{Branch, Flowable, Task};
use flowmill_common::log::Level;
use flowmill_common::{State, StateType, TaskRunId, Timestamp};

use super::{Work, retry, start};
use crate::draft::Draft;

/// A worker began an attempt.
pub(crate) fn started(draft: &mut Draft<'_>, event: &TaskStarted) {
    if is_current(draft, &event.run, event.dispatch) && !has_open_attempt(draft, &event.run) {
        let at = draft.at;
        open_attempt(draft, &event.run, at, event.worker.clone());
    }
}

/// An attempt ended.
pub(crate) fn finished(draft: &mut Draft<'_>, event: &TaskFinished) {
    if !is_current(draft, &event.run, event.dispatch) {
        return;
    }
    if !has_open_attempt(draft, &event.run) {
        open_attempt(draft, &event.run, event.started, event.worker.clone());
    }
    let Some(task) = draft.task_of(&event.run) else {
        return;
    };
    if let Some(run) = draft.run_mut(&event.run) {
        run.outputs = event.outputs.clone();
    }
    if let Some(Flowable::WorkingDirectory { .. }) = task.flowable() {
        working_directory_finished(draft, event);
        return;
    }
    close_attempt(draft, &event.run, event.state);
    if event.state == StateType::Failed && retry::try_again(draft, &event.run) {
        return;
    }
    let state = retry::warn(draft, &event.run, event.state);
    end(draft, &event.run, allowed(&task, state));
}

/// A child of a `WorkingDirectory` ended; the executor hears of it for the first time.
pub(crate) fn child_finished(draft: &mut Draft<'_>, event: &ChildFinished) {
    if !is_current(draft, &event.parent, event.dispatch) {
        return;
    }
    let generation = event.dispatch;
    let id = TaskRunId::derive(
        &draft.header().id,
        Some(&event.parent),
        &event.task_id,
        None,
        generation,
    );
    if draft.run(&id).is_some() {
        return;
    }
    let loop_values = draft
        .run(&event.parent)
        .map(|run| run.loop_values.clone())
        .unwrap_or_default();
    let state = run_state(event.started, event.state, draft.at);
    let header = draft.header_mut();
    let number = header.created_runs;
    header.created_runs += 1;
    draft.put_run(TaskRun {
        id,
        number,
        task_id: event.task_id.clone(),
        branch: Branch::Tasks,
        parent: Some(event.parent.clone()),
        value: None,
        loop_values,
        iteration: None,
        state: state.clone(),
        attempts: vec![Attempt {
            state,
            worker: Some(event.worker.clone()),
        }],
        outputs: event.outputs.clone(),
        dispatch: 0,
        progress: None,
        wake_at: None,
    });
}

/// A dispatched task will never report: it runs again.
pub(crate) fn lost(draft: &mut Draft<'_>, event: &TaskLost) {
    if !is_current(draft, &event.run, event.dispatch) {
        return;
    }
    if has_open_attempt(draft, &event.run) {
        close_attempt(draft, &event.run, StateType::Resubmitted);
    }
    // also where no start was heard of: short tasks report theirs with their end, and may have begun
    let message = format!("{}: the task runs again", event.reason);
    draft.log(Some(&event.run), Level::Warn, message);
    start::submit(draft, &event.run);
}

/// A task run reached its end: state, attempt of a flowable, and whoever waits for it.
pub(crate) fn end(draft: &mut Draft<'_>, id: &TaskRunId, state: StateType) {
    let at = draft.at;
    if let Some(run) = draft.run_mut(id) {
        run.state.push(state, at);
        if run.progress.is_some()
            && let Some(attempt) = run.attempts.last_mut()
        {
            attempt.state.push(state, at);
        }
    }
    draft.work.push_back(Work::Ended(id.clone()));
}

/// What the task's allowances make of a state.
pub(crate) fn allowed(task: &Task, state: StateType) -> StateType {
    let state = if state == StateType::Failed && task.allow_failure {
        StateType::Warning
    } else {
        state
    };
    if state == StateType::Warning && task.allow_warning {
        StateType::Success
    } else {
        state
    }
}

/// Whether this dispatch is the one that a result is waited for.
fn is_current(draft: &Draft<'_>, id: &TaskRunId, dispatch: u32) -> bool {
    draft.run(id).is_some_and(|run| {
        run.dispatch == dispatch
            && matches!(
                run.state.current(),
                StateType::Submitted | StateType::Running
            )
    })
}

fn has_open_attempt(draft: &Draft<'_>, id: &TaskRunId) -> bool {
    let last = draft.run(id).and_then(|run| run.attempts.last());
    last.is_some_and(|attempt| !attempt.state.is_terminal())
}

fn open_attempt(draft: &mut Draft<'_>, id: &TaskRunId, at: Timestamp, worker: Arc<str>) {
    if let Some(run) = draft.run_mut(id) {
        run.state.push(StateType::Running, at);
        let mut state = State::created(at);
        state.push(StateType::Running, at);
        run.attempts.push(Attempt {
            state,
            worker: Some(worker),
        });
    }
}

fn close_attempt(draft: &mut Draft<'_>, id: &TaskRunId, state: StateType) {
    let at = draft.at;
    if let Some(attempt) = draft.run_mut(id).and_then(|run| run.attempts.last_mut()) {
        attempt.state.push(state, at);
    }
}

fn run_state(started: Timestamp, end: StateType, at: Timestamp) -> State {
    let mut state = State::created(started);
    if end != StateType::Skipped {
        state.push(StateType::Running, started);
    }
    state.push(end, at);
    state
}

/// The worker ran all children; `errors` and `finally` are still to come, and they run here.
fn working_directory_finished(draft: &mut Draft<'_>, event: &TaskFinished) {
    let owner = Some(event.run.clone());
    if let Some(progress) = draft.progress_mut(&owner) {
        progress.stopped = true;
        progress.outcome = match event.state {
            StateType::Killed => Outcome::Killed,
            StateType::Failed => Outcome::Failed,
            StateType::Warning => Outcome::Warning,
            _ => Outcome::Success,
        };
        progress.cursor = u64::MAX;
    }
    if let Some(run) = draft.run_mut(&event.run)
        && event.outputs.is_none()
    {
        run.outputs = Outputs::None;
    }
    draft.work.push_back(Work::Advance(owner));
}
