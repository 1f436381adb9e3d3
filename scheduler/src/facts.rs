//! What a step may know beyond flow, execution and event.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use flowmill_common::Timestamp;
use flowmill_common::cipher::Cipher;
use flowmill_common::inline::InlineTasks;
use flowmill_expression::{Answer, Engine, Host, Need};
use serde_json::Value;

/// The engine, the settings, and what was fetched for earlier needs. Never persisted.
pub struct Facts<'a> {
    /// Renders templates.
    pub engine: &'a Engine,
    /// The tasks that run without a worker.
    pub tasks: &'a dyn InlineTasks,
    /// What expressions see of the server.
    pub settings: &'a Settings,
    /// Answers to the needs that earlier calls of the same step named.
    pub answers: Arc<HashMap<Need, Answer>>,
    /// Where random values of this step start; drawn by the caller, so that a step can be repeated.
    pub seed: u64,
}

/// What expressions see of the server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `envs`: the prefixed environment variables, lower-cased, the prefix cut.
    pub envs: Arc<Value>,
    /// `globals`: from the configuration.
    pub globals: Arc<Value>,
    /// `kestra.environment` and `kestra.url`.
    pub kestra: Arc<Value>,
    /// What SECRET inputs and outputs are encrypted with; none where no key is configured.
    pub cipher: Option<Cipher>,
}

impl Default for Settings {
    fn default() -> Self {
        let empty = flowmill_common::execution::empty_object();
        Self {
            envs: empty.clone(),
            globals: empty.clone(),
            kestra: empty,
            cipher: None,
        }
    }
}

/// The host of a step: the event's time, seeded chance, fetched answers.
pub struct StepHost<'a> {
    at: Timestamp,
    answers: &'a HashMap<Need, Answer>,
    random: Cell<u64>,
}

impl<'a> StepHost<'a> {
    /// The host for templates that are rendered at this time, with these facts.
    pub fn new(facts: &'a Facts<'a>, at: Timestamp) -> Self {
        Self {
            at,
            answers: &facts.answers,
            random: Cell::new(facts.seed),
        }
    }
}

impl Host for StepHost<'_> {
    fn now(&self) -> jiff::Timestamp {
        self.at.to_jiff()
    }

    /// SplitMix64: the next of the seeded sequence.
    fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn ask(&self, need: &Need) -> Answer {
        self.answers.get(need).cloned().unwrap_or(Answer::Pending)
    }
}
