//! Claims: which worker runs which dispatch of a task run. Written by workers before they begin, removed by the executor with the
//! result. Keys: `p07/c/{task run}`, in the space of the execution's partition.

use std::sync::Arc;

use flowmill_common::{ExecutionId, Job, TaskRunId};
use serde::{Deserialize, Serialize};

use super::executions::{decode, encode, space};
use crate::error::{Kind, Result};
use crate::store::{Batch, RangeOptions, Store, prefix_end};

/// Reads and writes claims.
#[derive(Clone)]
pub struct Claims {
    store: Arc<dyn Store>,
}

/// A worker's right to run one dispatch of a task run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The execution.
    pub execution: ExecutionId,
    /// The task run.
    pub run: TaskRunId,
    /// The dispatch.
    pub dispatch: u32,
    /// The worker.
    pub worker: String,
}

/// What came of an attempt to claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The worker may begin.
    Granted,
    /// This dispatch, or a newer one, belongs to somebody: to this claim's worker.
    Taken(Claim),
}

impl Claims {
    /// The claims that are kept in this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Claims a job for a worker. One round trip where nobody has claimed the task run before.
    pub async fn claim(&self, job: &Job, worker: &str) -> Result<Claimed> {
        let key = key(job.partition, &job.run);
        let claim = Claim {
            execution: job.execution.clone(),
            run: job.run.clone(),
            dispatch: job.dispatch,
            worker: worker.to_owned(),
        };
        let value = encode(&claim)?;
        let mut present = None;
        loop {
            let batch = Batch {
                expects: vec![(key.clone(), present)],
                puts: vec![(key.clone(), value.clone())],
                ..Batch::default()
            };
            match self.store.commit(batch).await {
                Ok(()) => return Ok(Claimed::Granted),
                Err(error) if error.kind() == Kind::Conflict => {
                    present = self.store.get(&key).await?
                }
                Err(error) => return Err(error),
            }
            if let Some(bytes) = &present {
                let other: Claim = decode(&key, bytes)?;
                if other == claim {
                    return Ok(Claimed::Granted); // the commit before this one was applied after all
                }
                if other.dispatch >= job.dispatch {
                    return Ok(Claimed::Taken(other));
                }
            }
        }
    }

    /// The claim on a task run, whichever dispatch it is for; none when there is none.
    pub async fn find(&self, partition: u16, run: &TaskRunId) -> Result<Option<Claim>> {
        let key = key(partition, run);
        let bytes = self.store.get(&key).await?;
        bytes.map(|bytes| decode(&key, &bytes)).transpose()
    }

    /// Removes a claim, unless it was replaced in the meantime.
    pub async fn remove(&self, partition: u16, claim: &Claim) -> Result<()> {
        let key = key(partition, &claim.run);
        let batch = Batch {
            expects: vec![(key.clone(), Some(encode(claim)?))],
            deletes: vec![key],
            ..Batch::default()
        };
        match self.store.commit(batch).await {
            Err(error) if error.kind() == Kind::Conflict => Ok(()),
            removed => removed,
        }
    }

    /// The claims of a partition.
    pub async fn of_partition(&self, partition: u16) -> Result<Vec<Claim>> {
        let prefix = format!("{}/c/", space(partition));
        let entries = self
            .store
            .range(&prefix, &prefix_end(&prefix), RangeOptions::default())
            .await?;
        entries
            .iter()
            .map(|entry| decode(&entry.key, &entry.value))
            .collect()
    }
}

/// Adds the removal of a task run's claim to a batch.
pub fn remove_claim(batch: &mut Batch, partition: u16, run: &TaskRunId) {
    batch.deletes.push(key(partition, run));
}

fn key(partition: u16, run: &TaskRunId) -> String {
    format!("{}/c/{run}", space(partition))
}
