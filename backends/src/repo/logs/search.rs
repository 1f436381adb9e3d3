//! Lines of all executions by time, over the rows that find chunks by time.

use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use flowmill_common::log::{Level, LogLine};
use flowmill_common::{ExecutionId, Timestamp};

use super::chunk::{self, Contents, Entry};
use super::{Logs, Origin};
use crate::error::Result;
use crate::repo::executions::{decode, space};
use crate::store::{RangeOptions, Store, prefix_end};

/// How many rows of one partition are read at once.
const PAGE: usize = 256;

/// What is searched for.
pub struct Query<'a> {
    /// Which end comes first.
    pub order: Order,
    /// Only lines at or after this.
    pub from: Option<Timestamp>,
    /// Only lines before this.
    pub to: Option<Timestamp>,
    /// The least level.
    pub min_level: Level,
    /// Which executions.
    pub keep_origin: &'a (dyn Fn(&Origin) -> bool + Sync),
    /// Which lines, beyond the above; none: all.
    pub keep_line: Option<&'a KeepLine<'a>>,
    /// So many matches are passed over.
    pub skip: usize,
    /// At most so many are given.
    pub limit: usize,
    /// At most so many chunks are looked at, so that no search costs more than this.
    pub most_chunks: usize,
}

/// Whether a line is wanted.
pub type KeepLine<'a> = dyn Fn(&Origin, &LogLine) -> bool + Sync + 'a;

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest line.
    NewestFirst,
    /// The oldest line.
    OldestFirst,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The wanted page.
    pub entries: Vec<Entry>,
    /// How many lines match.
    pub total: u64,
    /// The search stopped before it had looked at every chunk: there may be more than `total`.
    pub cut: bool,
}

impl Logs {
    /// Searches the logs of all executions by time.
    pub async fn search(&self, query: &Query<'_>) -> Result<Found> {
        let mut cursors = Vec::new();
        for partition in 0..self.partitions {
            cursors.push(Cursor::new(&space(partition), query));
        }
        let mut merge = Merge {
            query,
            held: BinaryHeap::new(),
            found: Found::default(),
            passed: 0,
            arrivals: 0,
        };
        let mut looked_at = 0;
        loop {
            let Some(row) = next_row(&mut cursors, self.store.as_ref(), query.order).await? else {
                break;
            };
            if looked_at == query.most_chunks {
                merge.found.cut = true;
                break;
            }
            looked_at += 1;
            merge.settle(Some(row.last));
            self.look_at(row, &mut merge).await?;
        }
        merge.settle(None);
        Ok(merge.found)
    }

    async fn look_at(&self, row: Row, merge: &mut Merge<'_>) -> Result<()> {
        let query = merge.query;
        let origin = Origin {
            execution: row.execution,
            namespace: row.contents.namespace.clone(),
            flow_id: row.contents.flow_id.clone(),
        };
        let candidates = row.contents.at_least(query.min_level);
        if candidates == 0 || !(query.keep_origin)(&origin) {
            return Ok(());
        }
        let wholly_inside = query
            .from
            .is_none_or(|from| chunk::first_line(&row.chunk) >= from)
            && query.to.is_none_or(|to| row.last < to);
        if merge.is_full() && wholly_inside && query.keep_line.is_none() {
            merge.found.total += candidates;
            return Ok(());
        }
        let Some(bytes) = self.store.get(&row.chunk).await? else {
            return Ok(());
        };
        let origin = Arc::new(origin);
        for line in chunk::decode(&row.chunk, &bytes)?.lines {
            let wanted = line.level >= query.min_level
                && query.from.is_none_or(|from| line.at >= from)
                && query.to.is_none_or(|to| line.at < to)
                && query.keep_line.is_none_or(|keep| keep(&origin, &line));
            if wanted {
                merge.add(&origin, line);
            }
        }
        Ok(())
    }
}

/// A row that finds a chunk.
struct Row {
    last: Timestamp,
    execution: ExecutionId,
    chunk: String,
    contents: Contents,
}

/// The rows of one partition, a page at a time.
struct Cursor {
    from: String,
    to: String,
    order: Order,
    rows: VecDeque<Row>,
    at_end: bool,
}

impl Cursor {
    fn new(space: &str, query: &Query<'_>) -> Self {
        let prefix = format!("{space}/lt/");
        let from = query.from.map_or_else(
            || prefix.clone(),
            |from| format!("{prefix}{}", chunk::time_key(from)),
        );
        // a chunk whose newest line is later may have lines in time
        let latest = query
            .to
            .map(|to| Timestamp::from_micros(to.as_micros().saturating_add(chunk::LONGEST)));
        let to = latest.map_or_else(
            || prefix_end(&prefix),
            |to| format!("{prefix}{}", chunk::time_key(to)),
        );
        Self {
            from,
            to,
            order: query.order,
            rows: VecDeque::new(),
            at_end: false,
        }
    }

    async fn peek(&mut self, store: &dyn Store) -> Result<Option<Timestamp>> {
        if self.rows.is_empty() && !self.at_end {
            let reverse = self.order == Order::NewestFirst;
            let options = RangeOptions {
                limit: PAGE,
                reverse,
                ..RangeOptions::default()
            };
            let entries = store.range(&self.from, &self.to, options).await?;
            self.at_end = entries.len() < PAGE;
            if let Some(last) = entries.last() {
                match self.order {
                    Order::NewestFirst => self.to = last.key.clone(),
                    Order::OldestFirst => self.from = format!("{}\0", last.key),
                }
            }
            for entry in entries {
                let (last, execution, chunk) = chunk::read_time_row(&entry.key)?;
                self.rows.push_back(Row {
                    last,
                    execution,
                    chunk,
                    contents: decode(&entry.key, &entry.value)?,
                });
            }
        }
        Ok(self.rows.front().map(|row| row.last))
    }
}

async fn next_row(cursors: &mut [Cursor], store: &dyn Store, order: Order) -> Result<Option<Row>> {
    let mut best: Option<(Timestamp, usize)> = None;
    for (index, cursor) in cursors.iter_mut().enumerate() {
        let Some(last) = cursor.peek(store).await? else {
            continue;
        };
        let better = match (order, best) {
            (_, None) => true,
            (Order::NewestFirst, Some((present, _))) => last > present,
            (Order::OldestFirst, Some((present, _))) => last < present,
        };
        if better {
            best = Some((last, index));
        }
    }
    Ok(best.and_then(|(_, index)| cursors[index].rows.pop_front()))
}

/// Puts the lines of overlapping chunks into one order, and keeps the wanted page of them.
struct Merge<'a> {
    query: &'a Query<'a>,
    /// The line that comes first is on top.
    held: BinaryHeap<Held>,
    found: Found,
    passed: usize,
    arrivals: u64,
}

struct Held {
    rank: i64,
    arrival: std::cmp::Reverse<u64>,
    origin: Arc<Origin>,
    line: LogLine,
}

impl Merge<'_> {
    fn is_full(&self) -> bool {
        self.found.entries.len() >= self.query.limit
    }

    fn add(&mut self, origin: &Arc<Origin>, line: LogLine) {
        self.found.total += 1;
        if self.is_full() {
            return;
        }
        let micros = line.at.as_micros();
        let rank = if self.query.order == Order::NewestFirst {
            micros
        } else {
            -micros
        };
        self.arrivals += 1;
        // lines of one time are given in the order they were written in, or in its reverse
        let arrival = if self.query.order == Order::NewestFirst {
            u64::MAX - self.arrivals
        } else {
            self.arrivals
        };
        self.held.push(Held {
            rank,
            arrival: std::cmp::Reverse(arrival),
            origin: origin.clone(),
            line,
        });
    }

    /// Gives the lines that nothing can come before any more, now that a chunk with this newest line follows.
    fn settle(&mut self, next: Option<Timestamp>) {
        let settled = next.map(|next| match self.query.order {
            Order::NewestFirst => next.as_micros(),
            Order::OldestFirst => -(next.as_micros() - chunk::LONGEST),
        });
        while !self.is_full()
            && self
                .held
                .peek()
                .is_some_and(|held| settled.is_none_or(|settled| held.rank > settled))
        {
            let Some(held) = self.held.pop() else { return };
            if self.passed < self.query.skip {
                self.passed += 1;
            } else {
                self.found.entries.push(Entry {
                    origin: (*held.origin).clone(),
                    line: held.line,
                });
            }
        }
        if self.is_full() {
            self.held.clear();
        }
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.rank, self.arrival).cmp(&(other.rank, other.arrival))
    }
}
