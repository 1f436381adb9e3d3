//! The logs of executions, in compressed chunks: one row per batch of lines and one small row that finds it by time.
//!
//! | key | value |
//! | --- | --- |
//! | `p07/log/{execution}/{first}-{unique}` | a chunk: the lines of one batch |
//! | `p07/lt/{last}/{execution}/{first}-{unique}` | what the chunk holds: flow, lines per level |
//!
//! `first` and `last` are the times of the chunk's oldest and newest line. A log storm makes more chunks, never bigger ones.

mod chunk;
mod follow;
mod read;
mod search;

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flowmill_common::id::partition_of;
use flowmill_common::log::{Level, LogLine};
use flowmill_common::{ExecutionId, TaskRunId};

pub use self::chunk::{Contents, Entry};
pub use self::follow::Follower;
pub use self::read::Reader;
pub use self::search::{Found, KeepLine, Order, Query};
use super::executions::space;
use crate::error::Result;
use crate::store::{Batch, RangeOptions, Store, prefix_end};

/// Reads and writes logs.
#[derive(Clone)]
pub struct Logs {
    store: Arc<dyn Store>,
    partitions: u16,
    writer: Arc<Writer>,
}

/// Gives chunks names that no other writer gives.
struct Writer {
    id: u64,
    next: AtomicU64,
}

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The execution.
    pub execution: ExecutionId,
    /// The namespace of its flow.
    pub namespace: Arc<str>,
    /// Its flow.
    pub flow_id: Arc<str>,
}

/// Which lines of one execution's log are wanted. The default wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The least level; none: all.
    pub min_level: Option<Level>,
    /// Only those of this task.
    pub task: Option<String>,
    /// Only those of this task run.
    pub run: Option<TaskRunId>,
    /// Only those of this attempt, from 0.
    pub attempt: Option<u32>,
}

impl Filter {
    /// Whether every line is wanted.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this line is wanted.
    pub fn keeps(&self, line: &LogLine) -> bool {
        self.min_level.is_none_or(|least| line.level >= least)
            && self
                .task
                .as_ref()
                .is_none_or(|task| line.task_id.as_deref() == Some(task))
            && self
                .run
                .as_ref()
                .is_none_or(|run| line.task_run.as_ref() == Some(run))
            && self.attempt.is_none_or(|attempt| line.attempt == attempt)
    }
}

impl Logs {
    /// Logs kept in this store, whose executions are spread over so many partitions.
    pub fn new(store: Arc<dyn Store>, partitions: u16) -> Self {
        let id = std::hash::RandomState::new().build_hasher().finish();
        Self {
            store,
            partitions,
            writer: Arc::new(Writer {
                id,
                next: AtomicU64::new(0),
            }),
        }
    }

    /// Stores lines; durable when it returns. The lines of one call are kept in their order, those of several writers are read
    /// back by time. Called again after `Unavailable`, lines may be there twice: use [`rows`](Self::rows) to repeat safely.
    pub async fn append(&self, origin: &Origin, lines: &[LogLine]) -> Result<()> {
        let puts = self.rows(origin, lines)?;
        if puts.is_empty() {
            return Ok(());
        }
        self.store
            .commit(Batch {
                puts,
                ..Batch::default()
            })
            .await
    }

    /// The rows that store these lines, for a commit of the caller's own: all lie in the space of the execution's partition.
    pub fn rows(&self, origin: &Origin, lines: &[LogLine]) -> Result<Vec<(String, Bytes)>> {
        let space = self.space(&origin.execution);
        let mut rows = Vec::new();
        for lines in chunk::split(lines) {
            let unique = format!(
                "{:016x}{:x}",
                self.writer.id,
                self.writer.next.fetch_add(1, Ordering::Relaxed)
            );
            rows.extend(chunk::rows(&space, origin, &unique, lines)?);
        }
        Ok(rows)
    }

    /// Reads one execution's log by time, chunk by chunk.
    pub fn read(&self, execution: &ExecutionId, filter: Filter) -> Reader {
        Reader::new(self.store.clone(), self.chunks_of(execution), filter)
    }

    /// Reads one execution's log as it grows: what is there first, then what comes.
    pub fn follow(&self, execution: &ExecutionId, filter: Filter) -> Follower {
        Follower::new(self.store.clone(), self.chunks_of(execution), filter)
    }

    /// Removes the lines of one execution that the filter wants.
    pub async fn delete(&self, execution: &ExecutionId, filter: &Filter) -> Result<()> {
        let prefix = self.chunks_of(execution);
        loop {
            let options = RangeOptions {
                limit: chunk::READ_AHEAD,
                ..RangeOptions::default()
            };
            let mut batch = Batch::default();
            let mut from = prefix.clone();
            loop {
                let entries = self
                    .store
                    .range(&from, &prefix_end(&prefix), options)
                    .await?;
                let Some(last) = entries.last() else { break };
                from = format!("{}\0", last.key);
                for entry in &entries {
                    self.thin(execution, filter, entry, &mut batch)?;
                }
                if batch.weight() > chunk::LARGEST {
                    break;
                }
            }
            if batch.is_empty() {
                return Ok(());
            }
            self.store.commit(batch).await?;
        }
    }

    /// Adds to a batch what replaces this chunk by one without the lines that the filter wants; nothing if it has none.
    fn thin(
        &self,
        execution: &ExecutionId,
        filter: &Filter,
        entry: &crate::store::Entry,
        batch: &mut Batch,
    ) -> Result<()> {
        let chunk = chunk::decode(&entry.key, &entry.value)?;
        let mut lines = chunk.lines;
        let before = lines.len();
        let newest = lines.iter().map(|line| line.at).max().unwrap_or_default();
        lines.retain(|line| !filter.keeps(line));
        if lines.len() == before {
            return Ok(());
        }
        batch.deletes.push(entry.key.clone());
        batch
            .deletes
            .push(chunk::time_row(&self.space(execution), newest, &entry.key));
        let origin = Origin {
            execution: execution.clone(),
            namespace: chunk.namespace,
            flow_id: chunk.flow_id,
        };
        batch.puts.extend(self.rows(&origin, &lines)?);
        Ok(())
    }

    fn chunks_of(&self, execution: &ExecutionId) -> String {
        format!("{}/log/{execution}/", self.space(execution))
    }

    fn space(&self, execution: &ExecutionId) -> String {
        space(partition_of(execution.as_str(), self.partitions))
    }
}

#[cfg(test)]
mod tests;
