//! The deprecated `EachParallel`: all tasks of all values at once, in no order; its limit counts task runs.

use std::sync::Arc;

use flowmill_common::flow::Branch;
use flowmill_common::{Task, TaskRunId};

use crate::draft::Draft;
use crate::order::{Spawn, start};

pub(super) fn advance(
    draft: &mut Draft<'_>,
    id: &TaskRunId,
    tasks: &[Arc<Task>],
    concurrent: usize,
) -> bool {
    let owner = Some(id.clone());
    let Some(progress) = draft.progress(&owner) else {
        return false;
    };
    let (mut open, mut cursor) = (progress.open, progress.cursor);
    let limit = if concurrent == 0 {
        u64::MAX
    } else {
        concurrent as u64
    };
    let values = progress.values.clone().unwrap_or_default();
    let width = tasks.len().max(1) as u64;
    while open < limit
        && let Some(value) = values.get((cursor / width) as usize)
    {
        let task = &tasks[(cursor % width) as usize];
        if !task.disabled {
            let value = Some((value.as_str().unwrap_or_default().into(), cursor / width));
            start::push_spawn(
                draft,
                Spawn {
                    owner: owner.clone(),
                    branch: Branch::Tasks,
                    task: task.clone(),
                    value,
                },
            );
            open += 1;
        }
        cursor += 1;
    }
    if let Some(progress) = draft.progress_mut(&owner) {
        progress.cursor = cursor;
    }
    open > 0
}
