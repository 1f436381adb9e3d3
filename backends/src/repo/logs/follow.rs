//! One execution's log as it grows.

use std::collections::BTreeSet;
use std::sync::Arc;

use flowmill_common::Timestamp;
use flowmill_common::log::LogLine;

use super::{Filter, chunk};
use crate::error::Result;
use crate::store::{RangeOptions, Store, prefix_end};

/// Chunks may appear later than chunks with younger lines by at most this much: a writer's batch plus the difference of two
/// machines' clocks.
const OVERLAP: std::time::Duration = std::time::Duration::from_secs(300);

/// Gives what is stored, then what has come since.
pub struct Follower {
    store: Arc<dyn Store>,
    prefix: String,
    filter: Filter,
    /// The keys of the chunks that were given, of the last [`OVERLAP`].
    seen: BTreeSet<String>,
    newest: Timestamp,
}

impl Follower {
    pub(super) fn new(store: Arc<dyn Store>, prefix: String, filter: Filter) -> Self {
        Self {
            store,
            prefix,
            filter,
            seen: BTreeSet::new(),
            newest: Timestamp::default(),
        }
    }

    /// Lines that were not given yet, by time; at most those of a few chunks. `None` when there is nothing new: ask again when
    /// the execution has logged.
    pub async fn more(&mut self) -> Result<Option<Vec<LogLine>>> {
        let fresh = self.fresh().await?;
        if fresh.is_empty() {
            return Ok(None);
        }
        let mut lines = Vec::new();
        for key in fresh {
            // one that is gone was deleted meanwhile
            if let Some(bytes) = self.store.get(&key).await? {
                lines.extend(chunk::decode(&key, &bytes)?.lines);
            }
            self.newest = self.newest.max(chunk::first_line(&key));
            self.seen.insert(key);
        }
        let floor = self.floor();
        self.seen = self.seen.split_off(&floor);
        lines.retain(|line| self.filter.keeps(line));
        lines.sort_by_key(|line| line.at);
        Ok(Some(lines))
    }

    async fn fresh(&self) -> Result<Vec<String>> {
        let mut fresh = Vec::new();
        let mut from = self.floor();
        let options = RangeOptions {
            limit: 256,
            keys_only: true,
            ..RangeOptions::default()
        };
        loop {
            let entries = self
                .store
                .range(&from, &prefix_end(&self.prefix), options)
                .await?;
            let Some(last) = entries.last() else {
                return Ok(fresh);
            };
            from = format!("{}\0", last.key);
            fresh.extend(
                entries
                    .into_iter()
                    .map(|entry| entry.key)
                    .filter(|key| !self.seen.contains(key)),
            );
            if fresh.len() >= chunk::READ_AHEAD {
                fresh.truncate(chunk::READ_AHEAD);
                return Ok(fresh);
            }
        }
    }

    fn floor(&self) -> String {
        let micros = self.newest.as_micros() - OVERLAP.as_micros() as i64;
        format!(
            "{}{}",
            self.prefix,
            chunk::time_key(Timestamp::from_micros(micros))
        )
    }
}
