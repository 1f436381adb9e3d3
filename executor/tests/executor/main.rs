//! The executor over the embedded backends, with a worker that a test plays.

mod cluster;
mod harness;
mod single;
