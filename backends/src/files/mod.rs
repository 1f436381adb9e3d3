//! Files: immutable byte streams under a path.

pub mod local;
mod path;

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

pub use self::path::{check_path, check_prefix};
use crate::error::Result;

/// Bytes as they come.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// Keeps files under slash-separated paths without a leading slash (`company/team/flow/executions/…`).
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// Stores a stream, replacing what was there, and says its length. Nothing is visible before all of it is durable;
    /// an error leaves nothing behind. Memory stays constant whatever the length.
    async fn put(&self, path: &str, content: ByteStream) -> Result<u64>;

    /// Reads a file or a part of it (bytes, end exclusive; cut at the file's end). `NotFound` when it is not there.
    async fn get(&self, path: &str, range: Option<Range<u64>>) -> Result<ByteStream>;

    /// Length and time of a file. `NotFound` when it is not there.
    async fn stat(&self, path: &str) -> Result<FileStat>;

    /// The files whose path starts with the prefix, in path order.
    async fn list(&self, prefix: &str) -> Result<Vec<FileStat>>;

    /// Removes a file; no error when it is not there.
    async fn delete(&self, path: &str) -> Result<()>;
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Its path.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
    /// When it was last written.
    pub modified: jiff::Timestamp,
}
