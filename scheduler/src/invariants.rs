//! What always holds of an execution: checked by the property tests and the simulation, counted in production.

use flowmill_common::execution::{Execution, TaskRun};
use flowmill_common::flow::{Flow, Flowable};
use flowmill_common::{StateType, TaskRunId};

/// Every rule that this execution breaks, as a sentence; none for a healthy one.
pub fn broken(flow: &Flow, execution: &Execution) -> Vec<String> {
    let mut broken = Vec::new();
    for run in execution.runs.iter() {
        let id = &run.id;
        if run.state.histories().is_empty() {
            broken.push(format!("task run {id} has no state"));
        }
        if let Some(parent) = &run.parent
            && execution.runs.get(parent).is_none()
        {
            broken.push(format!("task run {id} has no parent {parent}"));
        }
        if !run.state.is_terminal() {
            broken.extend(waits_for_nothing(flow, execution, run));
        }
        if execution.header.state.current() == StateType::Killed
            && !run.state.is_terminal()
            && !after(execution, run)
        {
            broken.push(format!(
                "task run {id} is {} in a killed execution",
                run.state.current()
            ));
        }
        if let Some(progress) = &run.progress
            && let Some(limit) = limit(flow, run)
            && progress.open > limit
        {
            broken.push(format!(
                "task run {id} has {} open children, over its limit of {limit}",
                progress.open
            ));
        }
    }
    if !execution.header.state.is_terminal() && is_idle(execution) {
        broken.push(format!(
            "execution {} is {} and nothing will move it",
            execution.header.id,
            execution.header.state.current()
        ));
    }
    broken
}

/// A task run that is not over must have somebody who will move it.
fn waits_for_nothing(flow: &Flow, execution: &Execution, run: &TaskRun) -> Option<String> {
    let moved = match run.state.current() {
        StateType::Submitted => run.dispatch > 0,
        StateType::Running => {
            run.dispatch > 0
                || has_open_child(execution, &run.id)
                || flow.task(&run.task_id).is_none()
        }
        StateType::Paused | StateType::Retrying => run.wake_at.is_some(),
        _ => false,
    };
    (!moved).then(|| {
        format!(
            "task run {} of {} is {} and nothing will move it",
            run.id,
            run.task_id,
            run.state.current()
        )
    })
}

fn has_open_child(execution: &Execution, id: &TaskRunId) -> bool {
    execution
        .runs
        .iter()
        .any(|run| run.parent.as_ref() == Some(id) && !run.state.is_terminal())
}

/// Whether a task run belongs to what runs after the end.
fn after(execution: &Execution, run: &TaskRun) -> bool {
    let mut top = run;
    while let Some(parent) = top
        .parent
        .as_ref()
        .and_then(|parent| execution.runs.get(parent))
    {
        top = parent;
    }
    top.branch == flowmill_common::flow::Branch::AfterExecution
}

fn is_idle(execution: &Execution) -> bool {
    let waits = execution.header.state.current() == StateType::Created
        && execution.header.schedule_date.is_some();
    !waits && !execution.runs.iter().any(|run| !run.state.is_terminal())
}

fn limit(flow: &Flow, run: &TaskRun) -> Option<u64> {
    let limit = match flow.task(&run.task_id)?.flowable()? {
        Flowable::ForEach {
            concurrency_limit, ..
        } => *concurrency_limit,
        Flowable::Parallel { concurrent, .. }
        | Flowable::Dag { concurrent, .. }
        | Flowable::EachParallel { concurrent, .. } => *concurrent,
        Flowable::Sequential { .. }
        | Flowable::AllowFailure { .. }
        | Flowable::If { .. }
        | Flowable::Switch { .. } => 1,
        Flowable::LoopUntil { .. } => 1,
        Flowable::WorkingDirectory { .. } => return None,
    };
    (limit > 0).then_some(limit as u64)
}
