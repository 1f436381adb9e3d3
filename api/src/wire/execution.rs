//! Executions and task runs.

use std::collections::HashMap;

use flowmill_common::execution::{Attempt, Header, Outputs, TaskRun, TaskRuns, Trigger};
use flowmill_common::flow::Label;
use flowmill_common::{ExecutionId, TaskRunId, Timestamp};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::state::{StateSchema, StateView};
use super::time::Date;

/// The texts of outputs that are kept as files, by task run.
pub(crate) type StoredOutputs = HashMap<TaskRunId, Box<RawValue>>;

/// An execution as it is written.
#[derive(Clone, Copy)]
pub(crate) struct ExecutionView<'a> {
    /// The header.
    pub(crate) header: &'a Header,
    /// The task runs; none: they are left out.
    pub(crate) runs: Option<&'a TaskRuns>,
    /// The outputs that are kept as files.
    pub(crate) stored: Option<&'a StoredOutputs>,
    /// The link to its page, for answers to its creation.
    pub(crate) url: Option<&'a str>,
    /// The present time.
    pub(crate) now: Timestamp,
}

impl Serialize for ExecutionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let header = self.header;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", header.id.as_str())?;
        map.serialize_entry("namespace", &header.namespace)?;
        map.serialize_entry("flowId", &header.flow_id)?;
        map.serialize_entry("flowRevision", &header.flow_revision)?;
        if let Some(runs) = self.runs.filter(|runs| !runs.is_empty()) {
            map.serialize_entry("taskRunList", &RunList { of: self, runs })?;
        }
        for (name, value) in [("inputs", &header.inputs), ("outputs", &header.outputs)] {
            if !is_empty(value) {
                map.serialize_entry(name, value)?;
            }
        }
        if !header.labels.is_empty() {
            map.serialize_entry("labels", &header.labels)?;
        }
        if !is_empty(&header.variables) {
            map.serialize_entry("variables", &header.variables)?;
        }
        map.serialize_entry("state", &StateView(&header.state, self.now))?;
        if let Some(parent) = &header.parent_id {
            map.serialize_entry("parentId", parent)?;
        }
        map.serialize_entry("originalId", &header.original_id)?;
        if let Some(trigger) = &header.trigger {
            map.serialize_entry("trigger", trigger)?;
        }
        map.serialize_entry("deleted", &false)?;
        let metadata = Metadata {
            attempt_number: header.attempt_number,
            original_created_date: Date(header.original_created),
        };
        map.serialize_entry("metadata", &metadata)?;
        if let Some(date) = header.schedule_date {
            map.serialize_entry("scheduleDate", &Date(date))?;
        }
        if let Some(error) = &header.error {
            map.serialize_entry("error", &ExecutionError { message: error })?;
        }
        if let Some(url) = self.url {
            map.serialize_entry("url", url)?;
        }
        map.end()
    }
}

struct RunList<'a> {
    of: &'a ExecutionView<'a>,
    runs: &'a TaskRuns,
}

impl Serialize for RunList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.runs.len()))?;
        for run in self.runs.iter() {
            list.serialize_element(&TaskRunView::of(
                self.of.header,
                run,
                self.of.stored,
                self.of.now,
            ))?;
        }
        list.end()
    }
}

/// A task run as it is written.
#[derive(Clone, Copy)]
pub(crate) struct TaskRunView<'a> {
    header: &'a Header,
    run: &'a TaskRun,
    stored: Option<&'a RawValue>,
    now: Timestamp,
}

impl<'a> TaskRunView<'a> {
    pub(crate) fn of(
        header: &'a Header,
        run: &'a TaskRun,
        stored: Option<&'a StoredOutputs>,
        now: Timestamp,
    ) -> Self {
        Self {
            header,
            run,
            stored: stored
                .and_then(|stored| stored.get(&run.id))
                .map(AsRef::as_ref),
            now,
        }
    }
}

impl Serialize for TaskRunView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            header,
            run,
            stored,
            now,
        } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &run.id)?;
        map.serialize_entry("executionId", &header.id)?;
        map.serialize_entry("namespace", &header.namespace)?;
        map.serialize_entry("flowId", &header.flow_id)?;
        map.serialize_entry("taskId", &run.task_id)?;
        if let Some(parent) = &run.parent {
            map.serialize_entry("parentTaskRunId", parent)?;
        }
        if let Some(value) = &run.value {
            map.serialize_entry("value", value)?;
        }
        if !run.attempts.is_empty() {
            map.serialize_entry("attempts", &Attempts(&run.attempts, *now))?;
        }
        match (&run.outputs, stored) {
            (Outputs::Inline(outputs), _) => map.serialize_entry("outputs", outputs)?,
            (Outputs::Stored { .. }, Some(stored)) => map.serialize_entry("outputs", stored)?,
            (Outputs::None | Outputs::Stored { .. }, _) => {
                map.serialize_entry("outputs", &NoOutputs {})?
            }
        }
        map.serialize_entry("state", &StateView(&run.state, *now))?;
        if let Some(iteration) = run.iteration {
            map.serialize_entry("iteration", &iteration)?;
        }
        map.end()
    }
}

struct Attempts<'a>(&'a [Attempt], Timestamp);

impl Serialize for Attempts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0.iter()).map(|attempt| AttemptView {
            state: StateView(&attempt.state, self.1),
            worker_id: attempt.worker.as_deref(),
        }))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptView<'a> {
    state: StateView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_id: Option<&'a str>,
}

#[derive(Serialize)]
struct NoOutputs {}

/// Which attempt at the whole it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    /// Counts restarts, replays and retries of the whole, from 1.
    attempt_number: u32,
    /// When the first of the chain was created.
    #[schema(value_type = String, format = DateTime)]
    original_created_date: Date,
}

#[derive(Serialize)]
struct ExecutionError<'a> {
    message: &'a str,
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// One run of a flow.
#[derive(ToSchema)]
#[schema(as = Execution, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what `ExecutionView` writes")]
pub(crate) struct ExecutionSchema {
    /// 22 letters and digits.
    id: String,
    /// The namespace of the flow.
    namespace: String,
    /// The flow.
    flow_id: String,
    /// The revision it was created with.
    flow_revision: u32,
    /// The task runs in the order of their creation.
    task_run_list: Option<Vec<TaskRunSchema>>,
    /// The resolved inputs, nested by dots.
    #[schema(value_type = Option<Object>)]
    inputs: Option<Value>,
    /// The flow's outputs, once it has ended.
    #[schema(value_type = Option<Object>)]
    outputs: Option<Value>,
    /// The flow's labels, then the given ones, then `system.correlationId`.
    #[schema(value_type = Vec<LabelSchema>)]
    labels: Vec<Label>,
    /// What tasks and triggers put at the root of expressions.
    #[schema(value_type = Option<Object>)]
    variables: Option<Value>,
    state: StateSchema,
    /// The execution that this one was replayed from.
    #[schema(value_type = Option<String>)]
    parent_id: Option<ExecutionId>,
    /// The first of a chain of replays and retries.
    original_id: String,
    /// What started it: `{id, type, variables}`.
    #[schema(value_type = Option<Object>)]
    trigger: Option<Trigger>,
    deleted: bool,
    metadata: Metadata,
    /// When it shall start, if not at once.
    #[schema(format = DateTime)]
    schedule_date: Option<String>,
    /// Why it failed, where no task run says so.
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
    /// The link to its page; only in the answer to its creation.
    url: Option<String>,
}

/// One instance of a task in one execution.
#[derive(ToSchema)]
#[schema(as = TaskRun, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what `TaskRunView` writes")]
pub(crate) struct TaskRunSchema {
    id: String,
    execution_id: String,
    namespace: String,
    flow_id: String,
    task_id: String,
    /// The task run of the flowable that holds it.
    parent_task_run_id: Option<String>,
    /// The value of the loop it is in, as text.
    value: Option<String>,
    /// What was tried, oldest first.
    attempts: Option<Vec<AttemptSchema>>,
    /// What it gave; `{}` when nothing.
    #[schema(value_type = Object)]
    outputs: Value,
    state: StateSchema,
    /// The index of the loop's value, or the round, from 0.
    iteration: Option<u64>,
}

/// One try of a task run.
#[derive(ToSchema)]
#[schema(as = Attempt, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what `AttemptView` writes")]
pub(crate) struct AttemptSchema {
    state: StateSchema,
    /// The worker that ran it.
    worker_id: Option<String>,
}

/// A label.
#[derive(ToSchema)]
#[schema(as = Label)]
#[allow(dead_code, reason = "describes `flowmill_common::flow::Label`")]
pub(crate) struct LabelSchema {
    key: String,
    value: String,
}
