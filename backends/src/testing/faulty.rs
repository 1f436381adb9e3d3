use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::{Error, Kind, Result};
use crate::store::{Batch, Entry, RangeOptions, Store};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It fails with this kind; nothing is written.
    Fails(Kind),
    /// A commit is applied, and `Unavailable` all the same: the answer got lost. Reads only fail.
    AnswerLost,
}

/// A [`Store`] whose next calls fail as they are told to.
pub struct FaultyStore<S> {
    store: S,
    reads: Mutex<VecDeque<Fault>>,
    commits: Mutex<VecDeque<Fault>>,
}

impl<S: Store> FaultyStore<S> {
    /// A store that works, until it is told otherwise.
    pub fn new(store: S) -> Self {
        Self {
            store,
            reads: Mutex::default(),
            commits: Mutex::default(),
        }
    }

    /// What happens to the next commits, in this order; afterwards they work.
    pub fn next_commits(&self, faults: impl IntoIterator<Item = Fault>) {
        self.commits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(faults);
    }

    /// What happens to the next reads, in this order; afterwards they work.
    pub fn next_reads(&self, faults: impl IntoIterator<Item = Fault>) {
        self.reads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(faults);
    }

    /// The store beneath, which always works.
    pub fn inner(&self) -> &S {
        &self.store
    }

    fn read(&self) -> Result<()> {
        match next(&self.reads) {
            Fault::None => Ok(()),
            Fault::Fails(kind) => Err(Error::new(kind, "a fault that a test asked for")),
            Fault::AnswerLost => Err(lost()),
        }
    }
}

fn next(faults: &Mutex<VecDeque<Fault>>) -> Fault {
    faults
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
        .unwrap_or(Fault::None)
}

fn lost() -> Error {
    Error::new(Kind::Unavailable, "an answer that a test let get lost")
}

#[async_trait]
impl<S: Store> Store for FaultyStore<S> {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        self.read()?;
        self.store.get(key).await
    }

    async fn range(&self, from: &str, to: &str, options: RangeOptions) -> Result<Vec<Entry>> {
        self.read()?;
        self.store.range(from, to, options).await
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        match next(&self.commits) {
            Fault::None => self.store.commit(batch).await,
            Fault::Fails(kind) => Err(Error::new(kind, "a fault that a test asked for")),
            Fault::AnswerLost => self.store.commit(batch).await.and(Err(lost())),
        }
    }
}
