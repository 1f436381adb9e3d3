//! `LoopUntil`: rounds of its tasks, with a pause between two, until its condition holds or a limit is reached. Each round's task
//! runs replace those of the round before.

use std::time::Duration;

use flowmill_common::flow::{Branch, Flowable};
use flowmill_common::log::Level;
use flowmill_common::{StateType, TaskRunId};
use flowmill_expression::Need;
use serde_json::json;

use super::{sequence, set_outputs};
use crate::change::Command;
use crate::draft::Draft;
use crate::order::{Work, render};

/// The tasks of the first round can read how many rounds there were.
pub(super) fn begin(draft: &mut Draft<'_>, id: &TaskRunId) {
    set_outputs(draft, id, json!({"iterationCount": 0}));
}

/// Goes on in the round; at its end decides whether another one follows.
pub(super) fn advance(
    draft: &mut Draft<'_>,
    id: &TaskRunId,
    flowable: &Flowable,
) -> Result<bool, Need> {
    let Flowable::LoopUntil {
        condition,
        tasks,
        fail_on_max_reached,
        interval,
        max_iterations,
        max_duration,
    } = flowable
    else {
        return Ok(false);
    };
    let owner = Some(id.clone());
    if draft
        .run(id)
        .is_some_and(|run| run.state.current() == StateType::Paused)
    {
        return Ok(true);
    }
    if sequence::advance(draft, &owner, tasks) {
        return Ok(true);
    }
    let rounds = u64::from(
        draft
            .progress(&owner)
            .map_or(0, |progress| progress.generation),
    ) + 1;
    set_outputs(draft, id, json!({"iterationCount": rounds}));
    let condition = render::scalar(draft, Some(id), condition)?;
    let holds = match condition {
        Ok(rendered) => render::is_truthy(&rendered),
        Err(message) => {
            stop(draft, id, StateType::Failed, message);
            return Ok(false);
        }
    };
    if holds {
        return Ok(false);
    }
    let begun = draft.run(id).map_or(draft.at, |run| run.state.start());
    let over = max_iterations.is_some_and(|most| rounds >= most)
        || max_duration.is_some_and(|most| draft.at.since(begun) >= most);
    if over {
        if *fail_on_max_reached {
            stop(
                draft,
                id,
                StateType::Failed,
                format!("the condition did not hold within {rounds} rounds"),
            );
        }
        return Ok(false);
    }
    pause(draft, id, *interval);
    Ok(true)
}

/// The pause is over: the next round begins with nothing of the last one left.
pub(super) fn wake(draft: &mut Draft<'_>, id: &TaskRunId) {
    let Some(of) = draft.task_of(id) else { return };
    if !matches!(of.flowable(), Some(Flowable::LoopUntil { .. })) {
        return;
    }
    remove_below(draft, id);
    draft.set_run_state(id, StateType::Running);
    if let Some(run) = draft.run_mut(id) {
        run.wake_at = None;
        if let Some(progress) = run.progress.as_mut() {
            progress.generation += 1;
            progress.cursor = 0;
        }
    }
    if draft.header().state.current() == StateType::Paused {
        draft.set_state(StateType::Running);
    }
    draft.work.push_back(Work::Advance(Some(id.clone())));
}

fn pause(draft: &mut Draft<'_>, id: &TaskRunId, interval: Duration) {
    let at = draft.at.plus(interval);
    draft.set_run_state(id, StateType::Paused);
    if let Some(run) = draft.run_mut(id) {
        run.wake_at = Some(at);
    }
    if draft.header().state.current() == StateType::Running {
        draft.set_state(StateType::Paused);
    }
    draft.command(Command::SetTimer {
        run: Some(id.clone()),
        at,
    });
}

fn stop(draft: &mut Draft<'_>, id: &TaskRunId, state: StateType, message: String) {
    draft.log(Some(id), Level::Error, message);
    if let Some(progress) = draft.progress_mut(&Some(id.clone()))
        && state == StateType::Failed
    {
        progress.outcome = progress
            .outcome
            .max(flowmill_common::execution::Outcome::Failed);
        progress.stopped = true;
    }
}

/// Removes the task runs of the main list and of everything below them.
fn remove_below(draft: &mut Draft<'_>, id: &TaskRunId) {
    let below: Vec<TaskRunId> = (draft.all_run_ids().into_iter())
        .filter(|candidate| is_below(draft, candidate, id) && main_child_of(draft, candidate, id))
        .collect();
    for run in below {
        draft.remove_run(&run);
    }
}

fn is_below(draft: &Draft<'_>, candidate: &TaskRunId, id: &TaskRunId) -> bool {
    let mut next = draft.run(candidate).and_then(|run| run.parent.clone());
    while let Some(parent) = next {
        if parent == *id {
            return true;
        }
        next = draft.run(&parent).and_then(|run| run.parent.clone());
    }
    false
}

/// Whether the chain from the candidate up to the loop enters it by its main list.
fn main_child_of(draft: &Draft<'_>, candidate: &TaskRunId, id: &TaskRunId) -> bool {
    let mut next = draft.run(candidate);
    while let Some(run) = next {
        if run.parent.as_ref() == Some(id) {
            return run.branch == Branch::Tasks;
        }
        next = run.parent.as_ref().and_then(|parent| draft.run(parent));
    }
    false
}
