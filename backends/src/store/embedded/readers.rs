use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};

use super::failure::Failures;
use crate::error::Result;
use crate::store::{Entry, RangeOptions};

/// A few read connections. A thread prefers its own, so that threads on different cores do not meet.
pub(super) struct Readers {
    connections: Vec<Mutex<Connection>>,
    failures: Failures,
}

impl Readers {
    pub(super) fn open(
        count: usize,
        failures: Failures,
        connect: impl Fn() -> Result<Connection>,
    ) -> Result<Self> {
        let connections = (0..count)
            .map(|_| connect().map(Mutex::new))
            .collect::<Result<_>>()?;
        Ok(Self {
            connections,
            failures,
        })
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let connection = self.connection();
        let read = || -> rusqlite::Result<Option<Bytes>> {
            let mut statement =
                connection.prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
            statement
                .query_row([key], |row| value_at(row, 0))
                .optional()
        };
        read().map_err(|error| self.failures.running(error))
    }

    pub(super) fn range(&self, from: &str, to: &str, options: RangeOptions) -> Result<Vec<Entry>> {
        if from >= to || options.limit == 0 {
            return Ok(Vec::new());
        }
        let statement = match (options.keys_only, options.reverse) {
            (false, false) => {
                "SELECT key, value FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"
            }
            (false, true) => {
                "SELECT key, value FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3"
            }
            (true, false) => {
                "SELECT key FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"
            }
            (true, true) => {
                "SELECT key FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3"
            }
        };
        let limit = i64::try_from(options.limit).unwrap_or(i64::MAX);
        let connection = self.connection();
        let read = || -> rusqlite::Result<Vec<Entry>> {
            let mut statement = connection.prepare_cached(statement)?;
            let entries = statement.query_map((from, to, limit), |row| {
                let value = if options.keys_only {
                    Bytes::new()
                } else {
                    value_at(row, 1)?
                };
                Ok(Entry {
                    key: row.get(0)?,
                    value,
                })
            })?;
            entries.collect()
        };
        read().map_err(|error| self.failures.running(error))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed));
        let count = self.connections.len();
        let own = THREAD.with(|thread| thread % count);
        let free =
            (0..count).find_map(|offset| self.connections[(own + offset) % count].try_lock().ok());
        free.unwrap_or_else(|| {
            self.connections[own]
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        })
    }
}

fn value_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.get_ref(column)?.as_blob()?))
}
