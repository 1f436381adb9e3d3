//! What belongs to a partition as a whole: its epoch, its timers and its outbox.
//!
//! | key | value |
//! | --- | --- |
//! | `p07/meta/epoch` | the number of the present owner |
//! | `p07/t/{at}/{execution}/{task run or -}` | nothing: a timer |
//! | `p07/o/{task run}/{dispatch}` | a job that may not have reached the queue yet |

use bytes::Bytes;
use flowmill_common::{ExecutionId, Job, TaskRunId, Timestamp};

use super::executions::{decode, encode, space};
use crate::error::{Error, Kind, Result};
use crate::store::{Batch, RangeOptions, Store, prefix_end};

/// The right to write to a partition: carried as the fence of every commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    key: String,
    value: Bytes,
}

/// A timer of an execution, or of one of its task runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// When it goes off.
    pub at: Timestamp,
    /// The execution.
    pub execution: ExecutionId,
    /// The task run; none: the execution itself.
    pub run: Option<TaskRunId>,
}

impl Epoch {
    /// Becomes the owner of a partition: whoever was it before is fenced off from now on.
    pub async fn take(store: &dyn Store, partition: u16) -> Result<Self> {
        let key = format!("{}/meta/epoch", space(partition));
        loop {
            let present = store.get(&key).await?;
            let number: u64 = present
                .as_ref()
                .map_or(Ok(0), |bytes| decode(&key, bytes))?;
            let value = encode(&(number + 1))?;
            let batch = Batch {
                expects: vec![(key.clone(), present)],
                puts: vec![(key.clone(), value.clone())],
                ..Batch::default()
            };
            match store.commit(batch).await {
                Ok(()) => return Ok(Self { key, value }),
                Err(error) if error.kind() == Kind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Fences a batch: it is applied only while this owner is the newest.
    pub fn fence(&self, batch: &mut Batch) {
        batch.fence = Some((self.key.clone(), self.value.clone()));
    }
}

/// Adds a timer to a batch.
pub fn put_timer(batch: &mut Batch, partition: u16, timer: &Timer) {
    batch.puts.push((timer_key(partition, timer), Bytes::new()));
}

/// Adds the removal of a timer to a batch.
pub fn remove_timer(batch: &mut Batch, partition: u16, timer: &Timer) {
    batch.deletes.push(timer_key(partition, timer));
}

/// All timers of a partition, soonest first.
pub async fn timers(store: &dyn Store, partition: u16) -> Result<Vec<Timer>> {
    let prefix = format!("{}/t/", space(partition));
    let options = RangeOptions {
        keys_only: true,
        ..RangeOptions::default()
    };
    let entries = store.range(&prefix, &prefix_end(&prefix), options).await?;
    entries
        .iter()
        .map(|entry| read_timer(&entry.key, &entry.key[prefix.len()..]))
        .collect()
}

/// Adds a job to the outbox in a batch.
pub fn put_outbox(batch: &mut Batch, partition: u16, job: &Job) -> Result<()> {
    batch
        .puts
        .push((outbox_key(partition, &job.run, job.dispatch), encode(job)?));
    Ok(())
}

/// Adds the removal of a job from the outbox to a batch.
pub fn remove_outbox(batch: &mut Batch, partition: u16, run: &TaskRunId, dispatch: u32) {
    batch.deletes.push(outbox_key(partition, run, dispatch));
}

/// The jobs of a partition that may not have reached the queue.
pub async fn outbox(store: &dyn Store, partition: u16) -> Result<Vec<Job>> {
    let prefix = format!("{}/o/", space(partition));
    let entries = store
        .range(&prefix, &prefix_end(&prefix), RangeOptions::default())
        .await?;
    entries
        .iter()
        .map(|entry| decode(&entry.key, &entry.value))
        .collect()
}

fn outbox_key(partition: u16, run: &TaskRunId, dispatch: u32) -> String {
    format!("{}/o/{run}/{dispatch}", space(partition))
}

fn timer_key(partition: u16, timer: &Timer) -> String {
    let run = timer.run.as_ref().map_or("-", TaskRunId::as_str);
    format!(
        "{}/t/{:017}/{}/{run}",
        space(partition),
        timer.at.as_micros().max(0),
        timer.execution
    )
}

fn read_timer(key: &str, rest: &str) -> Result<Timer> {
    let unreadable = || Error::internal(format!("`{key}` is not the key of a timer"));
    let mut parts = rest.splitn(3, '/');
    let (Some(at), Some(execution), Some(run)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(unreadable());
    };
    Ok(Timer {
        at: Timestamp::from_micros(at.parse().map_err(|_| unreadable())?),
        execution: execution.into(),
        run: (run != "-").then(|| run.into()),
    })
}
