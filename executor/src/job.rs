//! Jobs: what a worker is sent of an execution.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use flowmill_common::execution::TaskRun;
use flowmill_common::flow::Flowable;
use flowmill_common::id::partition_of;
use flowmill_common::job::{ChildJob, Job};
use flowmill_common::{Execution, Flow, Task, TaskRunId, Timestamp};
use flowmill_expression::{Engine, References};
use flowmill_scheduler::{Answers, Root, job_variables};
use serde_json::Value;

use crate::executor::Parts;

/// What the templates of tasks reference, worked out once for each task of a flow revision.
#[derive(Default)]
pub(crate) struct ReferenceCache {
    by_task: Mutex<HashMap<Key, Arc<References>>>,
}

type Key = (Arc<str>, Arc<str>, u32, Arc<str>);

/// More than these are forgotten at once; working them out again is cheap.
const MOST_CACHED: usize = 10_000;

impl ReferenceCache {
    fn of(&self, engine: &Engine, flow: &Flow, task: &Task) -> Arc<References> {
        let key = (
            flow.namespace.clone(),
            flow.id.clone(),
            flow.revision,
            task.id.clone(),
        );
        let mut by_task = self
            .by_task
            .lock()
            .expect("nothing panics while it holds this lock");
        if let Some(references) = by_task.get(&key) {
            return references.clone();
        }
        if by_task.len() >= MOST_CACHED {
            by_task.clear();
        }
        let references = Arc::new(references_of(engine, task));
        by_task.insert(key, references.clone());
        references
    }
}

/// A task run that was dispatched, with what it belongs to.
pub(crate) struct Dispatched<'a> {
    pub(crate) flow: &'a Flow,
    pub(crate) execution: &'a Execution,
    pub(crate) run: &'a TaskRun,
    pub(crate) task: &'a Task,
}

/// The job of a task run's present dispatch.
pub(crate) fn build(
    parts: &Parts,
    cache: &ReferenceCache,
    dispatched: &Dispatched<'_>,
    at: Timestamp,
) -> Job {
    let Dispatched {
        flow,
        execution,
        run,
        task,
    } = *dispatched;
    let references = cache.of(&parts.engine, flow, task);
    let texts = texts_of_task(task);
    let root = Root::of(
        flow,
        execution,
        Some(run),
        &parts.settings,
        Answers::default(),
    )
    .sealed();
    Job {
        execution: execution.header.id.clone(),
        partition: partition_of(execution.header.id.as_str(), parts.partitions),
        namespace: execution.header.namespace.clone(),
        flow_id: execution.header.flow_id.clone(),
        flow_revision: execution.header.flow_revision,
        run: run.id.clone(),
        dispatch: run.dispatch,
        attempt: run.attempts.len() as u32,
        task_id: task.id.clone(),
        task_type: task.task_type.clone(),
        value: run.value.clone(),
        loop_values: run.loop_values.clone(),
        iteration: run.iteration,
        properties: task.properties.clone(),
        timeout: task.timeout.clone(),
        log_level: task.log_level,
        variables: Arc::new(job_variables(&parts.engine, &root, &references, &texts)),
        children: children(execution, run, task),
        at,
    }
}

/// The enabled children of a `WorkingDirectory`, with the ids that their task runs will have.
fn children(execution: &Execution, run: &TaskRun, task: &Task) -> Vec<ChildJob> {
    let Some(Flowable::WorkingDirectory { tasks }) = task.flowable() else {
        return Vec::new();
    };
    let child = |child: &Arc<Task>| ChildJob {
        run: TaskRunId::derive(
            &execution.header.id,
            Some(&run.id),
            &child.id,
            None,
            run.dispatch,
        ),
        task_id: child.id.clone(),
        task_type: child.task_type.clone(),
        properties: child.properties.clone(),
        run_if: child.run_if.clone(),
        timeout: child.timeout.clone(),
        allow_failure: child.allow_failure,
        allow_warning: child.allow_warning,
        log_level: child.log_level,
    };
    tasks
        .iter()
        .filter(|task| !task.disabled)
        .map(child)
        .collect()
}

fn references_of(engine: &Engine, task: &Task) -> References {
    let mut references = References::default();
    for text in texts_of_task(task) {
        // a text that does not parse references nothing: the worker meets the same error
        if let Ok(template) = engine.compile(text) {
            references.merge(template.references());
        }
    }
    references
}

/// The texts with templates that the worker renders for a task, those of the tasks that run within it included.
fn texts_of_task(task: &Task) -> Vec<&str> {
    let mut texts = Vec::new();
    for property in task.properties.values() {
        texts_of(property, &mut texts);
    }
    let conditions = [&task.timeout, &task.run_if];
    texts.extend(conditions.into_iter().flatten().map(|text| &**text));
    if let Some(Flowable::WorkingDirectory { tasks }) = task.flowable() {
        texts.extend(tasks.iter().flat_map(|child| texts_of_task(child)));
    }
    texts
}

/// The texts with templates in a property, keys included.
fn texts_of<'p>(property: &'p Value, texts: &mut Vec<&'p str>) {
    match property {
        Value::String(text) if text.contains('{') => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Value::Object(members) => {
            texts.extend(
                members
                    .keys()
                    .filter(|key| key.contains('{'))
                    .map(String::as_str),
            );
            members.values().for_each(|member| texts_of(member, texts));
        }
        _ => {}
    }
}
