//! The API over the embedded backends, with an executor behind it: what clients see.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod errors;
mod executions;
mod files;
mod flows;
mod follow;
mod harness;
mod inputs;
mod instance;
mod logs;
mod openapi;
mod search;
mod speed;
