//! What an execution is given, converted to what its flow declares.

mod pattern;

pub use pattern::{Pattern, pattern};
