//! Tests of the whole product: the binary as a user runs it, over its command line and its API.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, print and look around"
)]

mod bad_input;
mod chaos;
mod conformance;
mod crash;
mod crash_table;
mod deploy;
mod disk;
mod distributed;
mod eval;
mod examples;
mod flows_folder;
mod generated;
mod harness;
mod hostile_scripts;
mod marked;
mod rolling_restart;
mod run;
mod seeds;
mod server;
mod validate;
mod workspace;
