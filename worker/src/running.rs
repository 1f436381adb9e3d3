//! The jobs at work here, and how they are told to stop.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use flowmill_common::{Job, TaskRunId};
use tokio_util::sync::CancellationToken;

/// Why a job must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Somebody killed it.
    Killed,
    /// The worker shuts down, and another one shall do it.
    HandedBack,
}

/// How many kills are remembered that came before their job.
const REMEMBERED_KILLS: usize = 10_000;

/// The jobs at work here.
#[derive(Default)]
pub(crate) struct Running {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    jobs: HashMap<TaskRunId, Arc<Handle>>,
    kills: VecDeque<(TaskRunId, u32)>,
}

/// One job at work.
pub(crate) struct Handle {
    dispatch: u32,
    /// Fires when it must stop.
    pub(crate) stop: CancellationToken,
    reason: OnceLock<StopReason>,
}

impl Handle {
    /// Why it must stop, once it must.
    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.reason.get().copied()
    }

    fn stop(&self, reason: StopReason) {
        // the first reason stays
        let _ = self.reason.set(reason);
        self.stop.cancel();
    }
}

impl Running {
    /// Takes a job in; nothing when the same dispatch, or a newer one, is at work already.
    pub(crate) fn begin(&self, job: &Job) -> Option<Arc<Handle>> {
        let mut state = self.lock();
        if state
            .jobs
            .get(&job.run)
            .is_some_and(|handle| handle.dispatch >= job.dispatch)
        {
            return None;
        }
        let handle = Arc::new(Handle {
            dispatch: job.dispatch,
            stop: CancellationToken::new(),
            reason: OnceLock::new(),
        });
        if state
            .kills
            .iter()
            .any(|(run, dispatch)| *run == job.run && *dispatch >= job.dispatch)
        {
            handle.stop(StopReason::Killed);
        }
        if let Some(older) = state.jobs.insert(job.run.clone(), handle.clone()) {
            // the executor has given up on it
            older.stop(StopReason::Killed);
        }
        Some(handle)
    }

    /// The job is over.
    pub(crate) fn end(&self, run: &TaskRunId, handle: &Arc<Handle>) {
        let mut state = self.lock();
        if state
            .jobs
            .get(run)
            .is_some_and(|present| Arc::ptr_eq(present, handle))
        {
            state.jobs.remove(run);
        }
    }

    /// Stops all dispatches of a task run up to this one, also those that come later.
    pub(crate) fn kill(&self, run: &TaskRunId, dispatch: u32) {
        let mut state = self.lock();
        if let Some(handle) = state.jobs.get(run)
            && handle.dispatch <= dispatch
        {
            handle.stop(StopReason::Killed);
            return;
        }
        state.kills.push_back((run.clone(), dispatch));
        if state.kills.len() > REMEMBERED_KILLS {
            state.kills.pop_front();
        }
    }

    /// Stops everything, to be done by others.
    pub(crate) fn hand_back(&self) {
        self.lock()
            .jobs
            .values()
            .for_each(|handle| handle.stop(StopReason::HandedBack));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::job;

    #[test]
    fn a_job_is_at_work_once() {
        let (running, job) = (Running::default(), job(json!({})));
        let handle = running.begin(&job).unwrap();
        assert!(running.begin(&job).is_none());
        running.end(&job.run, &handle);
        assert!(running.begin(&job).is_some());
    }

    #[test]
    fn a_newer_dispatch_stops_the_older_one() {
        let (running, mut job) = (Running::default(), job(json!({})));
        let older = running.begin(&job).unwrap();
        job.dispatch += 1;
        let newer = running.begin(&job).unwrap();
        assert_eq!(
            (older.reason(), newer.reason()),
            (Some(StopReason::Killed), None)
        );
        running.end(&job.run, &older);
        assert!(
            running.begin(&job).is_none(),
            "the end of the older one does not end the newer"
        );
    }

    #[test]
    fn a_kill_holds_for_the_dispatches_up_to_it_even_if_it_comes_first() {
        let (running, mut job) = (Running::default(), job(json!({})));
        running.kill(&job.run, job.dispatch);
        let killed = running.begin(&job).unwrap();
        assert_eq!(killed.reason(), Some(StopReason::Killed));
        running.end(&job.run, &killed);
        job.dispatch += 1;
        let next = running.begin(&job).unwrap();
        assert_eq!(next.reason(), None);
        running.kill(&job.run, job.dispatch - 1);
        assert_eq!(next.reason(), None);
        running.kill(&job.run, job.dispatch);
        assert_eq!(next.reason(), Some(StopReason::Killed));
    }
}
