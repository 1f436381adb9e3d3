//! The store: an ordered map with atomic batches. Everything flowmill remembers is kept in it.
//!
//! Keys are UTF-8 text and begin with their *space* (`p07/…` or `global/…`): a batch touches one space only, so that a
//! cluster can keep each space on one node. Order is bytewise.

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;

/// An ordered map with atomic batches.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The value of a key, or `None`. Sees every commit that has returned.
    async fn get(&self, key: &str) -> Result<Option<Bytes>>;

    /// The entries with `from <= key < to`, in key order (or backwards), at most `options.limit` of them.
    /// Sees every commit that has returned, and each batch whole or not at all within one space.
    async fn range(&self, from: &str, to: &str, options: RangeOptions) -> Result<Vec<Entry>>;

    /// Applies the whole batch or nothing. When it returns `Ok`, the batch is durable.
    /// `Conflict` when an expectation did not hold, `Fenced` when the fence did not; nothing is written then.
    /// After `Unavailable` the batch may or may not have been applied: all batches must be safe to repeat.
    async fn commit(&self, batch: Batch) -> Result<()>;
}

/// One key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The full key, its space included.
    pub key: String,
    /// The value; empty when only keys were asked for.
    pub value: Bytes,
}

/// How a range is read.
#[derive(Clone, Copy, Debug)]
pub struct RangeOptions {
    /// At most so many entries.
    pub limit: usize,
    /// From the end of the range backwards.
    pub reverse: bool,
    /// Leave the values out.
    pub keys_only: bool,
}

impl Default for RangeOptions {
    fn default() -> Self {
        Self { limit: usize::MAX, reverse: false, keys_only: false }
    }
}

/// What is written together. All keys lie in one space.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Keys that must have exactly this value (`None`: must not exist), or nothing is written (`Conflict`).
    pub expects: Vec<(String, Option<Bytes>)>,
    /// A key that must have exactly this value, or nothing is written (`Fenced`). The epoch of a partition's owner.
    pub fence: Option<(String, Bytes)>,
    /// Entries to write; the last of several for one key wins.
    pub puts: Vec<(String, Bytes)>,
    /// Keys to delete, after the puts; those that are not there are no error.
    pub deletes: Vec<String>,
}

impl Batch {
    /// Whether the batch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// The space of the batch: what stands before the first `/` of its keys.
    pub fn space(&self) -> Option<&str> {
        let key = (self.puts.first().map(|(key, _)| key))
            .or(self.deletes.first())
            .or(self.expects.first().map(|(key, _)| key))?;
        Some(space_of(key))
    }
}

/// The space of a key: what stands before its first `/`.
pub fn space_of(key: &str) -> &str {
    key.split('/').next().unwrap_or(key)
}

/// The first key after all keys that start with `prefix`, for ranges.
pub fn prefix_end(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}
