//! The task runs of an execution, found by id, by task, by loop value and by order of creation without looking at the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::TaskRun;
use crate::id::TaskRunId;

/// The task runs of one execution.
#[derive(Clone, Debug, Default)]
pub struct TaskRuns {
    by_number: BTreeMap<u64, TaskRun>,
    numbers: HashMap<TaskRunId, u64>,
    by_task: HashMap<Arc<str>, OfTask>,
}

/// The runs of one task.
#[derive(Clone, Debug, Default)]
struct OfTask {
    numbers: Vec<u64>,
    /// The newest run for each chain of loop values.
    by_values: BTreeMap<Vec<Arc<str>>, u64>,
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

    /// The one of this id, to be changed: all but its id, number, task and loop values.
    pub fn get_mut(&mut self, id: &TaskRunId) -> Option<&mut TaskRun> {
        self.by_number.get_mut(self.numbers.get(id)?)
    }

    /// The one that was created as this one, from 0.
    pub fn of_number(&self, number: u64) -> Option<&TaskRun> {
        self.by_number.get(&number)
    }

    /// All of them, in order of creation.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &TaskRun> {
        self.by_number.values()
    }

    /// How many runs this task has.
    pub fn runs_of(&self, task: &str) -> usize {
        self.by_task
            .get(task)
            .map_or(0, |of_task| of_task.numbers.len())
    }

    /// Whether this task has a run.
    pub fn has_task(&self, task: &str) -> bool {
        self.by_task.contains_key(task)
    }

    /// Those of one task, in order of creation.
    pub fn of_task<'a>(&'a self, task: &str) -> impl DoubleEndedIterator<Item = &'a TaskRun> + 'a {
        let numbers = self
            .by_task
            .get(task)
            .map(|of_task| of_task.numbers.as_slice())
            .unwrap_or_default();
        numbers
            .iter()
            .filter_map(|number| self.by_number.get(number))
    }

    /// The newest run of a task for exactly these loop values.
    pub fn of_values(&self, task: &str, values: &[Arc<str>]) -> Option<&TaskRun> {
        self.by_number
            .get(self.by_task.get(task)?.by_values.get(values)?)
    }

    /// Whether a task has a run whose loop values begin with these and go on.
    pub fn has_below(&self, task: &str, values: &[Arc<str>]) -> bool {
        let Some(of_task) = self.by_task.get(task) else {
            return false;
        };
        (of_task
            .by_values
            .range::<[Arc<str>], _>((
                std::ops::Bound::Excluded(values),
                std::ops::Bound::Unbounded,
            ))
            .next())
        .is_some_and(|(path, _)| path.starts_with(values))
    }

    /// The ids of the tasks that have runs, in the order of their first run.
    pub fn tasks(&self) -> Vec<Arc<str>> {
        let mut tasks: Vec<_> = self
            .by_task
            .iter()
            .map(|(task, runs)| (runs.numbers.first().copied(), task))
            .collect();
        tasks.sort();
        tasks.into_iter().map(|(_, task)| task.clone()).collect()
    }

    /// Puts a task run in, over the one of the same id.
    pub fn put(&mut self, run: TaskRun) {
        if let Some(slot) = self
            .numbers
            .get(&run.id)
            .and_then(|number| self.by_number.get_mut(number))
        {
            *slot = run;
            return;
        }
        self.numbers.insert(run.id.clone(), run.number);
        let of_task = self.by_task.entry(run.task_id.clone()).or_default();
        of_task.numbers.push(run.number);
        of_task
            .by_values
            .insert(run.loop_values.clone(), run.number);
        self.by_number.insert(run.number, run);
    }

    /// Takes a task run out.
    pub fn remove(&mut self, id: &TaskRunId) -> Option<TaskRun> {
        let number = self.numbers.remove(id)?;
        let run = self.by_number.remove(&number)?;
        if let Some(of_task) = self.by_task.get_mut(&run.task_id) {
            of_task.numbers.retain(|other| *other != number);
            if of_task.by_values.get(&run.loop_values) == Some(&number) {
                of_task.by_values.remove(&run.loop_values);
            }
            if of_task.numbers.is_empty() {
                self.by_task.remove(&run.task_id);
            }
        }
        Some(run)
    }
}

impl IntoIterator for TaskRuns {
    type Item = TaskRun;
    type IntoIter = std::collections::btree_map::IntoValues<u64, TaskRun>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_number.into_values()
    }
}

impl FromIterator<TaskRun> for TaskRuns {
    fn from_iter<I: IntoIterator<Item = TaskRun>>(runs: I) -> Self {
        let mut all = Self::default();
        for run in runs {
            all.put(run);
        }
        all
    }
}
