//! How far a list of tasks has come: counted, so that no decision needs to look at all task runs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::flow::Branch;

/// How far the lists of a flow, or of a flowable task run, have come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The list at work.
    pub branch: Branch,
    /// The place in that list, or the iteration of a loop, that is started next.
    pub cursor: u64,
    /// How many children are not terminal; for loops with iterations, how many iterations are open.
    pub open: u64,
    /// What the ended main children came to.
    #[serde(default, skip_serializing_if = "Outcome::is_success")]
    pub outcome: Outcome,
    /// No main child is started any more: one failed, was killed, or the run is being killed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// The case that a `Switch` chose (none: the defaults), or the branch of an `If`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// The values of a loop, kept apart from the task run that owns them.
    #[serde(skip)]
    pub values: Option<Arc<Vec<Value>>>,
    /// How many values there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values_count: Option<u64>,
    /// Places of a `Dag`'s tasks that were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub started: Vec<u32>,
    /// Places of a `Dag`'s tasks that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<u32>,
    /// Rounds of a `LoopUntil`, or starts after a restart: makes ids of later children differ.
    #[serde(default)]
    pub generation: u32,
}

/// What a deciding flowable has chosen; decided once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Chosen {
    /// `then` of an `If`.
    Then,
    /// `else` of an `If`.
    Else,
    /// This case of a `Switch`.
    Case(String),
    /// The defaults of a `Switch`.
    Defaults,
}

/// What ended children come to: the worst of KILLED, FAILED, WARNING, SUCCESS (and how it was paused does not count).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// Nothing worse.
    #[default]
    Success,
    /// One ended with a warning.
    Warning,
    /// One failed.
    Failed,
    /// One was killed.
    Killed,
}

impl Outcome {
    fn is_success(&self) -> bool {
        *self == Self::Success
    }
}
