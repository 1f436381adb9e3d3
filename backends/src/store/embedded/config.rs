use std::num::NonZero;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::ByteSize;

/// The embedded store's settings. The defaults suit a small machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Memory that the writer may use to keep pages, taken only as it is needed; each reader may use an eighth of it.
    pub cache: ByteSize,
    /// How much of the database file is read by mapping it into memory; `0` reads it by system calls.
    pub mmap: ByteSize,
    /// Read connections; `0` takes one for each core, at least 2 and at most 8.
    pub readers: usize,
    /// Size of a page in bytes, a power of two from 512 to 65536; of effect when the store is created.
    pub page_size: u32,
    /// The write-ahead log is moved into the main file when it is this long. It keeps this length on the disk.
    pub wal_size: ByteSize,
    /// At most so many commits are merged into one transaction.
    pub group_commits: usize,
    /// At most so many bytes are merged into one transaction.
    pub group_size: ByteSize,
    /// So many commits may wait for the writer before further callers wait for room.
    pub waiting_commits: usize,
    /// How long to wait when another program (`sqlite3`, a backup) has the database locked.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub busy_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cache: ByteSize::mebibytes(16),
            mmap: ByteSize::mebibytes(0),
            readers: 0,
            page_size: 4096,
            wal_size: ByteSize::mebibytes(16),
            group_commits: 512,
            group_size: ByteSize::mebibytes(16),
            waiting_commits: 4096,
            busy_timeout: Duration::from_secs(5),
        }
    }
}

impl Config {
    pub(super) fn read_connections(&self) -> usize {
        match self.readers {
            0 => std::thread::available_parallelism()
                .map_or(2, NonZero::get)
                .clamp(2, 8),
            readers => readers,
        }
    }
}
