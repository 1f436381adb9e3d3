//! One execution's log by time, without holding all of it.

use std::sync::Arc;

use flowmill_common::log::LogLine;

use super::{Filter, chunk};
use crate::error::Result;
use crate::store::{RangeOptions, Store, prefix_end};

/// Gives the lines of one execution in the order of their times, a batch at a time.
pub struct Reader {
    store: Arc<dyn Store>,
    from: String,
    to: String,
    filter: Filter,
    /// Lines that a later chunk may still have older ones than.
    held: Vec<LogLine>,
    at_end: bool,
}

impl Reader {
    pub(super) fn new(store: Arc<dyn Store>, prefix: String, filter: Filter) -> Self {
        Self {
            store,
            to: prefix_end(&prefix),
            from: prefix,
            filter,
            held: Vec::new(),
            at_end: false,
        }
    }

    /// The next lines; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<LogLine>>> {
        while !self.at_end {
            let options = RangeOptions {
                limit: chunk::READ_AHEAD,
                ..RangeOptions::default()
            };
            let entries = self.store.range(&self.from, &self.to, options).await?;
            self.at_end = entries.len() < chunk::READ_AHEAD;
            for entry in &entries {
                let lines = chunk::decode(&entry.key, &entry.value)?.lines;
                self.held
                    .extend(lines.into_iter().filter(|line| self.filter.keeps(line)));
            }
            // stable: lines of one time stay in the order they were written in
            self.held.sort_by_key(|line| line.at);
            let Some(last) = entries.last() else { break };
            self.from = format!("{}\0", last.key);
            if self.at_end {
                break;
            }
            // what is to come is not older than the oldest line of the last chunk
            let settled = chunk::first_line(&last.key);
            let count = self.held.partition_point(|line| line.at < settled);
            if count > 0 {
                return Ok(Some(self.held.drain(..count).collect()));
            }
        }
        let rest = std::mem::take(&mut self.held);
        Ok((!rest.is_empty()).then_some(rest))
    }

    /// All the lines that are left.
    pub async fn all(mut self) -> Result<Vec<LogLine>> {
        let mut all = Vec::new();
        while let Some(lines) = self.next().await? {
            all.extend(lines);
        }
        Ok(all)
    }
}
