//! The store: an ordered map with atomic batches. Everything flowmill remembers is kept in it.
//!
//! Keys are UTF-8 text and begin with their *space* (`p07/…` or `global/…`): a batch touches one space only, so that a
//! cluster can keep each space on one node. Order is bytewise.

pub mod embedded;
#[cfg(feature = "redis")]
pub mod redis;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::{Error, Kind, Result};

/// Longest key in bytes.
pub const KEY_LIMIT: usize = 4 << 10;

/// Longest value in bytes. Larger things belong into files.
pub const VALUE_LIMIT: usize = 256 << 20;

/// An ordered map with atomic batches.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The value of a key, or `None`. Sees every commit that has returned.
    async fn get(&self, key: &str) -> Result<Option<Bytes>>;

    /// The entries with `from <= key < to`, in key order (or backwards), at most `options.limit` of them. Both bounds
    /// lie in one space, else `Invalid`.
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
        Self {
            limit: usize::MAX,
            reverse: false,
            keys_only: false,
        }
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

    /// The one space of all keys. `Invalid` when the keys lie in several spaces, a key has no space or is too long, or
    /// a value is too large.
    pub fn check(&self) -> Result<&str> {
        let keys = (self.expects.iter().map(|(key, _)| key))
            .chain(self.fence.iter().map(|(key, _)| key))
            .chain(self.puts.iter().map(|(key, _)| key))
            .chain(&self.deletes);
        let mut space = None;
        for key in keys {
            let here = check_key(key)?;
            match space {
                None => space = Some(here),
                Some(space) if space == here => {}
                Some(space) => {
                    let message = format!(
                        "a batch must stay in one space, but has keys in `{space}` and `{here}`"
                    );
                    return Err(Error::new(Kind::Invalid, message));
                }
            }
        }
        if let Some((key, value)) = self
            .puts
            .iter()
            .find(|(_, value)| value.len() > VALUE_LIMIT)
        {
            let message = format!(
                "the value of `{key}` has {} bytes, more than {VALUE_LIMIT}",
                value.len()
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        Ok(space.unwrap_or_default())
    }

    /// Roughly what it weighs, in bytes of keys and values.
    pub fn weight(&self) -> usize {
        let puts: usize = self
            .puts
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        let deletes: usize = self.deletes.iter().map(String::len).sum();
        puts + deletes
    }
}

/// The space of a range. `Invalid` when it has none, or leaves it.
pub fn check_range<'a>(from: &'a str, to: &str) -> Result<&'a str> {
    let space = check_key(from)?;
    // `0` is the character after `/`: the first text behind all keys of the space.
    let outside = to
        .strip_prefix(space)
        .is_none_or(|rest| !rest.starts_with('/') && rest != "0");
    if from < to && outside {
        let message = format!("a range must stay in one space, but goes from `{from}` to `{to}`");
        return Err(Error::new(Kind::Invalid, message));
    }
    Ok(space)
}

/// The space of a key that may be written. `Invalid` when it has none, or is too long.
pub fn check_key(key: &str) -> Result<&str> {
    if key.len() > KEY_LIMIT {
        let message = format!(
            "a key of {} bytes is too long (at most {KEY_LIMIT})",
            key.len()
        );
        return Err(Error::new(Kind::Invalid, message));
    }
    match key.split_once('/') {
        Some((space, _)) if !space.is_empty() && !space.contains(['{', '}']) => Ok(space),
        _ => Err(Error::new(
            Kind::Invalid,
            format!("the key `{key}` does not begin with a space, as in `global/flows`"),
        )),
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
