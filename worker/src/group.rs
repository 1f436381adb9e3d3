//! `WorkingDirectory`: several tasks one after the other in one folder.

use std::sync::Arc;

use flowmill_common::event::ChildFinished;
use flowmill_common::execution::Outputs;
use flowmill_common::job::ChildJob;
use flowmill_common::log::Level;
use flowmill_common::{EventKind, Job, StateType, Timestamp};
use flowmill_expression::is_truthy;
use flowmill_tasks::{TaskError, WorkingDirectory};
use serde_json::{Map, Value, json};

use crate::attempt::{self, Attempt, Ended};
use crate::results::{now, report};
use crate::running::StopReason;
use crate::variables::Variables;

/// Runs the children of a job. None when it is handed back, with all its children.
pub(crate) async fn run(group: &Attempt<'_>) -> Option<Ended> {
    let ended = match with_files(group).await {
        Ok(Some((state, values))) => Some(group.keep(state, values).await),
        Ok(None) => None,
        Err(error) => {
            group.context.log(Level::Error, error.to_string());
            Some(Ended {
                state: StateType::Failed,
                outputs: Outputs::None,
            })
        }
    };
    group.close(ended.as_ref().map(|ended| ended.state)).await;
    ended
}

/// Runs the children between the files that they find and those that are kept.
async fn with_files(
    group: &Attempt<'_>,
) -> Result<Option<(StateType, Map<String, Value>)>, TaskError> {
    let context = &group.context;
    let files = WorkingDirectory::read(&context.job.properties)
        .map_err(|error| TaskError::failed(error.to_string()))?;
    group.make_directory()?;
    let prepared = files.prepare(context).await?;
    let Some(state) = children(group).await else {
        return Ok(None);
    };
    match state {
        StateType::Killed => Ok(Some((state, Map::new()))),
        // what is there may tell why it failed
        StateType::Failed => {
            let values = files
                .collect(context, &prepared)
                .await
                .unwrap_or_else(|error| {
                    context.log(Level::Warn, error.to_string());
                    Map::new()
                });
            Ok(Some((state, values)))
        }
        state => Ok(Some((state, files.collect(context, &prepared).await?))),
    }
}

async fn children(group: &Attempt<'_>) -> Option<StateType> {
    let mut variables = group.world.variables.clone();
    let mut state = StateType::Success;
    for child in &group.context.job.children {
        let started = now();
        let job = Arc::new(job_of(&group.context.job, child));
        let seen = variables_of(&variables, &group.context.job, child, started);
        let ended = match attempt::resolved(group.shared, seen).await {
            Ok(seen) => {
                run_child(
                    &Attempt::new(group.shared, job, seen, group.directory, group.handle),
                    child,
                )
                .await?
            }
            Err(message) => attempt::hopeless(started, group.shared, &job, message),
        };
        variables = with_result(&variables, &group.context.job, child, &ended);
        let worst = allowed(child, ended.state);
        tell(
            group,
            child,
            started,
            Ended {
                state: worst,
                ..ended
            },
        )
        .await;
        match worst {
            StateType::Failed | StateType::Killed => return Some(worst),
            StateType::Warning => state = StateType::Warning,
            _ => {}
        }
    }
    Some(state)
}

/// Runs one child, unless its `runIf` says no.
async fn run_child(attempt: &Attempt<'_>, child: &ChildJob) -> Option<Ended> {
    match is_wanted(attempt, child).await {
        Ok(true) => Box::pin(attempt.run()).await,
        Ok(false) => Some(Ended {
            state: StateType::Skipped,
            outputs: Outputs::None,
        }),
        Err(error) => {
            let message = format!(
                "Failed to evaluate the runIf condition for task {}. Cause: {error}",
                child.task_id
            );
            attempt.context.log(Level::Error, message);
            attempt.close(Some(StateType::Failed)).await;
            Some(Ended {
                state: StateType::Failed,
                outputs: Outputs::None,
            })
        }
    }
}

async fn is_wanted(attempt: &Attempt<'_>, child: &ChildJob) -> Result<bool, TaskError> {
    if attempt.handle.reason() == Some(StopReason::Killed) {
        return Ok(true);
    }
    match &child.run_if {
        Some(condition) => Ok(is_truthy(&attempt.context.render(condition).await?)),
        None => Ok(true),
    }
}

/// Tells the executor of a child that ended.
async fn tell(group: &Attempt<'_>, child: &ChildJob, started: Timestamp, ended: Ended) {
    let job = &group.context.job;
    let kind = EventKind::ChildFinished(Box::new(ChildFinished {
        parent: job.run.clone(),
        dispatch: job.dispatch,
        task_id: child.task_id.clone(),
        worker: group.shared.name.clone(),
        started,
        state: ended.state,
        outputs: ended.outputs,
    }));
    report(
        &*group.shared.parts.queue,
        job,
        now(),
        kind,
        &group.shared.give_up,
    )
    .await;
}

fn allowed(child: &ChildJob, state: StateType) -> StateType {
    let state = if state == StateType::Failed && child.allow_failure {
        StateType::Warning
    } else {
        state
    };
    if state == StateType::Warning && child.allow_warning {
        StateType::Success
    } else {
        state
    }
}

/// The child as a job of its own.
fn job_of(group: &Job, child: &ChildJob) -> Job {
    Job {
        run: child.run.clone(),
        attempt: 0,
        task_id: child.task_id.clone(),
        task_type: child.task_type.clone(),
        value: None,
        iteration: None,
        properties: child.properties.clone(),
        timeout: child.timeout.clone(),
        log_level: child.log_level,
        children: Vec::new(),
        ..group.clone()
    }
}

/// What the child's expressions see: itself as `task` and `taskrun`, the group as its parent.
fn variables_of(
    variables: &Variables,
    group: &Job,
    child: &ChildJob,
    started: Timestamp,
) -> Variables {
    let written_type = child
        .properties
        .get("type")
        .cloned()
        .unwrap_or_else(|| json!(&*child.task_type));
    variables.changed(|all| {
        all.insert(
            "task".into(),
            json!({"id": &*child.task_id, "type": written_type}),
        );
        let mut taskrun = json!({
            "id": child.run.as_str(),
            "startDate": started.to_string(),
            "attemptsCount": 0,
            "parentId": group.run.as_str(),
        });
        let mut of_group = json!({"id": group.run.as_str()});
        if let Some(value) = &group.value {
            // a child shows the value of its group, as in Kestra
            taskrun["value"] = (**value).into();
            of_group["value"] = (**value).into();
        }
        all.insert("taskrun".into(), taskrun);
        all.insert("workerTaskrun".into(), of_group);
        if let Some(value) = &group.value {
            let parent = json!({"taskrun": {"value": &**value}});
            let mut parents = vec![parent.clone()];
            parents.extend(
                all.get("parents")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            all.insert("parent".into(), parent);
            all.insert("parents".into(), parents.into());
        }
    })
}

/// The variables after a child: its outputs and its state, below the values of the loops around the group.
fn with_result(variables: &Variables, group: &Job, child: &ChildJob, ended: &Ended) -> Variables {
    let outputs = match &ended.outputs {
        Outputs::Inline(outputs) => (**outputs).clone(),
        // a later child that looks into it has it read then
        Outputs::Stored { path, .. } => json!({flowmill_common::job::STORED_OUTPUTS: &**path}),
        Outputs::None => json!({}),
    };
    variables.changed(|all| {
        if ended.state != StateType::Skipped {
            put(all, "outputs", &child.task_id, &group.loop_values, outputs);
        }
        put(
            all,
            "tasks",
            &child.task_id,
            &[],
            json!({"state": ended.state.name()}),
        );
    })
}

fn put(all: &mut Map<String, Value>, root: &str, task: &str, values: &[Arc<str>], value: Value) {
    let mut here = all;
    for key in [root, task]
        .into_iter()
        .chain(values.iter().map(|value| &**value))
    {
        let entry = here.entry(key).or_insert_with(|| json!({}));
        if !entry.is_object() {
            *entry = json!({});
        }
        here = entry.as_object_mut().expect("it was just made one");
    }
    match value {
        Value::Object(members) => here.extend(members),
        other => {
            here.insert("value".into(), other);
        }
    }
}
