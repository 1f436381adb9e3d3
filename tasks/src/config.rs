//! The worker's settings for tasks.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings that tasks read; `tasks` in the configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// Where `libduckdb.so` is; none: `FLOWMILL_DUCKDB_LIB`, the data directory, then the system are looked at.
    pub duckdb_library: Option<PathBuf>,
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
