//! The language as its users meet it: results, errors, limits, what a text refers to, and texts that mean harm.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, print and look around"
)]

mod corpus;
mod hostile;
mod laziness;
mod limits;
mod names;
mod random;
mod references;
