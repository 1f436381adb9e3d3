//! Executions, their task runs and their indexes. All keys of an execution lie in the space of its partition.
//!
//! | key | value |
//! | --- | --- |
//! | `p07/x/{execution}` | header |
//! | `p07/r/{execution}/{number}` | task run |
//! | `p07/v/{execution}/{task run}` | the values of a loop |
//! | `p07/live/{execution}` | nothing; there while it is not over |
//! | `p07/it/{start}/{execution}` | summary, by time |
//! | `p07/if/{namespace}/{flow}/{start}/{execution}` | summary, by flow and time |

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use flowmill_common::execution::{Header, TaskRun, TaskRuns};
use flowmill_common::flow::Label;
use flowmill_common::id::partition_of;
use flowmill_common::{Execution, ExecutionId, StateType, TaskRunId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::partition::{Timer, remove_timer};
use crate::error::{Error, Kind, Result};
use crate::store::{Batch, RangeOptions, Store, prefix_end};

/// Reads and writes executions.
#[derive(Clone)]
pub struct Executions {
    store: Arc<dyn Store>,
    partitions: u16,
}

/// What lists, filters and sorting need of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: ExecutionId,
    /// The namespace of its flow.
    pub namespace: Arc<str>,
    /// Its flow.
    pub flow_id: Arc<str>,
    /// Its state.
    pub state: StateType,
    /// When it was created.
    pub start: Timestamp,
    /// When it ended, or was paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// Its labels.
    pub labels: Arc<Vec<Label>>,
    /// The execution that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_execution: Option<String>,
}

/// Which executions a search looks at before the caller's own filter.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Only this flow: namespace and id.
    pub flow: Option<(String, String)>,
    /// Only those created at or after this.
    pub from: Option<Timestamp>,
    /// Only those created before this.
    pub to: Option<Timestamp>,
}

impl Executions {
    /// Executions kept in this store, spread over so many partitions.
    pub fn new(store: Arc<dyn Store>, partitions: u16) -> Self {
        Self { store, partitions }
    }

    /// The partition that owns an execution.
    pub fn partition(&self, id: &ExecutionId) -> u16 {
        partition_of(id.as_str(), self.partitions)
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u16 {
        self.partitions
    }

    /// The header; `None` when there is no such execution.
    pub async fn header(&self, id: &ExecutionId) -> Result<Option<Header>> {
        let key = header_key(&space(self.partition(id)), id);
        self.store
            .get(&key)
            .await?
            .map(|bytes| decode(&key, &bytes))
            .transpose()
    }

    /// The whole execution; `None` when there is no such execution.
    pub async fn load(&self, id: &ExecutionId) -> Result<Option<Execution>> {
        let Some(header) = self.header(id).await? else {
            return Ok(None);
        };
        let space = space(self.partition(id));
        let mut runs = self
            .decode_range::<TaskRun>(&format!("{space}/r/{id}/"))
            .await?;
        // only loops have values
        let values = match runs.iter().any(|run| run.progress.is_some()) {
            true => self.range(&format!("{space}/v/{id}/")).await?,
            false => Vec::new(),
        };
        for entry in values {
            let owner = entry.key.rsplit('/').next().unwrap_or_default();
            let values: Vec<Value> = decode(&entry.key, &entry.value)?;
            let run = runs.iter_mut().find(|run| run.id.as_str() == owner);
            if let Some(progress) = run.and_then(|run| run.progress.as_mut()) {
                progress.values = Some(Arc::new(values));
            }
        }
        Ok(Some(Execution {
            header,
            runs: Arc::new(runs.into_iter().collect::<TaskRuns>()),
        }))
    }

    /// The summaries in scope that the filter keeps, newest first.
    pub async fn search(
        &self,
        scope: &Scope,
        keep: impl Fn(&Summary) -> bool,
    ) -> Result<Vec<Summary>> {
        let mut found = Vec::new();
        for partition in 0..self.partitions {
            let (from, to) = bounds(partition, scope);
            for entry in self
                .store
                .range(&from, &to, RangeOptions::default())
                .await?
            {
                let summary: Summary = decode(&entry.key, &entry.value)?;
                if keep(&summary) {
                    found.push(summary);
                }
            }
        }
        found.sort_by(|a, b| (b.start, &b.id).cmp(&(a.start, &a.id)));
        Ok(found)
    }

    /// One page of what [`search`](Self::search) gives, and how many there are in all. Never holds more than the page and what
    /// comes before it, however many executions there are.
    pub async fn search_page(
        &self,
        scope: &Scope,
        keep: impl Fn(&Summary) -> bool,
        skip: usize,
        limit: usize,
    ) -> Result<(Vec<Summary>, u64)> {
        const READ_AT_ONCE: usize = 4096;
        let wanted = skip.saturating_add(limit);
        let (mut newest, mut total) = (BTreeMap::new(), 0);
        for partition in 0..self.partitions {
            let (from, mut to) = bounds(partition, scope);
            loop {
                let options = RangeOptions {
                    limit: READ_AT_ONCE,
                    reverse: true,
                    ..RangeOptions::default()
                };
                let entries = self.store.range(&from, &to, options).await?;
                for entry in &entries {
                    let summary: Summary = decode(&entry.key, &entry.value)?;
                    if keep(&summary) {
                        total += 1;
                        newest.insert((summary.start, summary.id.clone()), summary);
                        if newest.len() > wanted {
                            newest.pop_first();
                        }
                    }
                }
                match entries.last() {
                    Some(last) if entries.len() == READ_AT_ONCE => to = last.key.clone(),
                    _ => break,
                }
            }
        }
        let page = newest.into_values().rev().skip(skip).collect();
        Ok((page, total))
    }

    /// The ids of a partition's executions that are not over.
    pub async fn live(&self, partition: u16) -> Result<Vec<ExecutionId>> {
        let prefix = format!("{}/live/", space(partition));
        let entries = self.range(&prefix).await?;
        Ok(entries
            .iter()
            .map(|entry| ExecutionId::from(&entry.key[prefix.len()..]))
            .collect())
    }

    /// Whether more may happen to an execution by itself: it was committed, and not yet as over.
    pub async fn is_live(&self, id: &ExecutionId) -> Result<bool> {
        let key = live_key(&space(self.partition(id)), id);
        Ok(self.store.get(&key).await?.is_some())
    }

    /// Removes an execution with its task runs, indexes and timers. Logs and files are the caller's.
    pub async fn delete(&self, id: &ExecutionId) -> Result<bool> {
        let Some(header) = self.header(id).await? else {
            return Ok(false);
        };
        let space = space(self.partition(id));
        let mut batch = Batch {
            deletes: index_keys(&space, &header),
            ..Batch::default()
        };
        batch
            .deletes
            .extend([header_key(&space, id), live_key(&space, id)]);
        let mut timers = vec![(header.schedule_date, None)];
        for entry in self.range(&format!("{space}/r/{id}/")).await? {
            let run: TaskRun = decode(&entry.key, &entry.value)?;
            timers.push((run.wake_at, Some(run.id)));
            batch.deletes.push(entry.key);
        }
        let values = self.range(&format!("{space}/v/{id}/")).await?;
        batch
            .deletes
            .extend(values.into_iter().map(|entry| entry.key));
        for (at, run) in timers {
            if let Some(at) = at {
                let timer = Timer {
                    at,
                    execution: id.clone(),
                    run,
                };
                remove_timer(&mut batch, self.partition(id), &timer);
            }
        }
        self.store.commit(batch).await?;
        Ok(true)
    }

    async fn range(&self, prefix: &str) -> Result<Vec<crate::store::Entry>> {
        self.store
            .range(prefix, &prefix_end(prefix), RangeOptions::default())
            .await
    }

    async fn decode_range<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>> {
        self.range(prefix)
            .await?
            .iter()
            .map(|entry| decode(&entry.key, &entry.value))
            .collect()
    }
}

/// Has a batch refused (`Conflict`) if this execution is there already.
pub fn expect_none(batch: &mut Batch, partition: u16, id: &ExecutionId) {
    batch
        .expects
        .push((header_key(&space(partition), id), None));
}

/// Adds a header to a batch, with the indexes that follow from it. `before` is what was committed last: what did not change
/// is not written again.
pub fn put_header(
    batch: &mut Batch,
    partition: u16,
    header: &Header,
    before: Option<&Header>,
    over: bool,
) -> Result<()> {
    let space = space(partition);
    batch
        .puts
        .push((header_key(&space, &header.id), encode(header)?));
    let (summary, old) = (summary(header), before.map(summary));
    if old.as_ref() != Some(&summary) {
        let value = encode(&summary)?;
        for key in index_keys(&space, header) {
            batch.puts.push((key, value.clone()));
        }
    }
    let live = live_key(&space, &header.id);
    // an execution that begins and ends in one commit never appears among the live ones
    if over && before.is_some() {
        batch.deletes.push(live);
    } else if !over && before.is_none() {
        batch.puts.push((live, Bytes::new()));
    }
    Ok(())
}

/// Adds a task run to a batch.
pub fn put_run(
    batch: &mut Batch,
    partition: u16,
    execution: &ExecutionId,
    run: &TaskRun,
) -> Result<()> {
    batch.puts.push((
        run_key(&space(partition), execution, run.number),
        encode(run)?,
    ));
    Ok(())
}

/// Adds the values of a loop to a batch.
pub fn put_values(
    batch: &mut Batch,
    partition: u16,
    execution: &ExecutionId,
    run: &TaskRunId,
    values: &[Value],
) -> Result<()> {
    batch.puts.push((
        format!("{}/v/{execution}/{run}", space(partition)),
        encode(&values)?,
    ));
    Ok(())
}

/// Adds the removal of a task run to a batch.
pub fn remove_run(batch: &mut Batch, partition: u16, execution: &ExecutionId, number: u64) {
    batch
        .deletes
        .push(run_key(&space(partition), execution, number));
}

/// The keys of the index that a scope is about: from, and before.
fn bounds(partition: u16, scope: &Scope) -> (String, String) {
    let space = space(partition);
    let prefix = match &scope.flow {
        Some((namespace, flow)) => format!("{space}/if/{namespace}/{flow}/"),
        None => format!("{space}/it/"),
    };
    let from = format!("{prefix}{}", scope.from.map_or(String::new(), time_key));
    let to = match scope.to {
        Some(to) => format!("{prefix}{}", time_key(to)),
        None => prefix_end(&prefix),
    };
    (from, to)
}

/// What lists show of an execution.
pub fn summary(header: &Header) -> Summary {
    let trigger_execution = header
        .trigger
        .as_ref()
        .and_then(|trigger| trigger.variables.get("executionId"));
    Summary {
        id: header.id.clone(),
        namespace: header.namespace.clone(),
        flow_id: header.flow_id.clone(),
        state: header.state.current(),
        start: header.state.start(),
        end: header.state.end(),
        labels: header.labels.clone(),
        trigger_execution: trigger_execution.and_then(Value::as_str).map(str::to_owned),
    }
}

/// The space of a partition: `p07`.
pub fn space(partition: u16) -> String {
    format!("p{partition:02}")
}

pub(crate) fn encode(value: &impl Serialize) -> Result<Bytes> {
    let bytes = serde_json::to_vec(value)
        .map_err(|error| Error::with_source(Kind::Internal, "cannot encode", error))?;
    Ok(bytes.into())
}

pub(crate) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::with_source(
            Kind::Internal,
            format!("what is stored under `{key}` cannot be read"),
            error,
        )
    })
}

fn header_key(space: &str, id: &ExecutionId) -> String {
    format!("{space}/x/{id}")
}

fn run_key(space: &str, execution: &ExecutionId, number: u64) -> String {
    format!("{space}/r/{execution}/{number:010}")
}

fn live_key(space: &str, id: &ExecutionId) -> String {
    format!("{space}/live/{id}")
}

fn index_keys(space: &str, header: &Header) -> Vec<String> {
    let (time, id) = (time_key(header.state.start()), &header.id);
    vec![
        format!("{space}/it/{time}/{id}"),
        format!(
            "{space}/if/{}/{}/{time}/{id}",
            header.namespace, header.flow_id
        ),
    ]
}

fn time_key(at: Timestamp) -> String {
    format!("{:017}", at.as_micros().max(0))
}
