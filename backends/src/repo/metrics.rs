//! What tasks measured: one row per ended attempt, once under its execution and once under its flow and time.
//!
//! | key | value |
//! | --- | --- |
//! | `p07/m/{execution}/{at}-{task run}-{attempt}` | measurements of an attempt |
//! | `p07/mf/{namespace}/{flow}/{at}/{execution}-{task run}-{attempt}` | the same |

use std::sync::Arc;

use bytes::Bytes;
use flowmill_common::id::partition_of;
use flowmill_common::log::Metric;
use flowmill_common::{ExecutionId, TaskRunId, Timestamp};
use serde::{Deserialize, Serialize};

use super::executions::{decode, encode, space};
use crate::error::Result;
use crate::store::{Batch, RangeOptions, Store, prefix_end};

/// Reads and writes measurements.
#[derive(Clone)]
pub struct Metrics {
    store: Arc<dyn Store>,
    partitions: u16,
}

/// What one attempt measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The execution.
    pub execution: ExecutionId,
    /// The namespace of its flow.
    pub namespace: Arc<str>,
    /// Its flow.
    pub flow_id: Arc<str>,
    /// The task.
    pub task_id: Arc<str>,
    /// The task run.
    pub task_run: TaskRunId,
    /// The attempt, from 0.
    pub attempt: u32,
    /// When the attempt ended.
    pub at: Timestamp,
    /// The measurements, in the order they were published.
    pub metrics: Vec<Metric>,
}

impl Metrics {
    /// Measurements kept in this store, whose executions are spread over so many partitions.
    pub fn new(store: Arc<dyn Store>, partitions: u16) -> Self {
        Self { store, partitions }
    }

    /// Stores what an attempt measured. The same attempt again replaces it.
    pub async fn put(&self, measured: &Measured) -> Result<()> {
        let puts = self.rows(measured)?.into();
        self.store
            .commit(Batch {
                puts,
                ..Batch::default()
            })
            .await
    }

    /// The rows that store it, for a commit of the caller's own: both lie in the space of the execution's partition.
    pub fn rows(&self, measured: &Measured) -> Result<[(String, Bytes); 2]> {
        let value = encode(measured)?;
        Ok(self.keys(measured).map(|key| (key, value.clone())))
    }

    /// What an execution measured, by time.
    pub async fn of_execution(&self, execution: &ExecutionId) -> Result<Vec<Measured>> {
        let space = space(partition_of(execution.as_str(), self.partitions));
        let prefix = format!("{space}/m/{execution}/");
        let entries = self
            .store
            .range(&prefix, &prefix_end(&prefix), RangeOptions::default())
            .await?;
        entries
            .iter()
            .map(|entry| decode(&entry.key, &entry.value))
            .collect()
    }

    /// What the executions of a flow measured from `from` until before `to`; at most `limit` attempts of each partition, the
    /// newest ones.
    pub async fn of_flow(
        &self,
        namespace: &str,
        flow: &str,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Measured>> {
        let mut found: Vec<Measured> = Vec::new();
        for partition in 0..self.partitions {
            let prefix = format!("{}/mf/{namespace}/{flow}/", space(partition));
            let (from, to) = (
                format!("{prefix}{}", time_key(from)),
                format!("{prefix}{}", time_key(to)),
            );
            let options = RangeOptions {
                limit,
                reverse: true,
                ..RangeOptions::default()
            };
            for entry in self.store.range(&from, &to, options).await? {
                found.push(decode(&entry.key, &entry.value)?);
            }
        }
        found.sort_by_key(|measured| measured.at);
        Ok(found)
    }

    /// Removes what an execution measured.
    pub async fn delete(&self, execution: &ExecutionId) -> Result<()> {
        let measured = self.of_execution(execution).await?;
        let deletes: Vec<_> = measured
            .iter()
            .flat_map(|measured| self.keys(measured))
            .collect();
        if deletes.is_empty() {
            return Ok(());
        }
        self.store
            .commit(Batch {
                deletes,
                ..Batch::default()
            })
            .await
    }

    fn keys(&self, measured: &Measured) -> [String; 2] {
        let Measured {
            execution,
            namespace,
            flow_id,
            task_run,
            attempt,
            at,
            ..
        } = measured;
        let space = space(partition_of(execution.as_str(), self.partitions));
        let at = time_key(*at);
        [
            format!("{space}/m/{execution}/{at}-{task_run}-{attempt}"),
            format!("{space}/mf/{namespace}/{flow_id}/{at}/{execution}-{task_run}-{attempt}"),
        ]
    }
}

fn time_key(at: Timestamp) -> String {
    format!("{:017}", at.as_micros().max(0))
}

#[cfg(test)]
mod tests {
    use flowmill_common::log::MetricKind;

    use super::*;
    use crate::store::embedded::{Config, EmbeddedStore};

    fn measured(execution: &str, run: &str, at: i64) -> Measured {
        let metric = Metric {
            name: "rows".into(),
            kind: MetricKind::Counter,
            value: 3.0,
            tags: serde_json::Map::new(),
        };
        Measured {
            execution: execution.into(),
            namespace: "a.b".into(),
            flow_id: "f".into(),
            task_id: "t".into(),
            task_run: run.into(),
            attempt: 0,
            at: Timestamp::from_micros(at),
            metrics: vec![metric],
        }
    }

    #[tokio::test]
    async fn measurements_are_found_by_execution_and_by_flow_and_time_until_they_are_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path(), &Config::default()).unwrap();
        let metrics = Metrics::new(Arc::new(store), 16);
        let (first, second, other) = (
            measured("x", "r1", 20),
            measured("x", "r0", 10),
            measured("y", "r", 15),
        );
        for one in [&first, &second, &other, &first] {
            metrics.put(one).await.unwrap();
        }
        assert_eq!(
            metrics.of_execution(&"x".into()).await.unwrap(),
            [second.clone(), first.clone()]
        );
        let between = async |from, to| {
            let (from, to) = (Timestamp::from_micros(from), Timestamp::from_micros(to));
            metrics.of_flow("a.b", "f", from, to, 100).await.unwrap()
        };
        assert_eq!(between(0, 20).await, [second, other.clone()]);
        metrics.delete(&"x".into()).await.unwrap();
        assert_eq!(between(0, 100).await, [other]);
    }
}
