//! Settings of the executor.

use flowmill_backends::repo::members::Member;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the executor; `executor` in the configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// How many events of a partition are taken into one commit at most. Default: 256.
    pub batch: u16,
    /// How many executions a partition keeps in memory at most; others are loaded again when something happens to them.
    /// Default: 4096.
    pub hot_executions: usize,
    /// The least wait before a commit is tried again that the store refused for the moment, in milliseconds. Default: 20.
    pub retry_milliseconds: u64,
    /// How often a process of a cluster shows that it is alive, in milliseconds. Default: 250.
    pub beat_milliseconds: u64,
    /// How long another executor may be silent before its partitions are taken over, in milliseconds. Default: 1000.
    pub executor_lease_milliseconds: u64,
    /// How long a worker may be silent before its tasks run elsewhere, in milliseconds. Default: 10000.
    pub worker_lease_milliseconds: u64,
    /// How long the steps of executions are collected before watchers are told of them in one message, in milliseconds. That one
    /// appeared, or is over, they hear at once. Default: 20.
    pub news_milliseconds: u64,
    /// How many facts (secrets, files, logs) one step may ask for before it fails. Default: 1000.
    pub facts_per_step: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            batch: 256,
            hot_executions: 4096,
            retry_milliseconds: 20,
            beat_milliseconds: 250,
            executor_lease_milliseconds: 1000,
            worker_lease_milliseconds: 10_000,
            news_milliseconds: 20,
            facts_per_step: 1000,
        }
    }
}

/// What a new owner of a partition does about jobs that were on their way. Follows from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The queue died with the process that filled it: every task run that was dispatched is dispatched again.
    Redispatch,
    /// The queue keeps its messages: only jobs that may not have reached it are sent again, from the outbox.
    Outbox,
}

/// Which partitions an executor owns.
#[derive(Clone, Debug)]
pub enum Ownership {
    /// All of them: it is the only executor of its store.
    All,
    /// Its share among the executors that are alive; it shows itself as this member.
    Shared(Member),
}
