//! The task runs of an execution, found by id, by task and by order of creation without looking at the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::TaskRun;
use crate::id::TaskRunId;

/// The task runs of one execution.
#[derive(Clone, Debug, Default)]
pub struct TaskRuns {
    by_number: BTreeMap<u64, TaskRun>,
    numbers: HashMap<TaskRunId, u64>,
    by_task: HashMap<Arc<str>, Vec<u64>>,
}

impl TaskRuns {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// The one of this id.
    pub fn get(&self, id: &TaskRunId) -> Option<&TaskRun> {
        self.by_number.get(self.numbers.get(id)?)
    }

    /// All of them, in order of creation.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &TaskRun> {
        self.by_number.values()
    }

    /// Those of one task, in order of creation.
    pub fn of_task<'a>(&'a self, task: &str) -> impl DoubleEndedIterator<Item = &'a TaskRun> + 'a {
        let numbers = self.by_task.get(task).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|number| self.by_number.get(number))
    }

    /// The ids of the tasks that have runs, in no order.
    pub fn tasks(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_task.keys()
    }

    /// Puts a task run in, over the one of the same id.
    pub fn put(&mut self, run: TaskRun) {
        if let Some(slot) = self.numbers.get(&run.id).and_then(|number| self.by_number.get_mut(number)) {
            *slot = run;
            return;
        }
        self.numbers.insert(run.id.clone(), run.number);
        self.by_task.entry(run.task_id.clone()).or_default().push(run.number);
        self.by_number.insert(run.number, run);
    }

    /// Takes a task run out.
    pub fn remove(&mut self, id: &TaskRunId) -> Option<TaskRun> {
        let number = self.numbers.remove(id)?;
        let run = self.by_number.remove(&number)?;
        if let Some(numbers) = self.by_task.get_mut(&run.task_id) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_task.remove(&run.task_id);
            }
        }
        Some(run)
    }
}
