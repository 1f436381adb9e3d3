//! Plain lines, for files and other programs: each with its time, what it is about, and what happened.

use std::collections::HashMap;

use flowmill_common::log::LogLine;
use flowmill_common::{Execution, StateType, TaskRunId, Timestamp};

use crate::console;
use crate::run::label;

/// What was said already.
pub(crate) struct Lines {
    said: HashMap<TaskRunId, StateType>,
    labels: HashMap<TaskRunId, String>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            said: HashMap::new(),
            labels: HashMap::new(),
        }
    }

    pub(super) fn show(&mut self, execution: &Execution) {
        for run in execution.runs.iter() {
            let state = run.state.current();
            if self.said.get(&run.id) == Some(&state) {
                continue;
            }
            self.said.insert(run.id.clone(), state);
            let label = self
                .labels
                .entry(run.id.clone())
                .or_insert_with(|| label::of_run(execution, run));
            if matches!(state, StateType::Created | StateType::Submitted) {
                continue;
            }
            let at = time(run.state.last_change());
            let attempts = if run.attempts.len() > 1 {
                format!(" attempt {}", run.attempts.len())
            } else {
                String::new()
            };
            let took = match state.is_terminal() {
                true => format!(
                    " {}",
                    label::of_duration(run.state.duration(run.state.last_change()))
                ),
                false => String::new(),
            };
            console::line(format!("{at} {label} {state}{attempts}{took}"));
        }
    }

    pub(super) fn log(&mut self, line: &LogLine) {
        let known = line
            .task_run
            .as_ref()
            .and_then(|run| self.labels.get(run).map(String::as_str));
        let label = known.or(line.task_id.as_deref()).unwrap_or("-");
        console::line(format!(
            "{} {label} {} {}",
            time(line.at),
            line.level.name(),
            line.message
        ));
    }
}

fn time(at: Timestamp) -> String {
    at.to_jiff().strftime("%H:%M:%S%.3fZ").to_string()
}
