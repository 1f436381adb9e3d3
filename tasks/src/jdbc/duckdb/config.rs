use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where DuckDB is, and what it may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// Where `libduckdb.so` is; none: `FLOWMILL_DUCKDB_LIB`, the data directory, then the system are looked at.
    pub library: Option<PathBuf>,
    /// The data directory of this server, whose `lib` may hold the library.
    #[serde(skip)]
    pub data_directory: Option<PathBuf>,
    /// The program that is started as the child process; none: this one, as `flowmill duckdb-child`.
    #[serde(skip)]
    pub program: Option<PathBuf>,
    /// How much memory a query may use before it writes to the disk, in bytes; none: DuckDB's own bound, 80 % of the machine.
    pub memory_bytes: Option<u64>,
    /// How many threads a query may use; none: one for each processor.
    pub threads: Option<u32>,
    /// How many rows FETCH gives as an output; more fail the task, which should STORE them. Default: 1,000,000.
    pub maximum_fetched_rows: u64,
    /// How many bytes the rows of FETCH may take as JSON. Default: 64 MiB.
    pub maximum_fetched_bytes: u64,
    /// How many bytes STORE may write for one statement; none: no bound.
    pub maximum_stored_bytes: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            library: None,
            data_directory: None,
            program: None,
            memory_bytes: None,
            threads: None,
            maximum_fetched_rows: 1_000_000,
            maximum_fetched_bytes: 64 << 20,
            maximum_stored_bytes: None,
        }
    }
}
