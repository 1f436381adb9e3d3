//! DuckDB in a child process of the worker.
//!
//! libduckdb.so is never linked: it is loaded at run time ([`library`] finds it), and never into the worker itself, where its
//! memory or a crash would take other tasks down. The worker starts a child (`flowmill duckdb-child`, which is
//! [`child_main`]), writes one [`Request`] as a line of JSON to its standard input and reads one [`Response`] from its
//! standard output. Starting, timing out and killing that process is the caller's; this crate gives plain data for it, knows
//! nothing of tasks, and is synchronous.
//!
//! What the worker does, in its own words: start the child in a process group of its own (`process_group(0)`) with pipes, write
//! `serde_json::to_vec(&request)` and a line break, read standard output to its end, wait. An exit status of 0 comes with a
//! [`Response`]; anything else (a signal: DuckDB crashed or was killed) without one, and standard error may tell more. To time
//! out or kill, send SIGKILL to the group. The child ends by itself when the worker is gone.
//!
//! This is the one crate of the workspace with `unsafe`: in `ffi` and the modules that call it (`database`, `types`,
//! `vector`), and for a few system calls in `process`.

mod child;
mod database;
mod ffi;
pub mod library;
mod process;
mod request;
mod rows;
mod run;
mod sql;
mod temporal;
mod types;
mod vector;

pub use child::child_main;
pub use request::{
    Column, Database, Failure, FailureKind, Fetch, Limits, Request, Response, Script,
    StatementResult,
};
