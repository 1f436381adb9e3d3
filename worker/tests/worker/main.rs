//! The worker over the embedded backends: jobs in, events and logs out.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod bench;
mod cluster;
mod jobs;
mod limits;
mod rig;
mod working_directory;
