//! Scripts as a worker runs them: real processes, real containers, files and logs in memory.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod basics;
mod docker;
mod files;
mod hostile;
mod legacy;
mod overhead;
mod python;
mod registry;
mod world;
