//! Tasks that the executor runs itself, in its own pass: pure and quick ones, and those that change the execution.
//!
//! The crate `tasks` implements [`InlineTasks`]; the executor knows only this.

use std::sync::Arc;

use flowmill_expression::{Engine, Host, Need, Object};
use serde_json::{Map, Value};

use crate::flow::Label;
use crate::log::{Level, Metric};
use crate::state::StateType;

/// The task types that are run without a worker.
pub trait InlineTasks: Send + Sync {
    /// Runs a task of [`Place::Executor`](crate::flow::Place::Executor). `task_type` is a present name; `properties` are those of the
    /// task as written, what every task has included. What was read from them is kept for the next run with the same `Arc`.
    /// After [`InlineResult::Need`] call it again when the fact is there; nothing has happened until then.
    fn run(
        &self,
        task_type: &str,
        properties: &Arc<Map<String, Value>>,
        scope: &Scope<'_>,
    ) -> InlineResult;

    /// Works out what a task of [`Kind::Update`](crate::flow::Kind::Update) changes. Otherwise as [`run`](Self::run).
    fn update(
        &self,
        task_type: &str,
        properties: &Arc<Map<String, Value>>,
        scope: &Scope<'_>,
    ) -> UpdateResult;
}

/// What templates are rendered with.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Reads and renders texts.
    pub engine: &'a Engine,
    /// The variables.
    pub root: &'a dyn Object,
    /// Time, chance and facts.
    pub host: &'a dyn Host,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub enum InlineResult {
    /// It did what it is for.
    Done(InlineDone),
    /// It failed.
    Failed {
        /// Why, for the log; not yet among `done.logs`.
        message: String,
        /// What it did before.
        done: InlineDone,
    },
    /// A fact must be fetched first.
    Need(Need),
}

/// What a task gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InlineDone {
    /// Its outputs: the members of an object.
    pub outputs: Map<String, Value>,
    /// The state it asks for itself; none: SUCCESS.
    pub state: Option<StateType>,
    /// What it logged, in order. The least level of the task is not yet applied, and secrets are not yet masked.
    pub logs: Vec<(Level, String)>,
    /// What it measured.
    pub metrics: Vec<Metric>,
}

/// How a task that changes the execution ended.
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateResult {
    /// Make this change.
    Done(ExecutionUpdate),
    /// It failed, and nothing changes; why, for the log.
    Failed(String),
    /// A fact must be fetched first.
    Need(Need),
}

/// A change of the execution.
#[derive(Clone, Debug, PartialEq)]
pub enum ExecutionUpdate {
    /// Put these labels over those with the same keys.
    Labels(Vec<Label>),
    /// Merge these into the variables, maps within maps too. With `overwrite` off a name that is there already fails the task.
    SetVariables {
        /// The variables.
        variables: Map<String, Value>,
        /// Whether existing ones may be replaced.
        overwrite: bool,
    },
    /// Take these out of the variables.
    UnsetVariables {
        /// Names; dots lead into maps.
        variables: Vec<String>,
        /// Whether a missing one is fine. A missing name at the top always is.
        ignore_missing: bool,
    },
    /// End the execution in this state.
    Exit(StateType),
}

impl ExecutionUpdate {
    /// The variables after this change, where it is about them; the error fails the task.
    pub fn apply_to_variables(&self, variables: &mut Map<String, Value>) -> Result<(), String> {
        match self {
            Self::SetVariables {
                variables: new,
                overwrite,
            } => set(variables, new, *overwrite),
            Self::UnsetVariables {
                variables: names,
                ignore_missing,
            } => names
                .iter()
                .try_for_each(|name| unset(variables, name, *ignore_missing)),
            Self::Labels(_) | Self::Exit(_) => Ok(()),
        }
    }

    /// The labels after this change, where it is about them.
    pub fn apply_to_labels(&self, labels: &mut Vec<Label>) {
        let Self::Labels(new) = self else { return };
        for label in new {
            match labels.iter_mut().find(|old| old.key == label.key) {
                Some(old) => old.value.clone_from(&label.value),
                None => labels.push(label.clone()),
            }
        }
    }
}

fn set(
    variables: &mut Map<String, Value>,
    new: &Map<String, Value>,
    overwrite: bool,
) -> Result<(), String> {
    if !overwrite && let Some(name) = new.keys().find(|name| variables.contains_key(*name)) {
        return Err(format!(
            "variable `{name}` already exists and `overwrite` is set to `false`"
        ));
    }
    merge(variables, new);
    Ok(())
}

fn merge(old: &mut Map<String, Value>, new: &Map<String, Value>) {
    for (name, value) in new {
        match (old.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            _ => {
                old.insert(name.clone(), value.clone());
            }
        }
    }
}

fn unset(
    variables: &mut Map<String, Value>,
    path: &str,
    ignore_missing: bool,
) -> Result<(), String> {
    let mut names = path.split('.');
    let mut here = variables;
    let mut name = names.next().unwrap_or_default();
    let mut nested = false;
    for next in names {
        match here.get_mut(name) {
            Some(Value::Object(inner)) => here = inner,
            _ if ignore_missing => return Ok(()),
            _ => return Err(format!("no variable `{path}`")),
        }
        name = next;
        nested = true;
    }
    // a missing name at the top is never an error, as in Kestra
    if here.shift_remove(name).is_none() && nested && !ignore_missing {
        return Err(format!("no variable `{path}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> Map<String, Value> {
        json!({"a": {"b": 1, "c": 2}, "d": 3})
            .as_object()
            .cloned()
            .unwrap()
    }

    fn after(update: &ExecutionUpdate) -> Result<Value, String> {
        let mut variables = variables();
        update.apply_to_variables(&mut variables)?;
        Ok(Value::Object(variables))
    }

    #[test]
    fn set_variables_merge_into_maps() {
        let new = json!({"a": {"c": 5}, "e": [1]})
            .as_object()
            .cloned()
            .unwrap();
        let update = ExecutionUpdate::SetVariables {
            variables: new.clone(),
            overwrite: true,
        };
        assert_eq!(
            after(&update),
            Ok(json!({"a": {"b": 1, "c": 5}, "d": 3, "e": [1]}))
        );
        let update = ExecutionUpdate::SetVariables {
            variables: new,
            overwrite: false,
        };
        assert!(after(&update).unwrap_err().contains("`a`"));
    }

    #[test]
    fn a_missing_variable_is_an_error_only_below_the_top() {
        let unset = |name: &str, ignore_missing| {
            after(&ExecutionUpdate::UnsetVariables {
                variables: vec![name.into()],
                ignore_missing,
            })
        };
        assert_eq!(unset("a.b", false), Ok(json!({"a": {"c": 2}, "d": 3})));
        assert!(unset("x", false).is_ok());
        assert!(unset("a.x", false).is_err());
        assert!(unset("x.y", false).is_err());
        assert!(unset("x.y", true).is_ok());
    }

    #[test]
    fn labels_replace_those_with_the_same_key() {
        let label = |key: &str, value: &str| Label {
            key: key.into(),
            value: value.into(),
        };
        let mut labels = vec![label("a", "1"), label("b", "2")];
        ExecutionUpdate::Labels(vec![label("a", "9"), label("c", "3")])
            .apply_to_labels(&mut labels);
        assert_eq!(labels, [label("a", "9"), label("b", "2"), label("c", "3")]);
    }
}
