//! DuckDB in a child process of the worker.
//!
//! libduckdb.so is never linked: it is loaded at run time ([`library`] finds it), and never into the worker itself, where its
//! memory or a crash would take other tasks down. The worker starts a child (`flowmill duckdb-child`, which is
//! [`child_main`]), writes one [`Request`] as a line of JSON to its standard input and reads one [`Response`] from its
//! standard output. Starting, timing out and killing that process is the caller's; this crate gives plain data for it, knows
//! nothing of tasks, and is synchronous.
//!
//! This is the one crate of the workspace with `unsafe`: in [`ffi`] and the modules that call it, [`database`], [`types`] and
//! [`vector`], and for a few system calls in [`child`].

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
