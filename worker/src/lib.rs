//! The stateless service that runs tasks.
//!
//! It takes jobs from the queue, runs them by the catalogue of the crate `tasks`, reports how they ended, and streams their logs to the
//! store. It knows of flows only what a [`Job`](flowmill_common::Job) says, decides nothing about what runs next, and keeps nothing
//! but files that an execution is to have.

mod attempt;
mod config;
mod delivery;
mod facts;
mod group;
mod logs;
mod measure;
mod membership;
mod outside;
mod results;
mod running;
mod storage;
#[cfg(test)]
mod testing;
mod variables;
mod worker;
mod workspace;

pub use config::Config;
pub use flowmill_common::secrets::Secrets;
pub use worker::{Parts, Worker};
