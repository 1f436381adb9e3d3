//! Gathers the lines and measurements of all attempts, and stores them in batches beside the state, never in its way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use flowmill_backends::queue::{Message, Topic};
use flowmill_backends::repo::logs::{Logs, Origin};
use flowmill_backends::repo::metrics::{Measured, Metrics};
use flowmill_backends::store::Batch;
use flowmill_backends::{Queue, Store};
use flowmill_common::ExecutionId;
use flowmill_common::id::partition_of;
use flowmill_common::job::Changed;
use flowmill_common::log::{Level, LogLine};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::config::LogConfig;

/// Rough cost of a line in memory beside its text.
const LINE_COST: u64 = 200;
/// One commit is at most about this large, in bytes.
const LARGEST_COMMIT: usize = 8 << 20;
/// The longest wait between two tries while the store does not answer.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Takes lines from everywhere. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LogSink(Arc<Inner>);

struct Inner {
    limits: LogConfig,
    waiting: Mutex<Waiting>,
    arrived: Notify,
    hurry: Notify,
    stored: watch::Sender<u64>,
}

#[derive(Default)]
struct Waiting {
    lines: HashMap<ExecutionId, (Arc<Origin>, Vec<LogLine>)>,
    measured: Vec<Measured>,
    bytes: u64,
    /// Grows with each line: what was taken when it was this number is stored when `stored` is at least it.
    number: u64,
}

/// Whether a line found room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    Yes,
    No,
}

/// Where the lines go.
pub(crate) struct Target {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) partitions: u16,
}

impl LogSink {
    pub(crate) fn new(limits: LogConfig) -> Self {
        let (stored, _) = watch::channel(0);
        Self(Arc::new(Inner {
            limits,
            waiting: Mutex::default(),
            arrived: Notify::new(),
            hurry: Notify::new(),
            stored,
        }))
    }

    /// Takes a line in, if there is room.
    pub(crate) fn push(&self, origin: &Arc<Origin>, line: LogLine) -> Accepted {
        let limit = self.0.limits.buffer.get();
        let limit = if line.level == Level::Error {
            limit + limit / 10
        } else {
            limit
        };
        let cost = line.message.len() as u64 + LINE_COST;
        let mut waiting = self.lock();
        if waiting.bytes + cost > limit {
            return Accepted::No;
        }
        waiting.bytes += cost;
        waiting.number += 1;
        let lines = waiting
            .lines
            .entry(origin.execution.clone())
            .or_insert_with(|| (origin.clone(), Vec::new()));
        lines.1.push(line);
        let is_much = waiting.bytes > limit / 4;
        drop(waiting);
        self.0.arrived.notify_one();
        if is_much {
            self.0.hurry.notify_one();
        }
        Accepted::Yes
    }

    /// Takes in what an attempt measured.
    pub(crate) fn measured(&self, measured: Measured) {
        let mut waiting = self.lock();
        waiting.bytes += measured.metrics.len() as u64 * LINE_COST;
        waiting.number += 1;
        waiting.measured.push(measured);
        drop(waiting);
        self.0.arrived.notify_one();
    }

    /// Waits until what was taken in so far is stored, but not for ever.
    pub(crate) async fn flush(&self, longest: Duration) {
        let number = self.lock().number;
        let mut stored = self.0.stored.subscribe();
        self.0.hurry.notify_one();
        // a log that cannot be stored now must not hold up the state
        let _ = tokio::time::timeout(longest, stored.wait_for(|stored| *stored >= number)).await;
    }

    /// Stores what comes in, until `shutdown` and nothing is left.
    pub(crate) async fn run(self, target: Target, shutdown: CancellationToken) {
        let logs = Logs::new(target.store.clone(), target.partitions);
        let metrics = Metrics::new(target.store.clone(), target.partitions);
        loop {
            tokio::select! {
                () = self.0.arrived.notified() => {}
                () = shutdown.cancelled() => {}
            }
            tokio::select! {
                () = tokio::time::sleep(self.0.limits.gather) => {}
                () = self.0.hurry.notified() => {}
                () = shutdown.cancelled() => {}
            }
            let is_last = shutdown.is_cancelled();
            let taken = self.take();
            let (number, bytes) = (taken.number, taken.bytes);
            self.store(&target, &logs, &metrics, taken, &shutdown).await;
            self.lock().bytes -= bytes;
            self.0.stored.send_replace(number);
            if is_last && self.lock().number == number {
                return;
            }
        }
    }

    /// What is waiting; it takes its room until it is stored.
    fn take(&self) -> Waiting {
        let mut waiting = self.lock();
        let (number, bytes) = (waiting.number, waiting.bytes);
        let taken = std::mem::take(&mut *waiting);
        (waiting.number, waiting.bytes) = (number, bytes);
        taken
    }

    async fn store(
        &self,
        target: &Target,
        logs: &Logs,
        metrics: &Metrics,
        taken: Waiting,
        shutdown: &CancellationToken,
    ) {
        let mut batches: HashMap<u16, Batch> = HashMap::new();
        let mut logged = Vec::new();
        for (execution, (origin, lines)) in taken.lines {
            let batch = batches
                .entry(partition_of(execution.as_str(), target.partitions))
                .or_default();
            add(batch, logs.rows(&origin, &lines), "log lines");
            logged.push(execution);
            if batch.weight() > LARGEST_COMMIT {
                commit(&*target.store, std::mem::take(batch), shutdown).await;
            }
        }
        for measured in &taken.measured {
            let batch = batches
                .entry(partition_of(measured.execution.as_str(), target.partitions))
                .or_default();
            add(batch, metrics.rows(measured), "measurements");
        }
        for (_, batch) in batches {
            commit(&*target.store, batch, shutdown).await;
        }
        announce(&*target.queue, logged).await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> Vec<LogLine> {
        self.lock()
            .lines
            .values()
            .flat_map(|(_, lines)| lines.clone())
            .collect()
    }
}

fn add(
    batch: &mut Batch,
    rows: flowmill_backends::Result<impl IntoIterator<Item = (String, Bytes)>>,
    what: &str,
) {
    match rows {
        Ok(rows) => batch.puts.extend(rows),
        Err(error) => tracing::error!(%error, "{what} could not be packed and are lost"),
    }
}

/// Commits, again and again while the store does not answer; at shutdown only once.
async fn commit(store: &dyn Store, batch: Batch, shutdown: &CancellationToken) {
    if batch.is_empty() {
        return;
    }
    let mut wait = Duration::from_millis(50);
    loop {
        match store.commit(batch.clone()).await {
            Ok(()) => return,
            Err(error) if error.is_retryable() && !shutdown.is_cancelled() => {
                tracing::warn!(%error, "log lines wait for the store");
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = shutdown.cancelled() => {}
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) => {
                tracing::error!(%error, rows = batch.puts.len(), "log lines could not be stored and are lost");
                return;
            }
        }
    }
}

/// Tells those who follow the logs.
async fn announce(queue: &dyn Queue, executions: Vec<ExecutionId>) {
    if executions.is_empty() {
        return;
    }
    let changes = executions.into_iter().map(|execution| Changed {
        execution,
        version: 0,
        ended: false,
        logged: true,
    });
    let body = serde_json::to_vec(&changes.collect::<Vec<_>>())
        .expect("changes are plain data, which JSON can hold");
    let message = Message {
        id: "logged".to_owned(),
        body: body.into(),
    };
    if let Err(error) = queue.publish(&Topic::Changes, vec![message]).await {
        tracing::debug!(%error, "nobody could be told of new log lines");
    }
}
