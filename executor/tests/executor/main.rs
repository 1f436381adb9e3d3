//! The executor over the embedded backends, with a worker that a test plays.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, print and look around"
)]

mod cluster;
mod harness;
mod single;
