//! The catalogue of task types: one file per type with its documentation, schema, behaviour and tests together.
//!
//! Tasks know flows only as a [`Job`](flowmill_common::Job); rendering, files and logs come through [`RunContext`]. They never
//! touch the store or the queue.

pub mod catalogue;
pub mod config;
pub mod context;
mod core;
pub mod describe;
pub mod http;
mod inline;
pub mod jdbc;
pub mod properties;
pub mod property;
pub mod runner;
pub mod scripts;
pub mod support;
pub mod task;
pub mod working_directory;

pub use catalogue::{Catalogue, Documentation};
pub use config::Config;
pub use context::{Outside, RunContext};
pub use describe::{NoOutputs, TaskProperties};
pub use property::Property;
pub use task::{Definition, Output, Task, TaskError};
pub use working_directory::WorkingDirectory;

use describe::Described;

/// Every family of task types. A new family is one line here; a test lists all types.
fn families() -> Vec<Described> {
    [
        core::definitions(),
        http::definitions(),
        scripts::definitions(),
        jdbc::definitions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
