//! Files: immutable byte streams under a path.

pub mod local;
mod path;
#[cfg(feature = "s3")]
pub mod s3;

use std::ops::Range;
use std::time::Duration;

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

    /// A link by which a browser gets the file for a while, saved under this name. `None` when this storage makes no
    /// links: the content is then to be passed on. Whether the file is there is not looked at.
    async fn link(&self, path: &str, name: &str, valid: Duration) -> Result<Option<String>> {
        let _ = (path, name, valid);
        Ok(None)
    }
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
