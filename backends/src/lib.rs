//! The only door out: the store (embedded | Redis), the queue (in process | RabbitMQ) and files (local | S3).
//!
//! Three small traits, two implementations each, one contract suite each. What flowmill keeps (executions, flows, logs …)
//! is written once over [`Store`] in [`repo`]. No decision about flows is made here.

mod breakpoint;
pub mod config;
pub mod error;
pub mod files;
pub mod health;
mod open;
pub mod queue;
pub mod repo;
#[cfg(any(feature = "rabbitmq", feature = "redis", feature = "s3"))]
mod retry;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(any(feature = "rabbitmq", feature = "redis", feature = "s3"))]
mod tls;

pub use breakpoint::breakpoint;
pub use error::{Error, Kind, Result};
pub use files::Files;
pub use health::Health;
pub use open::{Backends, is_distributed, is_queue_durable, open};
pub use queue::Queue;
pub use store::Store;
