//! The smallest program that can be DuckDB's child process; `flowmill duckdb-child` does the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    flowmill_duckdb::child_main()
}
