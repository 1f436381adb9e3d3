use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{mpsc, oneshot};

use super::config::Config;
use super::failure::Failures;
use super::wal::Wal;
use crate::error::{Error, Kind, Result};
use crate::health::Probe;
use crate::store::Batch;

/// The writer's thread, seen from outside.
pub(super) struct Writer {
    requests: Mutex<Option<mpsc::Sender<Request>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    transactions: Arc<AtomicU64>,
}

struct Request {
    batch: Batch,
    since: Instant,
    reply: oneshot::Sender<Result<()>>,
}

impl Writer {
    pub(super) fn start(
        mut connection: Connection,
        checkpoint: Connection,
        database: &Path,
        config: &Config,
        failures: Failures,
        probe: Probe,
    ) -> Result<Self> {
        let (sender, requests) = mpsc::channel(config.waiting_commits.max(1));
        let transactions = Arc::new(AtomicU64::new(0));
        let writing = Writing {
            wal: Wal::watch(&mut connection, checkpoint, database, config)
                .map_err(|error| failures.opening(error))?,
            connection,
            requests,
            group_commits: config.group_commits.max(1),
            group_size: config.group_size.as_usize(),
            failures,
            probe,
            transactions: transactions.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writing.run())
            .map_err(|error| {
                Error::with_source(Kind::Internal, "cannot start the writer thread", error)
            })?;
        Ok(Self {
            requests: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
            transactions,
        })
    }

    /// Applies a batch. Once it has been handed over it is applied even if the caller goes away.
    pub(super) async fn commit(&self, batch: Batch) -> Result<()> {
        let sender = self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (reply, answer) = oneshot::channel();
        let request = Request {
            batch,
            since: Instant::now(),
            reply,
        };
        match sender {
            Some(sender) => sender.send(request).await.map_err(|_| closed())?,
            None => return Err(closed()),
        }
        answer.await.map_err(|_| closed())?
    }

    pub(super) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Takes no further commits; what it returns waits until the last ones are done.
    pub(super) fn close(&self) -> impl FnOnce() + Send + 'static {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        move || {
            if let Some(thread) = thread {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close()();
    }
}

fn closed() -> Error {
    Error::new(Kind::Unavailable, "the store is closed")
}

/// The writer's thread, seen from inside.
struct Writing {
    connection: Connection,
    requests: mpsc::Receiver<Request>,
    group_commits: usize,
    group_size: usize,
    wal: Wal,
    failures: Failures,
    probe: Probe,
    transactions: Arc<AtomicU64>,
}

impl Writing {
    fn run(mut self) {
        while let Some(first) = self.next() {
            let mut weight = first.batch.weight();
            let mut group = vec![first];
            while group.len() < self.group_commits && weight < self.group_size {
                let Ok(request) = self.requests.try_recv() else {
                    break;
                };
                weight += request.batch.weight();
                group.push(request);
            }
            self.serve(group, weight);
            self.wal.tend(&self.connection);
        }
        self.wal.empty(&self.connection);
    }

    /// The next commit that waits; uses the time in between to extend the log.
    fn next(&mut self) -> Option<Request> {
        loop {
            match self.requests.try_recv() {
                Ok(request) => return Some(request),
                Err(mpsc::error::TryRecvError::Empty) if self.wal.extension.step() => {}
                Err(_) => return self.requests.blocking_recv(),
            }
        }
    }

    fn serve(&self, group: Vec<Request>, weight: usize) {
        let outcomes = match self.transact(&group) {
            Ok(outcomes) => outcomes,
            Err(error) if group.len() == 1 => vec![Err(self.failures.running(error))],
            // One of them is at fault, or the disk is full for all together: each on its own then.
            Err(_) => group.iter().map(|request| self.alone(request)).collect(),
        };
        metrics::counter!("flowmill_store_commit_bytes_total").increment(weight as u64);
        for (request, outcome) in group.into_iter().zip(outcomes) {
            let label = match &outcome {
                Ok(()) => "ok",
                Err(error) if error.kind() == Kind::Conflict => "conflict",
                Err(error) if error.kind() == Kind::Fenced => "fenced",
                Err(_) => "failed",
            };
            metrics::counter!("flowmill_store_commits_total", "outcome" => label).increment(1);
            metrics::histogram!("flowmill_store_commit_seconds").record(request.since.elapsed());
            // Nobody may be there to hear it: the batch is applied all the same.
            let _ = request.reply.send(self.probe.observe(outcome));
        }
    }

    fn alone(&self, request: &Request) -> Result<()> {
        let outcome = self
            .transact(std::slice::from_ref(request))
            .map_err(|error| self.failures.running(error))?;
        outcome.into_iter().collect()
    }

    /// Applies the batches whose expectations hold, in one transaction. An error leaves none of them applied.
    fn transact(&self, group: &[Request]) -> rusqlite::Result<Vec<Result<()>>> {
        self.execute("BEGIN IMMEDIATE")?;
        let result = self.apply_all(group);
        let finished = match &result {
            Ok((_, true)) => {
                let committed = self.execute("COMMIT");
                if committed.is_ok() {
                    self.transactions.fetch_add(1, Ordering::Relaxed);
                    metrics::counter!("flowmill_store_transactions_total").increment(1);
                }
                committed
            }
            Ok((_, false)) => self.execute("ROLLBACK"),
            Err(_) => Ok(()),
        };
        // A full disk may have ended the transaction already.
        if !self.connection.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        finished?;
        result.map(|(outcomes, _)| outcomes)
    }

    /// What became of each batch, and whether anything was written.
    fn apply_all(&self, group: &[Request]) -> rusqlite::Result<(Vec<Result<()>>, bool)> {
        let mut written = false;
        let mut outcomes = Vec::with_capacity(group.len());
        for Request { batch, .. } in group {
            let outcome = self.check(batch)?;
            if outcome.is_ok() && !batch.is_empty() {
                self.apply(batch)?;
                written = true;
            }
            outcomes.push(outcome);
        }
        Ok((outcomes, written))
    }

    fn check(&self, batch: &Batch) -> rusqlite::Result<Result<()>> {
        if let Some((key, value)) = &batch.fence
            && !self.holds(key, Some(value))?
        {
            return Ok(Err(Error::new(
                Kind::Fenced,
                format!("`{key}` has a newer owner"),
            )));
        }
        for (key, value) in &batch.expects {
            if !self.holds(key, value.as_deref())? {
                return Ok(Err(Error::new(
                    Kind::Conflict,
                    format!("`{key}` is not as expected"),
                )));
            }
        }
        Ok(Ok(()))
    }

    fn holds(&self, key: &str, expected: Option<&[u8]>) -> rusqlite::Result<bool> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
        let same = statement
            .query_row(
                [key],
                |row| Ok(Some(row.get_ref(0)?.as_blob()?) == expected),
            )
            .optional()?;
        Ok(same.unwrap_or(expected.is_none()))
    }

    fn apply(&self, batch: &Batch) -> rusqlite::Result<()> {
        let mut put = self
            .connection
            .prepare_cached("REPLACE INTO entries (key, value) VALUES (?1, ?2)")?;
        for (key, value) in &batch.puts {
            put.execute((key, value.as_ref()))?;
        }
        let mut delete = self
            .connection
            .prepare_cached("DELETE FROM entries WHERE key = ?1")?;
        for key in &batch.deletes {
            delete.execute([key])?;
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute(())?;
        Ok(())
    }
}
