//! Kill: a state first, the death of processes second. The execution ends at once; late results find a newer dispatch.

use flowmill_common::StateType;
use flowmill_common::execution::Outcome;
use flowmill_common::flow::Branch;

use super::Work;
use crate::change::Command;
use crate::draft::Draft;

/// Somebody asked to kill the execution.
pub(crate) fn requested(draft: &mut Draft<'_>) {
    if draft.header().state.is_terminal() {
        return;
    }
    draft.set_state(StateType::Killing);
    for id in draft.all_run_ids() {
        let Some(run) = draft.run(&id).filter(|run| !run.state.is_terminal()) else {
            continue;
        };
        let (dispatch, flowable, wake_at) = (run.dispatch, run.progress.is_some(), run.wake_at);
        if let Some(at) = wake_at {
            draft.command(Command::CancelTimer {
                run: Some(id.clone()),
                at,
            });
        }
        if dispatch > 0 {
            draft.command(Command::StopTask {
                run: id.clone(),
                dispatch,
            });
        }
        let at = draft.at;
        if let Some(run) = draft.run_mut(&id) {
            if flowable {
                run.state.push(StateType::Killing, at);
            }
            run.state.push(StateType::Killed, at);
            run.wake_at = None;
            run.dispatch += 1; // whatever the worker still sends is of an older dispatch
            if let Some(attempt) = run.attempts.last_mut()
                && !attempt.state.is_terminal()
            {
                attempt.state.push(StateType::Killed, at);
            }
        }
    }
    let header = draft.header_mut();
    header.retrying_runs = 0;
    header.progress.outcome = Outcome::Killed;
    header.progress.stopped = true;
    header.progress.branch = Branch::Tasks;
    header.progress.open = 0;
    header.progress.cursor = u64::MAX;
    draft.work.push_back(Work::Advance(None));
}
