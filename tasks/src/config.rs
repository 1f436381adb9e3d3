//! The worker's settings for tasks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings that tasks read; `tasks` in the configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// Where DuckDB is, and what it may use.
    pub duckdb: crate::jdbc::duckdb::Config,
    /// The limits of HTTP tasks.
    pub http: crate::http::Config,
    /// Where scripts run that do not say it themselves.
    pub runner: crate::runner::Config,
    /// Commands as processes of the worker's machine.
    pub process: crate::runner::process::Config,
    /// Commands in containers.
    pub docker: crate::runner::docker::Config,
    /// The limits of scripts.
    pub scripts: crate::scripts::Config,
}
