//! What an operator configures, and how it is written.

mod byte_size;
mod secret;

/// Durations as `5s`, `1m 30s` or `PT5S`.
pub(crate) use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;

pub use self::byte_size::ByteSize;
pub use self::secret::{Address, Secret};
