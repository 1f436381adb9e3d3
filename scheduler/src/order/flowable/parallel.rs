//! `Parallel`: all tasks at once, or so many at a time.

use std::sync::Arc;

use flowmill_common::Task;
use flowmill_common::flow::Branch;

use crate::draft::{Draft, Owner};
use crate::order::start;

pub(super) fn advance(
    draft: &mut Draft<'_>,
    owner: &Owner,
    tasks: &[Arc<Task>],
    concurrent: usize,
) -> bool {
    let Some(progress) = draft.progress(owner) else {
        return false;
    };
    let (mut open, mut cursor) = (progress.open, progress.cursor as usize);
    let limit = if concurrent == 0 {
        u64::MAX
    } else {
        concurrent as u64
    };
    while open < limit && cursor < tasks.len() {
        if !tasks[cursor].disabled {
            start::spawn_plain(draft, owner, Branch::Tasks, &tasks[cursor]);
            open += 1;
        }
        cursor += 1;
    }
    if let Some(progress) = draft.progress_mut(owner) {
        progress.cursor = cursor as u64;
    }
    open > 0
}
