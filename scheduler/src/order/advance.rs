//! How a list of tasks goes on: the next task, the next list, the end.

use flowmill_common::execution::Outcome;
use flowmill_common::flow::{Branch, Flowable};
use flowmill_common::{StateType, TaskRunId};
use flowmill_expression::Need;

use super::{Work, end, flowable, start, task};
use crate::change::Command;
use crate::draft::{Draft, Owner};

/// A task run became terminal: its owner counts it, and goes on.
pub(crate) fn child_ended(draft: &mut Draft<'_>, id: &TaskRunId) {
    let Some(run) = draft.run(id) else { return };
    let (owner, branch, state) = (run.parent.clone(), run.branch, run.state.current());
    let child = run.clone();
    if is_over(draft, &owner, branch) {
        return; // the owner has ended before its child: a kill
    }
    if let Some(progress) = draft.progress_mut(&owner) {
        progress.open = progress.open.saturating_sub(1);
        if branch == Branch::Tasks {
            progress.outcome = progress.outcome.max(outcome(state));
            progress.stopped |= matches!(
                state,
                StateType::Failed | StateType::Killed | StateType::Cancelled
            );
        }
    }
    if branch == Branch::Tasks {
        flowable::child_ended(draft, &owner, &child);
    }
    draft.work.push_back(Work::Advance(owner));
}

/// Starts what can be started; ends the owner when nothing is left.
pub(crate) fn advance(draft: &mut Draft<'_>, owner: &Owner) -> Result<(), Need> {
    loop {
        let Some(progress) = draft.progress(owner) else {
            return Ok(());
        };
        let (branch, open, outcome) = (progress.branch, progress.open, progress.outcome);
        if is_over(draft, owner, branch) {
            return Ok(());
        }
        let going_on = match branch {
            Branch::Tasks => flowable::advance(draft, owner)?,
            Branch::Errors | Branch::Finally | Branch::AfterExecution => {
                next_in_order(draft, owner, branch, open)
            }
        };
        if going_on {
            return Ok(());
        }
        match next_branch(branch, outcome) {
            Some(next) => {
                if next == Branch::AfterExecution && owner.is_none() {
                    end::execution(draft)?;
                }
                switch(draft, owner, next);
            }
            None => {
                finish(draft, owner);
                return Ok(());
            }
        }
    }
}

/// Starts the next task of a list that runs in order; whether something is still open. In `errors`, `finally` and
/// `afterExecution` a failing task does not stop the list.
fn next_in_order(draft: &mut Draft<'_>, owner: &Owner, branch: Branch, open: u64) -> bool {
    if open > 0 {
        return true;
    }
    let flow = draft.flow.clone();
    let parent = owner.as_ref().and_then(|id| draft.task_of(id));
    let list = match &parent {
        None => flow.branch(branch),
        Some(task) => task.side_branch(branch),
    };
    let cursor = draft.progress(owner).map_or(0, |progress| progress.cursor);
    let next = (cursor as usize..list.len()).find(|place| !list[*place].disabled);
    let Some(place) = next else { return false };
    if let Some(progress) = draft.progress_mut(owner) {
        progress.cursor = place as u64 + 1;
    }
    start::spawn_plain(draft, owner, branch, &list[place]);
    true
}

/// The list after this one. The flow's own lists pass through all of them; empty ones end at once.
fn next_branch(branch: Branch, outcome: Outcome) -> Option<Branch> {
    match branch {
        Branch::Tasks if outcome == Outcome::Failed => Some(Branch::Errors),
        // what was killed runs neither errors nor finally
        Branch::Tasks if outcome == Outcome::Killed => Some(Branch::AfterExecution),
        Branch::Tasks | Branch::Errors => Some(Branch::Finally),
        Branch::Finally => Some(Branch::AfterExecution),
        Branch::AfterExecution => None,
    }
}

fn switch(draft: &mut Draft<'_>, owner: &Owner, branch: Branch) {
    if let Some(progress) = draft.progress_mut(owner) {
        progress.branch = branch;
        progress.cursor = 0;
    }
}

/// A flowable, or the execution, has nothing left to run.
fn finish(draft: &mut Draft<'_>, owner: &Owner) {
    let Some(id) = owner else {
        draft.command(Command::Ended);
        return;
    };
    let Some(of) = draft.task_of(id) else { return };
    let outcome = draft
        .progress(owner)
        .map_or(Outcome::Success, |progress| progress.outcome);
    let state = match outcome {
        Outcome::Killed => StateType::Killed,
        Outcome::Failed if matches!(of.flowable(), Some(Flowable::AllowFailure { .. })) => {
            StateType::Warning
        }
        Outcome::Failed => StateType::Failed,
        Outcome::Warning => StateType::Warning,
        Outcome::Success => StateType::Success,
    };
    task::end(draft, id, task::allowed(&of, state));
}

/// Whether the owner's lists of this kind are closed: a flowable that is terminal, an execution that is.
fn is_over(draft: &Draft<'_>, owner: &Owner, branch: Branch) -> bool {
    match owner {
        Some(id) => draft.run(id).is_none_or(|run| run.state.is_terminal()),
        None => draft.header().state.is_terminal() && branch != Branch::AfterExecution,
    }
}

fn outcome(state: StateType) -> Outcome {
    match state {
        StateType::Killed | StateType::Cancelled => Outcome::Killed,
        StateType::Failed => Outcome::Failed,
        StateType::Warning => Outcome::Warning,
        _ => Outcome::Success,
    }
}
