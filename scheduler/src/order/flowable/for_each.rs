//! `ForEach`: a cursor over the values with a window of open iterations. In an iteration the tasks run in order. All children are
//! children of the `ForEach` itself; each knows its iteration, so that an end needs to look at nothing else.

use std::sync::Arc;

use flowmill_common::execution::TaskRun;
use flowmill_common::flow::Branch;
use flowmill_common::{Task, TaskRunId};

use crate::draft::{Draft, Owner};
use crate::order::{Spawn, start};

/// Opens iterations up to the limit.
pub(super) fn advance(
    draft: &mut Draft<'_>,
    id: &TaskRunId,
    tasks: &[Arc<Task>],
    limit: usize,
) -> bool {
    let owner = Some(id.clone());
    let Some(progress) = draft.progress(&owner) else {
        return false;
    };
    let (mut open, mut cursor) = (progress.open, progress.cursor);
    let Some(first) = next_enabled(tasks, 0) else {
        return false;
    };
    let limit = if limit == 0 { u64::MAX } else { limit as u64 };
    let values = progress.values.clone().unwrap_or_default();
    while open < limit
        && let Some(value) = values.get(cursor as usize)
    {
        let value = Some((value.as_str().unwrap_or_default().into(), cursor));
        let spawn = Spawn {
            owner: owner.clone(),
            branch: Branch::Tasks,
            task: tasks[first].clone(),
            value,
        };
        start::push_spawn(draft, spawn);
        open += 1;
        cursor += 1;
    }
    if let Some(progress) = draft.progress_mut(&owner) {
        progress.cursor = cursor;
    }
    open > 0
}

/// Goes on in the child's own iteration.
pub(super) fn child_ended(
    draft: &mut Draft<'_>,
    owner: &Owner,
    tasks: &[Arc<Task>],
    child: &TaskRun,
) {
    if draft
        .progress(owner)
        .is_none_or(|progress| progress.stopped)
    {
        return;
    }
    let place = tasks.iter().position(|task| task.id == child.task_id);
    let next = place.and_then(|place| next_enabled(tasks, place + 1));
    if let (Some(next), Some(value), Some(iteration)) = (next, &child.value, child.iteration) {
        let value = Some((value.clone(), iteration));
        let spawn = Spawn {
            owner: owner.clone(),
            branch: Branch::Tasks,
            task: tasks[next].clone(),
            value,
        };
        start::push_spawn(draft, spawn);
    }
}

fn next_enabled(tasks: &[Arc<Task>], from: usize) -> Option<usize> {
    (from..tasks.len()).find(|place| !tasks[*place].disabled)
}
