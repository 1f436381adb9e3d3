//! The catalogue of task types: one file per type with its documentation, schema, behaviour and tests together.
//!
//! Tasks know flows only as a [`Job`](flowmill_common::Job); rendering, files and logs come through [`RunContext`]. They never
//! touch the store or the queue.

pub mod config;
pub mod context;
pub mod task;

pub use config::Config;
pub use context::{Outside, RunContext};
pub use task::{Definition, Output, Task, TaskError};
