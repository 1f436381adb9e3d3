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
}
