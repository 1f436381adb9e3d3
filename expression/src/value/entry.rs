//! Entries of maps.

use super::Value;

/// One key of a map and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key; a text unless a map literal gave something else.
    pub key: Value,
    /// The value.
    pub value: Value,
}
