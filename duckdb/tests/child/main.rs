//! The child process against the real library. Without one the tests say so and pass; with `REQUIRE_BACKENDS=1` they fail.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod limits;
mod process;
mod statements;
mod support;
mod types;
