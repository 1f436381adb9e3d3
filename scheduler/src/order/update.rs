//! Tasks that change the execution itself: `Labels`, `SetVariables`, `UnsetVariables`, `Exit`. They run within the step.

mod exit;
mod labels;
mod variables;

use flowmill_common::execution::Attempt;
use flowmill_common::log::Level;
use flowmill_common::{State, StateType, TaskRunId};
use flowmill_expression::Need;

use super::{render::Rendered, task};
use crate::draft::Draft;

/// Runs the task of this task run and ends it.
pub(crate) fn run(draft: &mut Draft<'_>, id: &TaskRunId) -> Result<(), Need> {
    let Some(of) = draft.task_of(id) else { return Ok(()) };
    let at = draft.at;
    draft.set_run_state(id, StateType::Running);
    let result: Rendered<()> = match &*of.task_type {
        "io.kestra.plugin.core.execution.Labels" => labels::run(draft, id, &of.properties),
        "io.kestra.plugin.core.execution.SetVariables" => variables::set(draft, id, &of.properties),
        "io.kestra.plugin.core.execution.UnsetVariables" => variables::unset(draft, id, &of.properties),
        "io.kestra.plugin.core.execution.Exit" => exit::run(draft, id, &of.properties),
        other => Ok(Err(format!("`{other}` is not a task that changes executions"))),
    };
    let state = match result? {
        Ok(()) => StateType::Success,
        Err(message) => {
            draft.log(Some(id), Level::Error, message);
            StateType::Failed
        }
    };
    let ended = draft.run(id).is_none_or(|run| run.state.is_terminal());
    if let Some(run) = draft.run_mut(id) {
        let mut attempt = State::created(at);
        attempt.push(StateType::Running, at);
        attempt.push(if ended { run.state.current() } else { state }, at);
        run.attempts.push(Attempt { state: attempt, worker: None });
    }
    if !ended {
        task::end(draft, id, task::allowed(&of, state));
    }
    Ok(())
}
