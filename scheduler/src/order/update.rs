//! Tasks that change the execution itself: `Labels`, `SetVariables`, `UnsetVariables`, `Exit`. They run within the step.

use std::sync::Arc;

use flowmill_common::execution::{Attempt, Outcome};
use flowmill_common::flow::Branch;
use flowmill_common::inline::{self, ExecutionUpdate, UpdateResult};
use flowmill_common::log::Level;
use flowmill_common::{State, StateType, Task, TaskRunId};
use flowmill_expression::Need;
use serde_json::Value;

use super::{Work, kill, task};
use crate::context::Root;
use crate::draft::Draft;
use crate::facts::StepHost;

/// Runs the task of this task run and ends it.
pub(crate) fn run(draft: &mut Draft<'_>, id: &TaskRunId) -> Result<(), Need> {
    let Some(of) = draft.task_of(id) else {
        return Ok(());
    };
    draft.set_run_state(id, StateType::Running);
    let applied = work_out(draft, id, &of)?.and_then(|update| apply(draft, id, &update));
    let state = match applied {
        Ok(()) => StateType::Success,
        Err(message) => {
            draft.log(Some(id), Level::Error, message);
            StateType::Failed
        }
    };
    let ended = draft.run(id).is_none_or(|run| run.state.is_terminal());
    let at = draft.at;
    if let Some(run) = draft.run_mut(id) {
        let mut attempt = State::created(at);
        attempt.push(StateType::Running, at);
        attempt.push(if ended { run.state.current() } else { state }, at);
        run.attempts.push(Attempt {
            state: attempt,
            worker: None,
        });
    }
    if !ended {
        task::end(draft, id, task::allowed(&of, state));
    }
    Ok(())
}

fn work_out(
    draft: &Draft<'_>,
    id: &TaskRunId,
    of: &Task,
) -> Result<Result<ExecutionUpdate, String>, Need> {
    let root = Root::of_draft(draft, draft.run(id));
    let host = StepHost::new(draft.facts, draft.at);
    let scope = inline::Scope {
        engine: draft.facts.engine,
        root: &root,
        host: &host,
    };
    match draft
        .facts
        .tasks
        .update(&of.task_type, &of.properties, &scope)
    {
        UpdateResult::Done(update) => Ok(Ok(update)),
        UpdateResult::Failed(message) => Ok(Err(message)),
        UpdateResult::Need(need) => Err(need),
    }
}

fn apply(draft: &mut Draft<'_>, id: &TaskRunId, update: &ExecutionUpdate) -> Result<(), String> {
    match update {
        ExecutionUpdate::Labels(_) => {
            let mut labels = (*draft.header().labels).clone();
            update.apply_to_labels(&mut labels);
            draft.header_mut().labels = Arc::new(labels);
        }
        ExecutionUpdate::SetVariables { .. } | ExecutionUpdate::UnsetVariables { .. } => {
            // from the first change on, the execution's variables are all there are: those of the flow with the changes
            let present = if is_empty(&draft.header().variables) {
                draft.flow.variables.clone()
            } else {
                draft.header().variables.clone()
            };
            let mut variables = present.as_object().cloned().unwrap_or_default();
            update.apply_to_variables(&mut variables)?;
            draft.header_mut().variables = Arc::new(Value::Object(variables));
        }
        ExecutionUpdate::Exit(StateType::Killed) => kill::requested(draft),
        ExecutionUpdate::Exit(state) => exit(draft, id, *state),
    }
    Ok(())
}

/// Ends the execution in a state of the author's choice, and with it this task run and what encloses it. No next task, no `errors`,
/// no `finally`; `afterExecution` runs. Other task runs that are at work are left to finish by themselves.
fn exit(draft: &mut Draft<'_>, id: &TaskRunId, state: StateType) {
    let mut next = Some(id.clone());
    while let Some(id) = next {
        draft.set_run_state(&id, state);
        next = draft.run(&id).and_then(|run| run.parent.clone());
    }
    draft.set_state(state);
    let progress = &mut draft.header_mut().progress;
    progress.stopped = true;
    progress.branch = Branch::AfterExecution;
    progress.cursor = 0;
    progress.open = 0;
    progress.outcome = match state {
        StateType::Failed => Outcome::Failed,
        StateType::Warning => Outcome::Warning,
        _ => Outcome::Success,
    };
    draft.work.push_back(Work::Advance(None));
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_none_or(serde_json::Map::is_empty)
}
