//! When and how often a failed task is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A retry rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// How long to wait.
    pub kind: RetryKind,
    /// At most so many attempts in all, the first included; none: no limit.
    pub max_attempts: Option<u32>,
    /// No attempt later than this after the first began.
    pub max_duration: Option<Duration>,
    /// A success after more than one attempt is a warning.
    pub warning_on_retry: bool,
    /// What is tried again.
    pub behavior: RetryBehavior,
}

/// How long to wait between two attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RetryKind {
    /// Always the same.
    Constant {
        /// The wait.
        interval: Duration,
    },
    /// Longer each time.
    Exponential {
        /// The first wait.
        interval: Duration,
        /// The longest wait.
        max_interval: Duration,
        /// What each wait is multiplied by; 2 unless said otherwise.
        delay_factor: f64,
    },
    /// By chance, evenly spread.
    Random {
        /// The shortest wait.
        min_interval: Duration,
        /// The longest wait.
        max_interval: Duration,
    },
}

/// What is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RetryBehavior {
    /// The task, in the same execution.
    #[default]
    RetryFailedTask,
    /// The whole flow, in a new execution.
    CreateNewExecution,
}
