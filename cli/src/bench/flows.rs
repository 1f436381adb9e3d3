//! The flows of the workloads.

use std::fmt::Write;

/// The namespace of all of them.
pub(super) const NAMESPACE: &str = "bench";

/// W1: one task.
pub(super) fn one_task() -> String {
    flow(
        "w1",
        "  - id: one\n    type: io.kestra.plugin.core.debug.Return\n    format: done\n",
    )
}

/// W2: tasks one after the other, in the executor's own pass or on a worker.
pub(super) fn chain(id: &str, length: usize, on_worker: bool) -> String {
    let mut tasks = String::new();
    for number in 0..length {
        // writing to a string does not fail
        let _ = writeln!(tasks, "  - id: t{number}");
        tasks.push_str(if on_worker { ON_WORKER } else { IN_EXECUTOR });
    }
    flow(id, &tasks)
}

/// W3: a loop of one task, all iterations at once; in the executor's own pass or on a worker.
pub(super) fn for_each(id: &str, iterations: usize, on_worker: bool) -> String {
    match on_worker {
        true => looped(
            id,
            iterations,
            "type: io.kestra.plugin.core.flow.Sleep\n        duration: PT0S",
        ),
        false => looped(
            id,
            iterations,
            "type: io.kestra.plugin.core.debug.Return\n        format: \"{{ taskrun.value }}\"",
        ),
    }
}

/// W6: tasks of 100 ms on workers, all at once.
pub(super) fn sleepers(id: &str, count: usize) -> String {
    looped(
        id,
        count,
        "type: io.kestra.plugin.core.flow.Sleep\n        duration: PT0.1S",
    )
}

fn looped(id: &str, iterations: usize, task: &str) -> String {
    let tasks = format!(
        "  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n    values: \"{{{{ range(1, {iterations}) }}}}\"\n    \
         concurrencyLimit: 0\n    tasks:\n      - id: child\n        {task}\n"
    );
    flow(id, &tasks)
}

/// W4: two tasks, the second uses what the first gave.
pub(super) fn two_tasks() -> String {
    flow(
        "w4",
        "  - id: concat\n    type: io.kestra.plugin.core.output.OutputValues\n    values:\n      message: \"Hello World\"\n  \
         - id: hello\n    type: io.kestra.plugin.core.log.Log\n    message: \"{{ outputs.concat.values.message }}\"\n",
    )
}

/// W5: shell scripts one after the other, as processes of the worker.
pub(super) fn scripts(count: usize) -> String {
    let mut tasks = String::new();
    for number in 0..count {
        // writing to a string does not fail
        let _ = write!(
            tasks,
            "  - id: s{number}\n    type: io.kestra.plugin.scripts.shell.Script\n    taskRunner:\n      \
             type: io.kestra.plugin.core.runner.Process\n    script: \":\"\n"
        );
    }
    flow("w5", &tasks)
}

const IN_EXECUTOR: &str =
    "    type: io.kestra.plugin.core.debug.Return\n    format: \"{{ task.id }}\"\n";
const ON_WORKER: &str = "    type: io.kestra.plugin.core.flow.Sleep\n    duration: PT0S\n";

fn flow(id: &str, tasks: &str) -> String {
    format!("id: {id}\nnamespace: {NAMESPACE}\ntasks:\n{tasks}")
}
