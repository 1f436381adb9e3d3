//! Functions on what an execution has done.

use std::sync::Arc;

use crate::evaluate::Call;
use crate::filters::{java_text, wrong_class};
use crate::table::{Doc, Function, Parameters};
use crate::value::{Kind, List, MapBuilder};
use crate::{Error, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "currentEachOutput",
        parameters: Parameters::Names(&["outputs"]),
        doc: Doc {
            signature: "currentEachOutput(outputs)",
            text: "The outputs of a sibling task within the same iteration of a loop; gone in Kestra 2.0.",
            example: "{{ currentEachOutput(outputs.make).value }}",
            result: "two",
        },
        run: current_each_output,
    },
    Function {
        name: "tasksWithState",
        parameters: Parameters::Names(&["state"]),
        doc: Doc {
            signature: "tasksWithState(state)",
            text: "The tasks of the execution in a state: a list of `taskId`, `state` and, in loops, `value`.",
            example: "{{ tasksWithState('FAILED') }}",
            result: "[{\"state\":\"FAILED\",\"taskId\":\"load\"}]",
        },
        run: tasks_with_state,
    },
    Function {
        name: "parentOutput",
        parameters: Parameters::Names(&["index"]),
        doc: Doc {
            signature: "parentOutput(index)",
            text: "The outputs of the parent task; with an index those of an ancestor, counted from the outermost as 0.",
            example: "{{ parentOutput() }}",
            result: "{\"x\":1}",
        },
        run: parent_output,
    },
    Function {
        name: "iterationOutput",
        parameters: Parameters::Names(&["taskId", "iteration"]),
        doc: Doc {
            signature: "iterationOutput(taskId, iteration)",
            text: "The `value` output of an iteration of a loop: by default of this task and the one before.",
            example: "{{ iterationOutput() }} {{ iterationOutput('here', 0) }}",
            result: "second first",
        },
        run: iteration_output,
    },
    Function {
        name: "loopOutputs",
        parameters: Parameters::Names(&["outputs", "name"]),
        doc: Doc {
            signature: "loopOutputs(outputs, name)",
            text: "One output of every iteration of a loop, as a list.",
            example: "{{ loopOutputs([{'outputs': {'r': 1}}, {'outputs': {'r': 2}}], 'r') }}",
            result: "[1,2]",
        },
        run: loop_outputs,
    },
    Function {
        name: "env",
        parameters: Parameters::Names(&["name", "default"]),
        doc: Doc {
            signature: "env(name, default)",
            text: "An environment variable that Kestra lets through (`envs`), or the default if it is missing or empty.",
            example: "{{ env('host', 'localhost') }}",
            result: "localhost",
        },
        run: env,
    },
    Function {
        name: "fileURI",
        parameters: Parameters::Names(&["path"]),
        doc: Doc {
            signature: "fileURI(path)",
            text: "The address of a namespace file.",
            example: "{{ fileURI('scripts/main.py') }}",
            result: "kestra:///company/team/_files/scripts/main.py",
        },
        run: file_uri,
    },
];

/// The value of the task run of a parent or of this task.
fn run_value(holder: &Value) -> Result<Option<Value>, Error> {
    let Some(taskrun) = holder.get("taskrun")? else {
        return Ok(None);
    };
    Ok(taskrun.get("value")?.filter(|value| !value.is_null()))
}

/// The values of the enclosing task runs, from the outermost.
fn parent_values(call: &Call<'_, '_>) -> Result<Vec<Value>, Error> {
    let parents = call
        .variable("parents")?
        .and_then(|parents| parents.as_list())
        .unwrap_or_default();
    let values = parents.iter().rev().map(run_value);
    Ok(values
        .collect::<Result<Vec<Option<Value>>, Error>>()?
        .into_iter()
        .flatten()
        .collect())
}

fn below(call: &Call<'_, '_>, value: &Value, key: &Value) -> Result<Option<Value>, Error> {
    value.get(&java_text(call, key)?)
}

fn current_each_output(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let missing = "The 'currentEachOutput' function expects an argument 'outputs'.";
    let mut outputs = call
        .given(0)
        .cloned()
        .ok_or_else(|| Error::evaluation(missing))?;
    if outputs.kind() != Kind::Map {
        return Err(Error::evaluation(
            "The 'currentEachOutput' function expects an argument 'outputs' with type map.",
        ));
    }
    for value in parent_values(call)? {
        outputs = below(call, &outputs, &value)?.unwrap_or_default();
    }
    let taskrun = call.variable("taskrun")?.unwrap_or_default();
    match taskrun.get("value")? {
        Some(value) => Ok(below(call, &outputs, &value)?.unwrap_or_default()),
        None => Ok(outputs),
    }
}

fn tasks_with_state(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let state = call.require(
        0,
        "The 'tasksWithState' function expects an argument 'state'.",
    )?;
    let state = state
        .as_str()
        .ok_or_else(|| wrong_class(state, "java.lang.String"))?
        .to_uppercase();
    let Some(tasks) = call.variable("tasks")? else {
        return Ok(Value::from(Vec::new()));
    };
    let tasks = tasks.as_map()?.unwrap_or_default();
    let mut found = Vec::new();
    for (task, value) in tasks.iter() {
        call.session().step()?;
        if value
            .get("state")?
            .is_some_and(|state| state.as_str().is_some())
        {
            add_with_state(&state, task, None, value, &mut found)?;
            continue;
        }
        for (iteration, value) in value.as_map()?.unwrap_or_default().iter() {
            call.session().step()?;
            add_with_state(&state, task, Some(iteration), value, &mut found)?;
        }
    }
    Ok(Value::from(found))
}

fn add_with_state(
    wanted: &str,
    task: &Arc<str>,
    iteration: Option<&Arc<str>>,
    run: &Value,
    found: &mut Vec<Value>,
) -> Result<(), Error> {
    let Some(state) = run.get("state")? else {
        return Ok(());
    };
    if state
        .as_str()
        .is_none_or(|state| state.to_uppercase() != wanted)
    {
        return Ok(());
    }
    let mut entry = MapBuilder::with_capacity(3);
    entry.insert("state", state);
    if let Some(iteration) = iteration {
        entry.insert("value", Value::Str(Arc::clone(iteration)));
    }
    entry.insert("taskId", Value::Str(Arc::clone(task)));
    found.push(Value::Map(entry.build()));
    Ok(())
}

fn parent_output(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let Some(index) = call.get(0) else {
        let parent = call.variable("parent")?.unwrap_or_default();
        return ancestor_output(call, &parent);
    };
    let Some(index) = index.as_int() else {
        return Err(Error::evaluation(
            "The 'parentOutput' function expects an argument 'index' of type integer.",
        ));
    };
    let parents = call
        .variable("parents")?
        .and_then(|parents| parents.as_list())
        .unwrap_or_default();
    let from_outermost = usize::try_from(index)
        .ok()
        .and_then(|index| parents.iter().rev().nth(index));
    let Some(ancestor) = from_outermost else {
        return Err(Error::evaluation(format!(
            "Invalid index: {index} for parents size: {}",
            parents.len()
        )));
    };
    ancestor_output(call, ancestor)
}

/// The outputs of an enclosing task run: below its task, and below its value if it has one.
fn ancestor_output(call: &Call<'_, '_>, ancestor: &Value) -> Result<Value, Error> {
    if let Some(outputs) = ancestor.get("outputs")? {
        return Ok(outputs);
    }
    let Some(task) = ancestor.get("task")? else {
        return Ok(Value::Null);
    };
    let (Some(id), Some(outputs)) = (task.get("id")?, call.variable("outputs")?) else {
        return Ok(Value::Null);
    };
    let Some(outputs) = below(call, &outputs, &id)? else {
        return Ok(Value::Null);
    };
    match run_value(ancestor)? {
        Some(value) => Ok(below(call, &outputs, &value)?.unwrap_or_default()),
        None => Ok(outputs),
    }
}

fn iteration_output(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let taskrun = call.variable("taskrun")?.unwrap_or_default();
    let Some(current) = taskrun
        .get("iteration")?
        .and_then(|iteration| iteration.as_int())
    else {
        return Err(Error::evaluation(
            "The 'iterationOutput' function can only be used inside a loop.",
        ));
    };
    let iteration = match call.get(1) {
        None => current - 1,
        Some(iteration) => iteration
            .as_int()
            .ok_or_else(|| wrong_class(iteration, "java.lang.Long"))?,
    };
    let Ok(index) = usize::try_from(iteration) else {
        let message = format!("Cannot fetch iteration {iteration}: no previous iteration exists.");
        return Err(Error::evaluation(message));
    };
    let task = match call.get(0) {
        Some(task) => task.clone(),
        None => call
            .variable("task")?
            .unwrap_or_default()
            .get("id")?
            .unwrap_or_default(),
    };
    let outputs = call.variable("outputs")?.unwrap_or_default();
    let Some(mut outputs) = below(call, &outputs, &task)? else {
        return Ok(Value::Null);
    };
    for value in parent_values(call)? {
        match below(call, &outputs, &value)? {
            Some(inner) => outputs = inner,
            None => return Ok(Value::Null),
        }
    }
    let Some(iterations) = outputs.as_map()? else {
        return Ok(Value::Null);
    };
    let Some((_, run)) = iterations.iter().nth(index) else {
        let message = format!(
            "The provided index ({iteration}) is out of range. There are {} iterations.",
            iterations.len()
        );
        return Err(Error::evaluation(message));
    };
    Ok(run.get("value")?.unwrap_or_default())
}

fn loop_outputs(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let outputs = call.require(
        0,
        "The 'loopOutputs' function expects a non-null argument 'outputs'.",
    )?;
    let Some(outputs): Option<List> = outputs.as_list() else {
        return Err(Error::evaluation(
            "The 'loopOutputs' function expects 'outputs' to be a list.",
        ));
    };
    let name = call.require(
        1,
        "The 'loopOutputs' function expects a non-null argument 'name'.",
    )?;
    let Some(name) = name.as_str() else {
        return Err(Error::evaluation(
            "The 'loopOutputs' function expects 'name' to be a string.",
        ));
    };
    call.session().charge(outputs.len())?;
    let values = outputs
        .iter()
        .map(|iteration| match iteration.get("outputs")? {
            Some(outputs) => Ok(outputs.get(name)?.unwrap_or_default()),
            None => Ok(Value::Null),
        });
    values
        .collect::<Result<Vec<Value>, Error>>()
        .map(Value::from)
}

fn env(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let name = call.require(0, "The 'env' function expects an argument 'name'.")?;
    let name = name
        .as_str()
        .ok_or_else(|| wrong_class(name, "java.lang.String"))?;
    let value = match call.variable("envs")? {
        Some(envs) => envs.get(name)?,
        None => None,
    };
    let value = value.filter(|value| !value.is_null() && value.as_str() != Some(""));
    Ok(value.or_else(|| call.get(1).cloned()).unwrap_or_default())
}

fn file_uri(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let path = call.require(
        0,
        "The 'fileURI' function expects an argument 'path' that is a path to a namespace file.",
    )?;
    let Some(path) = path.as_str() else {
        return Err(Error::evaluation(format!(
            "Unable to read the file {}",
            java_text(call, path)?
        )));
    };
    if path.contains("../") || path.contains("..\\") {
        return Err(Error::evaluation("Path must not contain '../'"));
    }
    if path == ".." || path.ends_with("/..") {
        return Err(Error::evaluation(
            "File should be accessed with their full path and not using relative '..' path.",
        ));
    }
    if let Some(unit) = path
        .chars()
        .find(|unit| unit.is_control() || " <>\"{}|\\^`".contains(*unit))
    {
        let message = format!("Illegal character in path: `{unit}` in `{path}`");
        return Err(Error::evaluation(message));
    }
    let namespace = call
        .context_text(["flow", "namespace"])?
        .unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path);
    Ok(Value::from(format!(
        "kestra:///{}/_files/{path}",
        namespace.replace('.', "/")
    )))
}
