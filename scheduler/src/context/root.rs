//! The root of expressions: `flow`, `execution`, `outputs`, `inputs`, `taskrun` and the others.

use std::collections::HashMap;
use std::sync::Arc;

use flowmill_common::execution::{Header, Outputs, TaskRun, TaskRuns};
use flowmill_common::flow::{Flow, InputType, Task};
use flowmill_common::job::ENCRYPTED;
use flowmill_common::{Execution, TaskRunId};
use flowmill_expression::{Answer, Error, Need, Object, Value};
use serde_json::{Map, json};

use super::outputs::AllOutputs;
use super::states::AllStates;
use crate::draft::Draft;
use crate::facts::Settings;

/// The variables of an execution, seen from one of its task runs or from the execution itself.
#[derive(Debug)]
pub struct Root<'a> {
    flow: &'a Flow,
    header: &'a Header,
    settings: &'a Settings,
    runs: Scope,
    current: Option<(&'a TaskRun, &'a Task)>,
    sealed: bool,
}

/// The task runs that expressions see: the committed ones, and those that the present step has touched.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    base: Arc<TaskRuns>,
    overlay: Arc<TaskRuns>,
    answers: Answers,
}

/// What was fetched for earlier needs of the same rendering.
pub type Answers = Arc<HashMap<Need, Answer>>;

impl<'a> Root<'a> {
    /// The variables of an execution between two steps; `run` is the task run whose templates are rendered.
    pub fn of(
        flow: &'a Flow,
        execution: &'a Execution,
        run: Option<&'a TaskRun>,
        settings: &'a Settings,
        answers: Answers,
    ) -> Self {
        let runs = Scope {
            base: execution.runs.clone(),
            overlay: Arc::default(),
            answers,
        };
        let current = run.and_then(|run| Some((run, &**flow.task(&run.task_id)?)));
        Self {
            flow,
            header: &execution.header,
            settings,
            runs,
            current,
            sealed: false,
        }
    }

    /// The variables in the middle of a step.
    pub(crate) fn of_draft(draft: &'a Draft<'_>, run: Option<&'a TaskRun>) -> Self {
        let runs = Scope {
            base: draft.base().runs.clone(),
            overlay: draft.touched().clone(),
            answers: draft.facts.answers.clone(),
        };
        let current = run.and_then(|run| Some((run, &**draft.flow.task(&run.task_id)?)));
        Self {
            flow: draft.flow,
            header: draft.header(),
            settings: draft.facts.settings,
            runs,
            current,
            sealed: false,
        }
    }

    /// The same for a message: SECRET inputs stay encrypted, each behind the marker [`ENCRYPTED`].
    pub fn sealed(self) -> Self {
        Self {
            sealed: true,
            ..self
        }
    }

    /// The inputs; SECRET ones decrypted, or marked for whoever decrypts them.
    fn inputs(&self) -> Value {
        let inputs = &self.header.inputs;
        let secrets = self
            .flow
            .inputs
            .iter()
            .filter(|input| input.input_type == InputType::Secret);
        let mut opened: Option<serde_json::Value> = None;
        for input in secrets {
            let all = opened.get_or_insert_with(|| (**inputs).clone());
            if let Some(place) = nested_mut(all, &input.id)
                && let Some(encrypted) = place.as_str()
            {
                *place = match &self.settings.cipher {
                    _ if self.sealed => json!({ENCRYPTED: encrypted}),
                    Some(cipher) => cipher.decrypt(encrypted).unwrap_or_default().into(),
                    None => continue,
                };
            }
        }
        opened.map_or_else(|| Value::from_shared_json(inputs.clone()), Value::from)
    }

    /// How many runs a task has.
    pub(super) fn runs_of(&self, task: &str) -> usize {
        self.runs.base.runs_of(task) + self.runs.overlay.runs_of(task)
    }

    fn flow_variable(&self) -> Value {
        json!({"id": &*self.flow.id, "namespace": &*self.flow.namespace, "revision": self.header.flow_revision, "tenantId": "main"})
            .into()
    }

    fn execution_variable(&self) -> Value {
        let header = self.header;
        let mut execution = json!({
            "id": header.id.as_str(),
            "startDate": header.state.start().to_string(),
            "originalId": header.original_id.as_str(),
            "state": header.state.current().name(),
        });
        if header
            .outputs
            .as_object()
            .is_some_and(|outputs| !outputs.is_empty())
        {
            execution["outputs"] = (*header.outputs).clone();
        }
        execution.into()
    }

    fn taskrun_variable(run: &TaskRun) -> Value {
        let mut taskrun = json!({
            "id": run.id.as_str(),
            "startDate": run.state.start().to_string(),
            "attemptsCount": finished_attempts(run),
        });
        if let Some(parent) = &run.parent {
            taskrun["parentId"] = parent.as_str().into();
        }
        if let Some(value) = &run.value {
            taskrun["value"] = (**value).into();
        }
        if let Some(iteration) = run.iteration {
            taskrun["iteration"] = iteration.into();
        }
        taskrun.into()
    }

    /// The enclosing task runs, nearest first; those that have neither a value nor outputs are left out.
    fn parents(&self) -> Vec<Value> {
        let mut parents = Vec::new();
        let mut next = self.current.and_then(|(run, _)| run.parent.clone());
        while let Some(run) = next.and_then(|id| self.runs.get(&id)) {
            let mut entry = Map::new();
            if let Some(value) = &run.value {
                entry.insert("taskrun".into(), json!({"value": &**value}));
            }
            if let Outputs::Inline(outputs) = &run.outputs {
                entry.insert("outputs".into(), (**outputs).clone());
            }
            if !entry.is_empty() {
                parents.push(serde_json::Value::Object(entry).into());
            }
            next = run.parent.clone();
        }
        parents
    }

    fn labels(&self) -> Option<Value> {
        if self.header.labels.is_empty() {
            return None;
        }
        let mut labels = Map::new();
        for label in self.header.labels.iter() {
            insert_nested(&mut labels, &label.key, label.value.clone());
        }
        Some(serde_json::Value::Object(labels).into())
    }

    fn is_task_run_there(&self) -> bool {
        !self.runs.base.is_empty() || !self.runs.overlay.is_empty()
    }
}

const NAMES: &[&str] = &[
    "envs",
    "globals",
    "flow",
    "task",
    "taskrun",
    "parents",
    "parent",
    "execution",
    "outputs",
    "tasks",
    "inputs",
    "vars",
    "trigger",
    "labels",
    "kestra",
    "namespace",
];

impl Object for Root<'_> {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        let header = self.header;
        let value = match key {
            "outputs" if self.is_task_run_there() => {
                Some(Value::Object(Arc::new(AllOutputs::new(self.runs.clone()))))
            }
            "tasks" if self.is_task_run_there() => {
                Some(Value::Object(Arc::new(AllStates::new(self.runs.clone()))))
            }
            "inputs" if !is_empty(&header.inputs) => Some(self.inputs()),
            "taskrun" => self.current.map(|(run, _)| Self::taskrun_variable(run)),
            "task" => self
                .current
                .map(|(_, task)| json!({"id": &*task.id, "type": &*task.written_type}).into()),
            "flow" => Some(self.flow_variable()),
            "execution" => Some(self.execution_variable()),
            "vars" => vars(self.flow, header),
            "parents" => Some(Value::from(self.parents()))
                .filter(|_| self.current.is_some_and(|(run, _)| run.parent.is_some())),
            "parent" => self.parents().into_iter().next(),
            "labels" => self.labels(),
            "trigger" => header
                .trigger
                .as_ref()
                .map(|trigger| serde_json::Value::Object(trigger.variables.clone()).into()),
            "envs" => Some(Value::from_shared_json(self.settings.envs.clone())),
            "globals" => Some(Value::from_shared_json(self.settings.globals.clone())),
            "kestra" => Some(Value::from_shared_json(self.settings.kestra.clone())),
            "namespace" => Some(Value::from(serde_json::Value::Object(Map::new()))),
            "outputs" | "tasks" | "inputs" => None,
            other => header.variables.get(other).cloned().map(Value::from),
        };
        Ok(value)
    }

    fn keys(&self) -> Vec<Arc<str>> {
        let named = NAMES
            .iter()
            .filter(|name| matches!(self.get(name), Ok(Some(_))))
            .map(|name| Arc::from(*name));
        let spread = self
            .header
            .variables
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| Arc::from(key.as_str()));
        named.chain(spread).collect()
    }
}

impl Scope {
    /// The answer to a need, if it was fetched.
    pub(crate) fn answer(&self, need: &Need) -> Option<&Answer> {
        self.answers.get(need)
    }

    /// A task run as the step sees it.
    pub(crate) fn get(&self, id: &TaskRunId) -> Option<&TaskRun> {
        self.overlay.get(id).or_else(|| self.base.get(id))
    }

    /// The ids of the tasks that have runs.
    pub(crate) fn tasks(&self) -> Vec<Arc<str>> {
        let mut tasks = self.base.tasks();
        tasks.extend(
            self.overlay
                .tasks()
                .into_iter()
                .filter(|task| !self.base.has_task(task)),
        );
        tasks
    }

    pub(crate) fn has_task(&self, task: &str) -> bool {
        self.base.has_task(task) || self.overlay.has_task(task)
    }

    /// The newest run of a task for exactly these loop values.
    pub(crate) fn of_values(&self, task: &str, values: &[Arc<str>]) -> Option<&TaskRun> {
        let touched = self.overlay.of_values(task, values);
        touched.or_else(|| self.base.of_values(task, values))
    }

    /// Whether a task has runs whose loop values begin with these and go on.
    pub(crate) fn has_below(&self, task: &str, values: &[Arc<str>]) -> bool {
        self.base.has_below(task, values) || self.overlay.has_below(task, values)
    }

    /// The runs of a task in order of creation, those of the step over the committed ones.
    pub(crate) fn of_task(&self, task: &str) -> Vec<&TaskRun> {
        let untouched = self
            .base
            .of_task(task)
            .filter(|run| self.overlay.get(&run.id).is_none());
        let mut runs: Vec<&TaskRun> = untouched.chain(self.overlay.of_task(task)).collect();
        runs.sort_by_key(|run| run.number);
        runs
    }
}

/// The flow's variables; once a task has changed them, those of the execution, which hold the flow's too.
fn vars(flow: &Flow, header: &Header) -> Option<Value> {
    let variables = if is_empty(&header.variables) {
        &flow.variables
    } else {
        &header.variables
    };
    (!is_empty(variables)).then(|| Value::from_shared_json(variables.clone()))
}

fn is_empty(value: &serde_json::Value) -> bool {
    value.as_object().is_none_or(Map::is_empty)
}

/// Attempts that have ended, worker losses not counted.
fn finished_attempts(run: &TaskRun) -> usize {
    run.attempts
        .iter()
        .filter(|attempt| attempt.state.is_terminal())
        .count()
}

/// Puts `system.correlationId` under `system`, unless something else stands there; of equal keys the first wins.
fn insert_nested(map: &mut Map<String, serde_json::Value>, key: &str, value: String) {
    match key.split_once('.') {
        Some((head, rest)) => {
            let inner = map.entry(head).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                insert_nested(inner, rest, value);
            }
        }
        None => {
            map.entry(key).or_insert_with(|| value.into());
        }
    }
}

/// The member at a dotted path.
fn nested_mut<'v>(
    value: &'v mut serde_json::Value,
    path: &str,
) -> Option<&'v mut serde_json::Value> {
    path.split('.')
        .try_fold(value, |value, key| value.get_mut(key))
}
