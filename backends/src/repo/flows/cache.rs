//! Flows, compiled: each revision once, as long as there is room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use flowmill_common::Flow;
use flowmill_common::compile::{self, Catalogue, Compiled, compile};
use flowmill_common::yaml::Diagnostic;

use super::{Flows, Revision};
use crate::error::{Error, Kind, Result};

/// How many revisions are kept unless said otherwise.
const CAPACITY: usize = 1000;
/// Longer texts are compiled on a thread of their own.
const LONG: usize = 64 << 10;

/// Gives flows, compiled. A revision never changes, so what was compiled once stays right.
pub struct FlowCache {
    flows: Flows,
    catalogue: Arc<dyn Catalogue>,
    options: compile::Options,
    capacity: usize,
    kept: Mutex<Kept>,
}

/// A revision and what it compiles to.
#[derive(Clone, Debug)]
pub struct CompiledRevision {
    /// The revision as it is stored.
    pub revision: Revision,
    /// The flow, or what is wrong with the text (a task type that this version does not know).
    pub flow: Result<Arc<Flow>, Arc<[Diagnostic]>>,
}

#[derive(Default)]
struct Kept {
    by_key: HashMap<Key, Slot>,
    clock: u64,
}

type Key = (Box<str>, Box<str>, u32);

struct Slot {
    compiled: Arc<CompiledRevision>,
    last_used: u64,
}

impl FlowCache {
    /// Compiles the revisions of these flows with this catalogue. Of `options`, the revision is set for each.
    pub fn new(flows: Flows, catalogue: Arc<dyn Catalogue>, options: compile::Options) -> Self {
        Self {
            flows,
            catalogue,
            options,
            capacity: CAPACITY,
            kept: Mutex::default(),
        }
    }

    /// The same that keeps so many revisions.
    pub fn with_capacity(self, capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            ..self
        }
    }

    /// The flows behind it.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// One revision of a flow; `None` when there is no such one. `Invalid` when its text does not compile (any more).
    pub async fn get(&self, namespace: &str, id: &str, revision: u32) -> Result<Option<Arc<Flow>>> {
        let Some(compiled) = self.revision(namespace, id, revision).await? else {
            return Ok(None);
        };
        match &compiled.flow {
            Ok(flow) => Ok(Some(flow.clone())),
            Err(diagnostics) => {
                let first = diagnostics
                    .first()
                    .map(|diagnostic| diagnostic.message.as_str())
                    .unwrap_or_default();
                let message = format!(
                    "revision {revision} of the flow `{namespace}.{id}` is invalid: {first}"
                );
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }

    /// The newest revision of a flow that is not deleted; `None` when there is none. Always asks the store which one that is.
    pub async fn latest(&self, namespace: &str, id: &str) -> Result<Option<Arc<CompiledRevision>>> {
        match self.flows.head(namespace, id).await? {
            Some(head) if !head.deleted => self.revision(namespace, id, head.revision).await,
            _ => Ok(None),
        }
    }

    /// One revision of a flow, also when it does not compile; `None` when there is no such one.
    pub async fn revision(
        &self,
        namespace: &str,
        id: &str,
        revision: u32,
    ) -> Result<Option<Arc<CompiledRevision>>> {
        let key: Key = (namespace.into(), id.into(), revision);
        if let Some(compiled) = self.kept().find(&key) {
            return Ok(Some(compiled));
        }
        let Some(stored) = self.flows.revision(namespace, id, revision).await? else {
            return Ok(None);
        };
        let flow = self.compile(&stored.source, revision).await;
        let flow = flow
            .map(|compiled| Arc::new(compiled.flow))
            .map_err(Into::into);
        let compiled = Arc::new(CompiledRevision {
            revision: stored,
            flow,
        });
        self.kept().put(key, compiled.clone(), self.capacity);
        Ok(Some(compiled))
    }

    /// Compiles a text as this revision, as stored ones are compiled. Nothing is kept.
    pub async fn compile(&self, source: &str, revision: u32) -> Result<Compiled, Vec<Diagnostic>> {
        let options = compile::Options {
            revision: Some(revision),
            ..self.options.clone()
        };
        if source.len() < LONG {
            return compile(source, &*self.catalogue, &options);
        }
        let (source, catalogue) = (source.to_owned(), self.catalogue.clone());
        let compiled =
            tokio::task::spawn_blocking(move || compile(&source, &*catalogue, &options)).await;
        compiled.expect("the compiler does not panic")
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, key: &Key) -> Option<Arc<CompiledRevision>> {
        self.clock += 1;
        let slot = self.by_key.get_mut(key)?;
        slot.last_used = self.clock;
        Some(slot.compiled.clone())
    }

    fn put(&mut self, key: Key, compiled: Arc<CompiledRevision>, capacity: usize) {
        if self.by_key.len() >= capacity {
            self.evict(capacity / 10 + 1);
        }
        self.by_key.insert(
            key,
            Slot {
                compiled,
                last_used: self.clock,
            },
        );
    }

    /// Drops those that were not used for the longest time; several at once, so that it is seldom done.
    fn evict(&mut self, count: usize) {
        let mut times: Vec<_> = self.by_key.values().map(|slot| slot.last_used).collect();
        let count = count.min(times.len());
        let Some(newest_to_go) = count
            .checked_sub(1)
            .map(|last| *times.select_nth_unstable(last).1)
        else {
            return;
        };
        self.by_key.retain(|_, slot| slot.last_used > newest_to_go);
    }
}
