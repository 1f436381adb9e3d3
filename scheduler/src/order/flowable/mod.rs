//! What flowables do, one file each: how they begin, which child comes next, what they make of a child's end.

mod dag;
mod each_parallel;
mod for_each;
mod if_;
mod loop_until;
mod parallel;
mod sequence;
mod switch;
mod values;

use flowmill_common::execution::{Outputs, TaskRun};
use flowmill_common::flow::Flowable;
use flowmill_common::log::Level;
use flowmill_common::{StateType, TaskRunId};
use flowmill_expression::Need;
use serde_json::Value;

use super::{Work, task};
use crate::draft::{Draft, Owner};

/// A flowable's task run has started: what it decides is decided now, once.
pub(crate) fn begin(draft: &mut Draft<'_>, id: &TaskRunId) -> Result<(), Need> {
    let Some(of) = draft.task_of(id) else {
        return Ok(());
    };
    let Some(flowable) = of.flowable() else {
        return Ok(());
    };
    let begun = match flowable {
        Flowable::If { condition, .. } => if_::begin(draft, id, condition)?,
        Flowable::Switch {
            value,
            cases,
            defaults,
        } => switch::begin(draft, id, value, cases, defaults)?,
        Flowable::ForEach { values, .. } | Flowable::EachParallel { values, .. } => {
            values::begin(draft, id, values)?
        }
        Flowable::Sequential { .. }
        | Flowable::AllowFailure { .. }
        | Flowable::Parallel { .. }
        | Flowable::Dag { .. }
        | Flowable::WorkingDirectory { .. } => Ok(()),
        Flowable::LoopUntil { .. } => {
            loop_until::begin(draft, id);
            Ok(())
        }
    };
    match begun {
        Ok(()) => draft.work.push_back(Work::Advance(Some(id.clone()))),
        Err(message) => fail(draft, id, message),
    }
    Ok(())
}

/// Starts what can be started of the main list; `false` when all of it is done, or stopped and nothing is open.
pub(crate) fn advance(draft: &mut Draft<'_>, owner: &Owner) -> Result<bool, Need> {
    let Some(progress) = draft.progress(owner) else {
        return Ok(false);
    };
    if progress.stopped {
        return Ok(progress.open > 0);
    }
    let Some(id) = owner else {
        let flow = draft.flow.clone();
        return Ok(sequence::advance(draft, owner, &flow.tasks));
    };
    let Some(of) = draft.task_of(id) else {
        return Ok(false);
    };
    let Some(flowable) = of.flowable() else {
        return Ok(false);
    };
    Ok(match flowable {
        Flowable::Sequential { tasks } | Flowable::AllowFailure { tasks } => {
            sequence::advance(draft, owner, tasks)
        }
        Flowable::Parallel { tasks, concurrent } => {
            parallel::advance(draft, owner, tasks, *concurrent)
        }
        Flowable::Dag { tasks, concurrent } => dag::advance(draft, owner, tasks, *concurrent),
        Flowable::If {
            then, otherwise, ..
        } => sequence::advance(draft, owner, if_::branch(draft, id, then, otherwise)),
        Flowable::Switch {
            cases, defaults, ..
        } => sequence::advance(draft, owner, switch::branch(draft, id, cases, defaults)),
        Flowable::ForEach {
            concurrency_limit,
            tasks,
            ..
        } => for_each::advance(draft, id, tasks, *concurrency_limit),
        Flowable::EachParallel {
            concurrent, tasks, ..
        } => each_parallel::advance(draft, id, tasks, *concurrent),
        Flowable::LoopUntil { .. } => loop_until::advance(draft, id, flowable)?,
        // one job: the worker runs the children, its result ends them all
        Flowable::WorkingDirectory { .. } => true,
    })
}

/// A main child ended; it is counted already.
pub(crate) fn child_ended(draft: &mut Draft<'_>, owner: &Owner, child: &TaskRun) {
    let Some(of) = owner.as_ref().and_then(|id| draft.task_of(id)) else {
        return;
    };
    match of.flowable() {
        Some(Flowable::ForEach { tasks, .. }) => for_each::child_ended(draft, owner, tasks, child),
        Some(Flowable::Dag { tasks, .. }) => dag::child_ended(draft, owner, tasks, child),
        _ => {}
    }
}

/// The pause of a flowable is over.
pub(crate) fn wake(draft: &mut Draft<'_>, id: &TaskRunId) {
    loop_until::wake(draft, id);
}

/// Ends a flowable that cannot go on.
fn fail(draft: &mut Draft<'_>, id: &TaskRunId, message: String) {
    let Some(of) = draft.task_of(id) else { return };
    draft.log(Some(id), Level::Error, message);
    task::end(draft, id, task::allowed(&of, StateType::Failed));
}

fn set_outputs(draft: &mut Draft<'_>, id: &TaskRunId, outputs: Value) {
    if let Some(run) = draft.run_mut(id) {
        run.outputs = Outputs::inline(outputs);
    }
}
