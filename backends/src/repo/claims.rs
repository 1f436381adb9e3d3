//! Claims: which worker runs which dispatch of a task run. Offered by the executor with the dispatch, taken by a worker before it
//! begins, removed by the executor with the result: a copy of a job that comes later, however late, finds nothing to take. Keys:
//! `p07/c/{task run}`, in the space of the execution's partition.

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The execution.
    pub execution: ExecutionId,
    /// The task run.
    pub run: TaskRunId,
    /// The dispatch.
    pub dispatch: u32,
    /// Who has taken it.
    pub holder: Holder,
}

/// Who runs a dispatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The worker.
    pub worker: String,
    /// The number that the worker gave to the delivery: a second delivery of the same job has another.
    pub delivery: u64,
}

/// A claim as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    execution: ExecutionId,
    run: TaskRunId,
    dispatch: u32,
    /// None while it is only offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
}

/// What came of an attempt to take a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The holder may begin.
    Granted,
    /// Another holder has it.
    Taken(Claim),
    /// Nobody waits for this dispatch any more: its result is known, it was killed, or a newer one was sent.
    Past,
}

impl Claims {
    /// The claims that are kept in this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Takes the claim on a job. One round trip where nobody has taken it before. To be asked again, with the same holder, when the
    /// answer got lost.
    pub async fn take(&self, job: &Job, holder: Holder) -> Result<Claimed> {
        let key = key(job.partition, &job.run);
        let offer = offer(job);
        let mut present = encode(&offer)?;
        let claim = Row {
            holder: Some(holder),
            ..offer
        };
        let value = encode(&claim)?;
        loop {
            let batch = Batch {
                expects: vec![(key.clone(), Some(present))],
                puts: vec![(key.clone(), value.clone())],
                ..Batch::default()
            };
            match self.store.commit(batch).await {
                Ok(()) => return Ok(Claimed::Granted),
                Err(error) if error.kind() == Kind::Conflict => {}
                Err(error) => return Err(error),
            }
            let Some(bytes) = self.store.get(&key).await? else {
                return Ok(Claimed::Past);
            };
            let other: Row = decode(&key, &bytes)?;
            if other == claim {
                return Ok(Claimed::Granted); // an earlier commit was applied, and its answer lost
            }
            if other.dispatch != job.dispatch {
                return Ok(Claimed::Past);
            }
            if let Some(other) = other.taken() {
                return Ok(Claimed::Taken(other));
            }
            present = bytes; // the offer, as another version writes it
        }
    }

    /// The claim on a task run, whichever dispatch it is for; none when nobody has taken it.
    pub async fn find(&self, partition: u16, run: &TaskRunId) -> Result<Option<Claim>> {
        let key = key(partition, run);
        match self.store.get(&key).await? {
            Some(bytes) => Ok(decode::<Row>(&key, &bytes)?.taken()),
            None => Ok(None),
        }
    }

    /// Removes a claim, unless it was replaced in the meantime.
    pub async fn remove(&self, partition: u16, claim: &Claim) -> Result<()> {
        let key = key(partition, &claim.run);
        let batch = Batch {
            expects: vec![(key.clone(), Some(encode(&Row::from(claim))?))],
            deletes: vec![key],
            ..Batch::default()
        };
        match self.store.commit(batch).await {
            Err(error) if error.kind() == Kind::Conflict => Ok(()),
            removed => removed,
        }
    }

    /// The claims of a partition that are taken.
    pub async fn of_partition(&self, partition: u16) -> Result<Vec<Claim>> {
        let prefix = format!("{}/c/", space(partition));
        let entries = self
            .store
            .range(&prefix, &prefix_end(&prefix), RangeOptions::default())
            .await?;
        let rows = entries.iter().map(|entry| decode(&entry.key, &entry.value));
        rows.filter_map(|row| row.map(Row::taken).transpose())
            .collect()
    }
}

/// Adds the offer of a job to a batch: from its commit on a worker may take the claim. It takes the place of an earlier dispatch's.
pub fn put_offer(batch: &mut Batch, job: &Job) -> Result<()> {
    let value = encode(&offer(job))?;
    batch.puts.push((key(job.partition, &job.run), value));
    Ok(())
}

/// Adds the removal of a task run's claim, or offer, to a batch.
pub fn remove_claim(batch: &mut Batch, partition: u16, run: &TaskRunId) {
    batch.deletes.push(key(partition, run));
}

impl Row {
    /// The claim, unless it is only offered.
    fn taken(self) -> Option<Claim> {
        Some(Claim {
            execution: self.execution,
            run: self.run,
            dispatch: self.dispatch,
            holder: self.holder?,
        })
    }
}

impl From<&Claim> for Row {
    fn from(claim: &Claim) -> Self {
        Self {
            execution: claim.execution.clone(),
            run: claim.run.clone(),
            dispatch: claim.dispatch,
            holder: Some(claim.holder.clone()),
        }
    }
}

fn offer(job: &Job) -> Row {
    Row {
        execution: job.execution.clone(),
        run: job.run.clone(),
        dispatch: job.dispatch,
        holder: None,
    }
}

fn key(partition: u16, run: &TaskRunId) -> String {
    format!("{}/c/{run}", space(partition))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Fault, FaultyStore, MemoryStore};

    fn job(dispatch: u32) -> Job {
        let job = json!({
            "execution": "x", "partition": 3, "namespace": "a.b", "flow_id": "f", "flow_revision": 1,
            "run": "r", "dispatch": dispatch, "attempt": 0, "task_id": "t", "task_type": "test.Work",
            "properties": {}, "log_level": "INFO", "variables": {}, "at": 0,
        });
        serde_json::from_value(job).unwrap()
    }

    fn holder(worker: &str, delivery: u64) -> Holder {
        Holder {
            worker: worker.to_owned(),
            delivery,
        }
    }

    async fn offered(job: &Job) -> (Arc<FaultyStore<MemoryStore>>, Claims) {
        let store = Arc::new(FaultyStore::new(MemoryStore::default()));
        offer_again(&*store, job).await;
        (store.clone(), Claims::new(store))
    }

    async fn offer_again(store: &dyn Store, job: &Job) {
        let mut batch = Batch::default();
        put_offer(&mut batch, job).unwrap();
        store.commit(batch).await.unwrap();
    }

    #[tokio::test]
    async fn one_delivery_gets_the_claim_whether_or_not_it_hears_of_it() {
        let job = job(1);
        let (store, claims) = offered(&job).await;
        store.next_commits([Fault::AnswerLost]);
        let unheard = claims.take(&job, holder("w", 1)).await.unwrap_err();
        assert!(unheard.is_retryable());
        let again = claims.take(&job, holder("w", 1)).await.unwrap();
        assert_eq!(again, Claimed::Granted);
        for other in [holder("w", 2), holder("v", 1)] {
            let Claimed::Taken(claim) = claims.take(&job, other).await.unwrap() else {
                panic!("it is taken")
            };
            assert_eq!(claim.holder, holder("w", 1));
        }
        assert_eq!(claims.of_partition(3).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn nobody_gets_the_claim_on_a_dispatch_that_is_past() {
        let first = job(1);
        let (store, claims) = offered(&first).await;
        assert_eq!(claims.of_partition(3).await.unwrap(), []);
        let second = job(2);
        offer_again(&*store, &second).await;
        let late = claims.take(&first, holder("w", 1)).await.unwrap();
        assert_eq!(late, Claimed::Past);
        let granted = claims.take(&second, holder("w", 2)).await.unwrap();
        assert_eq!(granted, Claimed::Granted);
        let mut batch = Batch::default();
        remove_claim(&mut batch, 3, &second.run);
        store.commit(batch).await.unwrap();
        for delivery in [2, 3] {
            let copy = claims.take(&second, holder("w", delivery)).await.unwrap();
            assert_eq!(copy, Claimed::Past);
        }
    }
}
