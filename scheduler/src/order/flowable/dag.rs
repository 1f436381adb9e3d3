//! `Dag`: each task when those it depends on have ended, whatever they ended in; a failure stops the start of others.

use flowmill_common::execution::TaskRun;
use flowmill_common::flow::{Branch, DagTask};

use crate::draft::{Draft, Owner};
use crate::order::start;

pub(super) fn advance(
    draft: &mut Draft<'_>,
    owner: &Owner,
    tasks: &[DagTask],
    concurrent: usize,
) -> bool {
    let Some(progress) = draft.progress(owner) else {
        return false;
    };
    let mut open = progress.open;
    let limit = if concurrent == 0 {
        u64::MAX
    } else {
        concurrent as u64
    };
    let (mut started, ended) = (progress.started.clone(), progress.ended.clone());
    // a disabled task counts as ended: what depends on it must not wait for ever
    let has_ended = |id: &str| {
        let place = tasks.iter().position(|entry| *entry.task.id == *id);
        place.is_none_or(|place| tasks[place].task.disabled || ended.contains(&(place as u32)))
    };
    for (place, entry) in tasks.iter().enumerate() {
        let ready = !entry.task.disabled
            && !started.contains(&(place as u32))
            && entry.depends_on.iter().all(|id| has_ended(id));
        if ready && open < limit {
            start::spawn_plain(draft, owner, Branch::Tasks, &entry.task);
            started.push(place as u32);
            open += 1;
        }
    }
    if let Some(progress) = draft.progress_mut(owner) {
        progress.started = started;
    }
    open > 0
}

pub(super) fn child_ended(
    draft: &mut Draft<'_>,
    owner: &Owner,
    tasks: &[DagTask],
    child: &TaskRun,
) {
    let Some(place) = tasks
        .iter()
        .position(|entry| entry.task.id == child.task_id)
    else {
        return;
    };
    if let Some(progress) = draft.progress_mut(owner) {
        progress.ended.push(place as u32);
    }
}
