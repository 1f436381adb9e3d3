//! The only door out: the store (embedded | Redis), the queue (in process | RabbitMQ) and files (local | S3).
//!
//! Three small traits, two implementations each, one contract suite each. What flowmill keeps (executions, flows, logs …)
//! is written once over [`Store`] in [`repo`]. No decision about flows is made here.

pub mod config;
pub mod error;
pub mod files;
pub mod health;
pub mod queue;
pub mod repo;
pub mod store;

pub use error::{Error, Kind, Result};
pub use files::Files;
pub use queue::Queue;
pub use store::Store;
