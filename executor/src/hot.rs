//! The executions of a partition that are in memory: those that something happened to lately.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flowmill_common::{Execution, ExecutionId, Flow};

/// An execution with its flow.
pub(crate) struct Hot {
    /// As it will be committed next.
    pub(crate) execution: Execution,
    /// The flow at the execution's revision.
    pub(crate) flow: Arc<Flow>,
    used: u64,
}

impl Hot {
    /// An execution that was not in memory before.
    pub(crate) fn new(execution: Execution, flow: Arc<Flow>) -> Self {
        Self {
            execution,
            flow,
            used: 0,
        }
    }
}

/// At most so many executions; the one that was not used for longest goes first.
pub(crate) struct HotExecutions {
    most: usize,
    clock: u64,
    by_id: HashMap<ExecutionId, Hot>,
    by_use: BTreeMap<u64, ExecutionId>,
}

impl HotExecutions {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            clock: 0,
            by_id: HashMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// Takes an execution out to work on it.
    pub(crate) fn take(&mut self, id: &ExecutionId) -> Option<Hot> {
        let hot = self.by_id.remove(id)?;
        self.by_use.remove(&hot.used);
        Some(hot)
    }

    /// Puts an execution in, or back.
    pub(crate) fn put(&mut self, execution: Execution, flow: Arc<Flow>) {
        self.clock += 1;
        self.by_use.insert(self.clock, execution.header.id.clone());
        self.by_id.insert(
            execution.header.id.clone(),
            Hot {
                execution,
                flow,
                used: self.clock,
            },
        );
        while self.by_id.len() > self.most
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.by_id.remove(&oldest);
        }
    }

    /// Forgets everything: somebody else owns the partition, or a commit has failed.
    pub(crate) fn clear(&mut self) {
        self.by_id.clear();
        self.by_use.clear();
    }
}
