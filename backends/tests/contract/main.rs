//! The contracts of the three seams, as lists of named cases that every implementation runs, and what is special to one.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, print and look around"
)]

mod files;
mod queue;
mod store;
mod suite;
