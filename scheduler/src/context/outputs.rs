//! `outputs`: a map that is made only as far as it is asked for. `outputs.a` touches one task run, or none but an index.

use std::sync::Arc;

use flowmill_common::execution::{Outputs, TaskRun};
use flowmill_expression::{Answer, Error, FileNeed, Need, Object, Value};

use super::root::Scope;

/// `outputs`.
#[derive(Debug)]
pub(crate) struct AllOutputs {
    runs: Scope,
}

/// `outputs.<task>` of a task that runs in loops, below the values that were named so far.
#[derive(Debug)]
struct LoopOutputs {
    runs: Scope,
    task: Arc<str>,
    values: Vec<Arc<str>>,
}

impl AllOutputs {
    pub(crate) fn new(runs: Scope) -> Self {
        Self { runs }
    }
}

impl Object for AllOutputs {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        if !self.runs.has_task(key) {
            return Ok(None);
        }
        below(&self.runs, &Arc::from(key), Vec::new())
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.runs.tasks()
    }

    fn contains(&self, key: &str) -> Result<bool, Error> {
        Ok(self.runs.has_task(key))
    }
}

impl Object for LoopOutputs {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        let mut values = self.values.clone();
        values.push(key.into());
        below(&self.runs, &self.task, values)
    }

    fn keys(&self) -> Vec<Arc<str>> {
        let mut keys: Vec<Arc<str>> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for run in self.runs.of_task(&self.task) {
            if run.loop_values.starts_with(&self.values)
                && let Some(value) = run.loop_values.get(self.values.len())
                && seen.insert(value.clone())
            {
                keys.push(value.clone());
            }
        }
        keys
    }
}

/// What stands under these values: the outputs of one task run, or a map of further values.
fn below(runs: &Scope, task: &Arc<str>, values: Vec<Arc<str>>) -> Result<Option<Value>, Error> {
    if let Some(run) = runs.of_values(task, &values) {
        return outputs_of(runs, run).map(Some);
    }
    if runs.has_below(task, &values) {
        let further = LoopOutputs {
            runs: runs.clone(),
            task: task.clone(),
            values,
        };
        return Ok(Some(Value::Object(Arc::new(further))));
    }
    Ok(None)
}

/// The outputs of a task run: an empty map where there are none; fetched first where they lie in a file.
fn outputs_of(runs: &Scope, run: &TaskRun) -> Result<Value, Error> {
    match &run.outputs {
        Outputs::None => Ok(Value::from_shared_json(
            flowmill_common::execution::empty_object(),
        )),
        Outputs::Inline(outputs) => Ok(Value::from_shared_json(outputs.clone())),
        Outputs::Stored { path, .. } => Ok(Value::Object(Arc::new(StoredOutputs {
            runs: runs.clone(),
            path: path.clone(),
        }))),
    }
}

/// The need for outputs that lie in a file of the storage.
pub fn stored_outputs_need(path: &str) -> Need {
    Need::Read(FileNeed {
        path: format!("{STORED}{path}"),
        namespace: None,
        version: None,
    })
}

/// The path of the file, if this need is one for outputs that lie in a file.
pub fn stored_outputs_path(need: &Need) -> Option<&str> {
    match need {
        Need::Read(file) => file.path.strip_prefix(STORED),
        _ => None,
    }
}

/// No file that a flow can name begins so.
const STORED: &str = "outputs:";

/// Outputs that lie in a file: they are fetched when an expression looks into them.
#[derive(Debug)]
struct StoredOutputs {
    runs: Scope,
    path: Arc<str>,
}

impl StoredOutputs {
    fn fetched(&self) -> Result<Value, Error> {
        let need = stored_outputs_need(&self.path);
        match self.runs.answer(&need) {
            Some(Answer::Value(value)) => Ok(value.clone()),
            Some(Answer::Failed(message)) => Err(Error::evaluation(message.clone())),
            Some(Answer::Missing) => Err(Error::evaluation(format!(
                "the outputs in `{}` are gone",
                self.path
            ))),
            Some(Answer::Pending) | None => Err(Error::need(need)),
        }
    }
}

impl Object for StoredOutputs {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        self.fetched()?.get(key)
    }

    fn keys(&self) -> Vec<Arc<str>> {
        let fetched = self.fetched().ok();
        fetched
            .and_then(|value| Some(value.as_object()?.keys()))
            .unwrap_or_default()
    }
}
