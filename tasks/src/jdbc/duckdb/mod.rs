//! DuckDB: SQL over files and databases of the working directory, in a child process of the worker.

mod child;
mod config;
mod database;
mod outputs;
mod properties;
mod queries;
mod query;

pub use config::Config;

use crate::task::Definition;

pub(super) fn definitions() -> Vec<Definition> {
    vec![query::definition(), queries::definition()]
}
