//! The store of one machine: SQLite used as an ordered map.
//!
//! One writer thread merges the commits that wait into one transaction, so that one fsync serves all of them. Reads go
//! straight to one of a few read connections, on the caller's thread when they are small: a point read costs a few
//! microseconds, less than handing it to another thread.

mod config;
mod failure;
mod lock;
mod readers;
mod wal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::Connection;

pub use self::config::Config;
use self::failure::Failures;
use self::lock::DirectoryLock;
use self::readers::Readers;
use self::writer::Writer;
use super::{Batch, Entry, RangeOptions, Store, check_range};
use crate::config::ByteSize;
use crate::error::{Error, Kind, Result};
use crate::health::Probe;

const FILE: &str = "flowmill.db";
/// Marks the file as ours in SQLite's header: "flow".
const APPLICATION_ID: i32 = 0x666c_6f77;
const LAYOUT_VERSION: i32 = 1;
/// Ranges of up to so many entries are read on the caller's thread.
const SMALL_RANGE: usize = 256;

/// A [`Store`] in a directory of this machine. One process at a time may have it open.
pub struct EmbeddedStore {
    readers: Arc<Readers>,
    writer: Writer,
    probe: Probe,
    // Dropped last: nobody else may open the directory before the writer has ended.
    _lock: DirectoryLock,
}

impl EmbeddedStore {
    /// Opens the store in a directory, which is created if need be. `Invalid` when another process has it open, when it
    /// cannot be written to, or when its content is of a newer version; `Internal` when the content is damaged.
    pub fn open(directory: impl AsRef<Path>, config: &Config) -> Result<Self> {
        let directory = directory.as_ref();
        let lock = DirectoryLock::take(directory)?;
        let file = directory.join(FILE);
        let failures = Failures::new(directory);
        let probe = Probe::new("embedded");

        let write = connect(&file, config, config.cache, &failures)?;
        initialise(&write, &file, &failures)?;
        // A reader forgets its pages with every commit; the system's cache has them as well.
        let small = ByteSize::bytes(config.cache.get() / 8);
        let readers = Readers::open(config.read_connections(), failures.clone(), || {
            connect(&file, config, small, &failures)
        })?;
        let checkpoint = connect(&file, config, small, &failures)?;
        let writer = Writer::start(write, checkpoint, &file, config, failures, probe.clone())?;
        Ok(Self {
            readers: Arc::new(readers),
            writer,
            probe,
            _lock: lock,
        })
    }

    /// Whether the store can write at the moment (a disk may be full).
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// How many transactions were made durable so far; each cost one fsync.
    pub fn fsyncs(&self) -> u64 {
        self.writer.transactions()
    }

    /// Finishes what was begun, moves everything into the main file and releases the directory. Later calls of the
    /// store's methods give `Unavailable`. Dropping the store does the same.
    pub async fn close(&self) {
        let done = self.writer.close();
        let _ = tokio::task::spawn_blocking(done).await;
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        self.readers.get(key)
    }

    async fn range(&self, from: &str, to: &str, options: RangeOptions) -> Result<Vec<Entry>> {
        check_range(from, to)?;
        if options.limit <= SMALL_RANGE {
            return self.readers.range(from, to, options);
        }
        let (readers, from, to) = (self.readers.clone(), from.to_owned(), to.to_owned());
        let read = tokio::task::spawn_blocking(move || readers.range(&from, &to, options)).await;
        read.map_err(|error| Error::with_source(Kind::Internal, "a range read died", error))?
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        batch.check()?;
        self.writer.commit(batch).await
    }
}

fn connect(
    file: &PathBuf,
    config: &Config,
    cache: ByteSize,
    failures: &Failures,
) -> Result<Connection> {
    let connect = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(config.busy_timeout)?;
        connection.pragma_update(None, "page_size", config.page_size)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.pragma_update(None, "cache_size", -((cache.get() >> 10) as i64))?;
        connection.pragma_update(None, "mmap_size", config.mmap.get() as i64)?;
        connection.set_prepared_statement_cache_capacity(16);
        Ok(connection)
    };
    connect().map_err(|error| failures.opening(error))
}

fn initialise(connection: &Connection, file: &Path, failures: &Failures) -> Result<()> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let found = (|| Ok((pragma("application_id")?, pragma("user_version")?)))();
    match found.map_err(|error| failures.opening(error))? {
        (APPLICATION_ID, LAYOUT_VERSION) => Ok(()),
        (0, 0) => create(connection).map_err(|error| failures.opening(error)),
        (APPLICATION_ID, version) => {
            let message = format!(
                "`{}` was written by a newer flowmill (layout {version}, this one knows {LAYOUT_VERSION})",
                file.display()
            );
            Err(Error::new(Kind::Invalid, message))
        }
        _ => Err(Error::new(
            Kind::Invalid,
            format!("`{}` is another program's database", file.display()),
        )),
    }
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         CREATE TABLE IF NOT EXISTS entries (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {LAYOUT_VERSION};
         COMMIT;"
    ))
}
