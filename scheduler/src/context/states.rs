//! `tasks`: the states of the task runs, by task and by their own value.

use std::sync::Arc;

use flowmill_common::execution::TaskRun;
use flowmill_expression::{Error, Object, Value};
use serde_json::{Map, json};

use super::root::Scope;

/// `tasks`.
#[derive(Debug)]
pub(crate) struct AllStates {
    runs: Scope,
}

impl AllStates {
    pub(crate) fn new(runs: Scope) -> Self {
        Self { runs }
    }
}

impl Object for AllStates {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        if !self.runs.has_task(key) {
            return Ok(None);
        }
        let mut states = Map::new();
        for run in self.runs.of_task(key) {
            match &run.value {
                Some(value) => states.insert(value.to_string(), state(run)),
                None => states.insert("state".into(), run.state.current().name().into()),
            };
        }
        Ok(Some(serde_json::Value::Object(states).into()))
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.runs.tasks()
    }
}

fn state(run: &TaskRun) -> serde_json::Value {
    json!({"state": run.state.current().name()})
}
