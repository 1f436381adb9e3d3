//! Trying again: whether, when, and what it makes of the end.

use std::time::Duration;

use flowmill_common::execution::TaskRun;
use flowmill_common::flow::{Retry, RetryKind};
use flowmill_common::{StateType, TaskRunId};

use super::start;
use crate::change::Command;
use crate::draft::Draft;

/// Grants another attempt to a failed task run, if its rule allows one: sets the timer, and says so.
pub(crate) fn try_again(draft: &mut Draft<'_>, id: &TaskRunId) -> bool {
    let Some((retry, _)) = rule(draft, id) else {
        return false;
    };
    let Some(run) = draft.run(id) else {
        return false;
    };
    let attempts = counted_attempts(run);
    if retry.max_attempts.is_some_and(|most| attempts >= most) {
        return false;
    }
    let at = draft
        .at
        .plus(delay(&retry.kind, attempts, draft.facts.seed));
    let first = run
        .attempts
        .first()
        .map_or(run.state.start(), |attempt| attempt.state.start());
    if retry.max_duration.is_some_and(|most| at > first.plus(most)) {
        return false;
    }
    let now = draft.at;
    if let Some(run) = draft.run_mut(id) {
        run.state.push(StateType::Failed, now);
        run.state.push(StateType::Retrying, now);
        run.wake_at = Some(at);
    }
    draft.header_mut().retrying_runs += 1;
    // what retries after the end does not bring the execution back
    if !draft.header().state.is_terminal() {
        draft.set_state(StateType::Retrying);
    }
    draft.command(Command::SetTimer {
        run: Some(id.clone()),
        at,
    });
    true
}

/// The delay is over: the task run begins its next attempt.
pub(crate) fn resume(draft: &mut Draft<'_>, id: &TaskRunId) {
    if let Some(run) = draft.run_mut(id) {
        run.wake_at = None;
    }
    draft.set_run_state(id, StateType::Created);
    let header = draft.header_mut();
    header.retrying_runs = header.retrying_runs.saturating_sub(1);
    if header.retrying_runs == 0 && header.state.current() == StateType::Retrying {
        draft.set_state(StateType::Running);
    }
    start::submit(draft, id);
}

/// A success that took more than one attempt is a warning where the rule says so.
pub(crate) fn warn(draft: &Draft<'_>, id: &TaskRunId, state: StateType) -> StateType {
    let tried_again = draft.run(id).is_some_and(|run| counted_attempts(run) > 1);
    let warns = rule(draft, id).is_some_and(|(retry, _)| retry.warning_on_retry);
    if state == StateType::Success && tried_again && warns {
        StateType::Warning
    } else {
        state
    }
}

/// The task's own retry, else the nearest enclosing flowable's, else the flow's; and whether it is the flow's.
fn rule(draft: &Draft<'_>, id: &TaskRunId) -> Option<(Retry, bool)> {
    let mut next = Some(id.clone());
    while let Some(id) = next {
        if let Some(retry) = draft.task_of(&id)?.retry.clone() {
            return Some((retry, false));
        }
        next = draft.run(&id)?.parent.clone();
    }
    draft.flow.retry.clone().map(|retry| (retry, true))
}

/// Attempts that count: those whose worker was lost do not.
fn counted_attempts(run: &TaskRun) -> u32 {
    run.attempts
        .iter()
        .filter(|attempt| attempt.state.current() != StateType::Resubmitted)
        .count() as u32
}

/// How long to wait after so many attempts.
fn delay(kind: &RetryKind, attempts: u32, seed: u64) -> Duration {
    match kind {
        RetryKind::Constant { interval } => *interval,
        RetryKind::Exponential {
            interval,
            max_interval,
            delay_factor,
        } => {
            let factor = delay_factor.powi(attempts.saturating_sub(1).min(1000) as i32);
            let seconds = (interval.as_secs_f64() * factor).min(max_interval.as_secs_f64());
            Duration::try_from_secs_f64(seconds).unwrap_or(*max_interval)
        }
        RetryKind::Random {
            min_interval,
            max_interval,
        } => {
            let part = (seed >> 11) as f64 / (1_u64 << 53) as f64;
            *min_interval + max_interval.saturating_sub(*min_interval).mul_f64(part)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_delay_grows_by_its_factor_up_to_its_maximum() {
        let kind = RetryKind::Exponential {
            interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(5),
            delay_factor: 2.0,
        };
        let delays: Vec<u64> = (1..=5)
            .map(|attempts| delay(&kind, attempts, 0).as_secs())
            .collect();
        assert_eq!(delays, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn a_random_delay_stays_between_its_bounds() {
        let kind = RetryKind::Random {
            min_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(2),
        };
        for seed in [0, 1 << 40, u64::MAX] {
            let delay = delay(&kind, 1, seed);
            assert!(
                (Duration::from_secs(1)..=Duration::from_secs(2)).contains(&delay),
                "{delay:?}"
            );
        }
    }
}
