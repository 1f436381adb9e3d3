//! The service that owns executions: takes events, asks the scheduler, commits, sends task messages.
//!
//! One [`owner`] per partition: it drains events, applies [`flowmill_scheduler::step`] in memory, commits everything in one batch, and only
//! then lets anything leave. It decides nothing about flows; it does not run tasks, but for those that the flow's author would
//! not notice ([`InlineTasks`](flowmill_common::inline::InlineTasks)).

mod cluster;
mod config;
mod executor;
mod facts;
mod hot;
mod job;
mod journal;
mod news;
mod owner;
mod pass;
mod recovery;
mod timers;

pub use config::{Config, Ownership, Recovery};
pub use executor::{Executor, Parts};
