//! States of executions, task runs and attempts, and their history.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A state, by Kestra's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StateType {
    /// Waiting to be picked.
    Created,
    /// As created, after a restart, a replay or a resume.
    Restarted,
    /// Held by a concurrency limit.
    Queued,
    /// Handed to the worker queue, not started.
    Submitted,
    /// At work.
    Running,
    /// Waiting for somebody to resume, or between two iterations of a loop.
    Paused,
    /// Stopped before a given task.
    Breakpoint,
    /// A kill was asked for.
    Killing,
    /// Waiting for the delay of a retry.
    Retrying,
    /// Replaced by a new execution (retry of a flow).
    Retried,
    /// An attempt whose worker was lost; the task was sent again.
    Resubmitted,
    /// Done.
    Success,
    /// Done with a remark; counts as not failed.
    Warning,
    /// The only state that starts error branches.
    Failed,
    /// Ended by a kill.
    Killed,
    /// Ended by a limit, a rule or a task.
    Cancelled,
    /// Its `runIf` was false.
    Skipped,
}

impl StateType {
    /// All states, in the order above.
    pub const ALL: [Self; 17] = [
        Self::Created,
        Self::Restarted,
        Self::Queued,
        Self::Submitted,
        Self::Running,
        Self::Paused,
        Self::Breakpoint,
        Self::Killing,
        Self::Retrying,
        Self::Retried,
        Self::Resubmitted,
        Self::Success,
        Self::Warning,
        Self::Failed,
        Self::Killed,
        Self::Cancelled,
        Self::Skipped,
    ];

    /// Whether nothing follows by itself.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Success
            | Self::Warning
            | Self::Failed
            | Self::Killed
            | Self::Cancelled
            | Self::Skipped
            | Self::Retried
            | Self::Resubmitted => true,
            Self::Created
            | Self::Restarted
            | Self::Queued
            | Self::Submitted
            | Self::Running
            | Self::Paused
            | Self::Breakpoint
            | Self::Killing
            | Self::Retrying => false,
        }
    }

    /// The name on the wire: `SUCCESS`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Restarted => "RESTARTED",
            Self::Queued => "QUEUED",
            Self::Submitted => "SUBMITTED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Breakpoint => "BREAKPOINT",
            Self::Killing => "KILLING",
            Self::Retrying => "RETRYING",
            Self::Retried => "RETRIED",
            Self::Resubmitted => "RESUBMITTED",
            Self::Success => "SUCCESS",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
            Self::Cancelled => "CANCELLED",
            Self::Skipped => "SKIPPED",
        }
    }

    /// The state of this name; `CANCELED` is taken too.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "CANCELED" {
            return Some(Self::Cancelled);
        }
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl std::fmt::Display for StateType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The state and how it came about. Histories only grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State {
    histories: Vec<(StateType, Timestamp)>,
}

impl State {
    /// Created at this time.
    pub fn created(at: Timestamp) -> Self {
        Self::of(StateType::Created, at)
    }

    /// In this state from the beginning.
    pub fn of(state: StateType, at: Timestamp) -> Self {
        let mut histories = Vec::with_capacity(4);
        histories.push((state, at));
        Self { histories }
    }

    /// The state now.
    pub fn current(&self) -> StateType {
        self.histories
            .last()
            .map_or(StateType::Created, |(state, _)| *state)
    }

    /// Goes on to another state; the same state again changes nothing.
    pub fn push(&mut self, state: StateType, at: Timestamp) {
        if self.current() != state {
            self.histories.push((state, at));
        }
    }

    /// Every state with the time it began, oldest first; never empty.
    pub fn histories(&self) -> &[(StateType, Timestamp)] {
        &self.histories
    }

    /// When it began.
    pub fn start(&self) -> Timestamp {
        self.histories
            .first()
            .map_or(Timestamp::default(), |(_, at)| *at)
    }

    /// When it ended or was paused; `None` while it goes on.
    pub fn end(&self) -> Option<Timestamp> {
        let (state, at) = self.histories.last()?;
        (state.is_terminal() || *state == StateType::Paused).then_some(*at)
    }

    /// The time of the newest entry.
    pub fn last_change(&self) -> Timestamp {
        self.histories
            .last()
            .map_or(Timestamp::default(), |(_, at)| *at)
    }

    /// From the first entry to the last; with one entry only, until `now`.
    pub fn duration(&self, now: Timestamp) -> std::time::Duration {
        let last = if self.histories.len() > 1 {
            self.last_change()
        } else {
            now
        };
        last.since(self.start())
    }

    /// Whether the current state is terminal.
    pub fn is_terminal(&self) -> bool {
        self.current().is_terminal()
    }

    /// Whether it was ever in this state.
    pub fn has_been(&self, state: StateType) -> bool {
        self.histories.iter().any(|(entry, _)| *entry == state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_found_by_its_name() {
        for state in StateType::ALL {
            assert_eq!(StateType::from_name(state.name()), Some(state));
        }
    }

    #[test]
    fn the_same_state_again_leaves_no_history() {
        let mut state = State::created(Timestamp::from_micros(1));
        state.push(StateType::Created, Timestamp::from_micros(2));
        assert_eq!(state.histories().len(), 1);
    }
}
