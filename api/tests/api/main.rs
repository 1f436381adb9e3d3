//! The API over the embedded backends, with an executor behind it: what clients see.

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
