//! Beginnings: of an execution, and of a task run.

use std::sync::Arc;

use flowmill_common::execution::{Attempt, Outputs, Progress, TaskRun};
use flowmill_common::flow::{Flowable, Kind, Place};
use flowmill_common::log::Level;
use flowmill_common::{State, StateType, TaskRunId};
use flowmill_expression::Need;

use super::{Spawn, Work, flowable, render, task, update};
use crate::change::Command;
use crate::draft::{Draft, Owner};

/// The execution was created: it starts, unless it is already over or its time has not come.
pub(crate) fn created(draft: &mut Draft<'_>) {
    if draft.header().version > 0 {
        return; // created before: the event came twice
    }
    draft.header_mut();
    if draft.header().state.is_terminal() {
        draft.command(Command::Ended);
        return;
    }
    match draft.header().schedule_date.filter(|date| *date > draft.at) {
        Some(at) => draft.command(Command::SetTimer { run: None, at }),
        None => begin(draft),
    }
}

/// Starts the first tasks of the flow.
pub(crate) fn begin(draft: &mut Draft<'_>) {
    draft.set_state(StateType::Running);
    draft.log(None, Level::Debug, "Flow started");
    draft.work.push_back(Work::Advance(None));
}

/// Creates a task run and sets it going.
pub(crate) fn spawn(draft: &mut Draft<'_>, spawn: Spawn) -> Result<(), Need> {
    let id = create(draft, &spawn);
    match should_run(draft, &spawn, &id)? {
        Ok(true) => {}
        Ok(false) => {
            skip(draft, &id);
            return Ok(());
        }
        Err(message) => {
            let message = format!(
                "Failed to evaluate the runIf condition for task {}. Cause: {message}",
                spawn.task.id
            );
            draft.log(Some(&id), Level::Error, message);
            task::end(draft, &id, StateType::Failed);
            return Ok(());
        }
    }
    match &spawn.task.kind {
        Kind::Flowable(Flowable::WorkingDirectory { .. }) => {
            set_progress(draft, &id);
            draft.set_run_state(&id, StateType::Running);
            dispatch(draft, &id);
        }
        Kind::Flowable(_) => {
            begin_flowable(draft, &id);
            flowable::begin(draft, &id)?;
        }
        Kind::Runnable(Place::Executor | Place::Worker) => submit(draft, &id),
        Kind::Update => update::run(draft, &id)?,
    }
    Ok(())
}

/// Hands a task run to whoever runs it.
pub(crate) fn submit(draft: &mut Draft<'_>, id: &TaskRunId) {
    draft.set_run_state(id, StateType::Submitted);
    dispatch(draft, id);
}

fn dispatch(draft: &mut Draft<'_>, id: &TaskRunId) {
    if let Some(run) = draft.run_mut(id) {
        run.dispatch += 1;
        draft.command(Command::RunTask(id.clone()));
    }
}

fn create(draft: &mut Draft<'_>, spawn: &Spawn) -> TaskRunId {
    let parent = spawn.owner.as_ref().and_then(|id| draft.run(id));
    let mut loop_values = parent
        .map(|run| run.loop_values.clone())
        .unwrap_or_default();
    if let Some((value, _)) = &spawn.value {
        loop_values.push(value.clone());
    }
    let generation = draft
        .progress(&spawn.owner)
        .map_or(0, |progress| progress.generation);
    let iteration = spawn.value.as_ref().map(|(_, iteration)| *iteration);
    let id = TaskRunId::derive(
        &draft.header().id,
        spawn.owner.as_ref(),
        &spawn.task.id,
        iteration,
        generation,
    );
    let header = draft.header_mut();
    let number = header.created_runs;
    header.created_runs += 1;
    let run = TaskRun {
        id: id.clone(),
        number,
        task_id: spawn.task.id.clone(),
        branch: spawn.branch,
        parent: spawn.owner.clone(),
        value: spawn.value.as_ref().map(|(value, _)| value.clone()),
        loop_values,
        iteration,
        state: State::created(draft.at),
        attempts: Vec::new(),
        outputs: Outputs::None,
        dispatch: 0,
        progress: None,
        wake_at: None,
    };
    draft.put_run(run);
    id
}

fn should_run(draft: &Draft<'_>, spawn: &Spawn, id: &TaskRunId) -> render::Rendered<bool> {
    match &spawn.task.run_if {
        None => Ok(Ok(true)),
        Some(condition) => {
            Ok(render::text(draft, Some(id), condition)?
                .map(|rendered| render::is_truthy(&rendered)))
        }
    }
}

fn skip(draft: &mut Draft<'_>, id: &TaskRunId) {
    let at = draft.at;
    if let Some(run) = draft.run_mut(id) {
        run.attempts.push(Attempt {
            state: State::of(StateType::Skipped, at),
            worker: None,
        });
    }
    task::end(draft, id, StateType::Skipped);
}

/// A flowable's task run has exactly one attempt, from its start to its end.
fn begin_flowable(draft: &mut Draft<'_>, id: &TaskRunId) {
    set_progress(draft, id);
    let at = draft.at;
    draft.set_run_state(id, StateType::Running);
    if let Some(run) = draft.run_mut(id) {
        let mut state = State::created(at);
        state.push(StateType::Running, at);
        run.attempts.push(Attempt {
            state,
            worker: None,
        });
    }
}

fn set_progress(draft: &mut Draft<'_>, id: &TaskRunId) {
    if let Some(run) = draft.run_mut(id) {
        run.progress = Some(Box::new(Progress::default()));
    }
}

/// A child of this owner is to be started. It counts as open from now on, so that nobody starts one too many.
pub(crate) fn push_spawn(draft: &mut Draft<'_>, spawn: Spawn) {
    if let Some(progress) = draft.progress_mut(&spawn.owner) {
        progress.open += 1;
    }
    draft.work.push_back(Work::Spawn(spawn));
}

/// Starts a task of a plain list.
pub(crate) fn spawn_plain(
    draft: &mut Draft<'_>,
    owner: &Owner,
    branch: flowmill_common::flow::Branch,
    task: &Arc<flowmill_common::Task>,
) {
    push_spawn(
        draft,
        Spawn {
            owner: owner.clone(),
            branch,
            task: task.clone(),
            value: None,
        },
    );
}
