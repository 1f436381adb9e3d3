//! Timers: what happens when one goes off.

use flowmill_common::{StateType, TaskRunId, Timestamp};

use super::{flowable, retry, start};
use crate::draft::Draft;

/// A timer went off; one that was cancelled or set anew is stale and changes nothing.
pub(crate) fn fired(draft: &mut Draft<'_>, run: Option<&TaskRunId>, wake_at: Timestamp) {
    let Some(id) = run else {
        if draft.header().state.current() == StateType::Created
            && draft.header().schedule_date == Some(wake_at)
        {
            start::begin(draft);
        }
        return;
    };
    let Some(run) = draft.run(id).filter(|run| run.wake_at == Some(wake_at)) else {
        return;
    };
    match run.state.current() {
        StateType::Retrying => retry::resume(draft, id),
        StateType::Paused => flowable::wake(draft, id),
        _ => {}
    }
}
