//! The vocabulary of flowmill: [`Flow`], [`Execution`], [`TaskRun`], [`State`], [`Event`], [`Job`], ids and time; and how a
//! YAML document becomes a [`Flow`] ([`compile`]).
//!
//! Pure: no clock, no randomness, no files, no environment, no tokio. Time and ids come in as data.

pub mod cipher;
pub mod compile;
pub mod event;
pub mod execution;
pub mod flow;
pub mod id;
pub mod inline;
pub mod inputs;
pub mod ion;
pub mod job;
pub mod liveness;
pub mod log;
pub mod secrets;
pub mod state;
pub mod time;
pub mod yaml;

pub use event::{Event, EventKind};
pub use execution::{Execution, Header, Outputs, TaskRun};
pub use flow::{Flow, Task};
pub use id::{ExecutionId, TaskRunId};
pub use job::Job;
pub use state::{State, StateType};
pub use time::Timestamp;
