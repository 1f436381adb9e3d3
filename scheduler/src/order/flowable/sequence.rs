//! One task after the other: the flow itself, `Sequential`, `AllowFailure`, the branches of `If` and `Switch`.

use std::sync::Arc;

use flowmill_common::Task;
use flowmill_common::flow::Branch;

use crate::draft::{Draft, Owner};
use crate::order::start;

pub(super) fn advance(draft: &mut Draft<'_>, owner: &Owner, tasks: &[Arc<Task>]) -> bool {
    let Some(progress) = draft.progress(owner) else {
        return false;
    };
    if progress.open > 0 {
        return true;
    }
    let next = (progress.cursor as usize..tasks.len()).find(|place| !tasks[*place].disabled);
    let Some(place) = next else { return false };
    if let Some(progress) = draft.progress_mut(owner) {
        progress.cursor = place as u64 + 1;
    }
    start::spawn_plain(draft, owner, Branch::Tasks, &tasks[place]);
    true
}
