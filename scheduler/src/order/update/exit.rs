//! `execution.Exit`: ends the execution in a state of the author's choice. No next task, no `errors`, no `finally`;
//! `afterExecution` runs. Task runs that are at work are left to finish by themselves, unless the state is KILLED.

use flowmill_common::execution::Outcome;
use flowmill_common::flow::Branch;
use flowmill_common::{StateType, TaskRunId};
use serde_json::{Map, Value};

use crate::draft::Draft;
use crate::order::render::{self, Rendered};
use crate::order::{Work, kill};

pub(super) fn run(draft: &mut Draft<'_>, id: &TaskRunId, properties: &Map<String, Value>) -> Rendered<()> {
    let state = match properties.get("state") {
        None => StateType::Success,
        Some(property) => match render::scalar(draft, Some(id), property)? {
            Err(message) => return Ok(Err(message)),
            Ok(name) => match StateType::from_name(&name).filter(|state| is_exit_state(*state)) {
                Some(state) => state,
                None => {
                    return Ok(Err(format!(
                        "`state` must be SUCCESS, WARNING, FAILED, CANCELLED or KILLED, not `{name}`"
                    )));
                }
            },
        },
    };
    if state == StateType::Killed {
        kill::requested(draft);
        return Ok(Ok(()));
    }
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
    Ok(Ok(()))
}

fn is_exit_state(state: StateType) -> bool {
    matches!(
        state,
        StateType::Success | StateType::Warning | StateType::Failed | StateType::Cancelled | StateType::Killed
    )
}
