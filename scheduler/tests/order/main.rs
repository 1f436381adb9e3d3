//! The scheduler as a whole: flows in YAML, events in any order, and what comes of them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, print and look around"
)]

mod golden;
mod random_flows;
mod world;
