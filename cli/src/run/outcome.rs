//! How an execution ended: its outputs, its files, and why it failed if it did.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use flowmill_backends::repo::logs::{Filter, Logs};
use flowmill_common::execution::Outputs;
use flowmill_common::log::Level;
use flowmill_common::{Execution, StateType, TaskRun};
use serde_json::Value;

use super::label;
use crate::assemble::Foundation;
use crate::console::{Color, Style};

/// So many failed tasks are explained, with so many of their last lines.
const EXPLAINED: usize = 5;
const LAST_LINES: usize = 10;
/// Longer values of outputs are cut.
const LONGEST_VALUE: usize = 400;

/// How an execution ended.
pub(crate) struct Outcome {
    execution: Execution,
    /// Stored files by what they are called, with their length.
    files: BTreeMap<String, (PathBuf, u64)>,
    failures: Vec<FailedTask>,
}

/// A task that failed.
struct FailedTask {
    label: String,
    exit_code: Option<i64>,
    lines: Vec<String>,
}

impl Outcome {
    /// Gathers it.
    pub(crate) async fn of(execution: Execution, foundation: &Foundation) -> anyhow::Result<Self> {
        let files = files(&execution, foundation).await;
        let failures = failures(&execution, foundation).await?;
        Ok(Self {
            execution,
            files,
            failures,
        })
    }

    /// Its state.
    pub(crate) fn state(&self) -> StateType {
        self.execution.header.state.current()
    }

    /// As people read it.
    pub(crate) fn text(&self, style: Style) -> String {
        let header = &self.execution.header;
        let mut text = String::new();
        let state = self.state();
        let (mark, color) = match state {
            StateType::Success => ("✔", Color::Green),
            StateType::Warning => ("✔", Color::Yellow),
            _ => ("✘", Color::Red),
        };
        let took = label::of_duration(header.state.duration(jiff::Timestamp::now().into()));
        let verdict = style.paint(
            color,
            &format!("{mark} {}.{} {state}", header.namespace, header.flow_id),
        );
        // writing to a string does not fail
        let _ = writeln!(
            text,
            "{verdict} after {took} {}",
            style.paint(Color::Dim, &format!("(execution {})", header.id))
        );
        self.failures(&mut text, style);
        if let Some(outputs) = header
            .outputs
            .as_object()
            .filter(|outputs| !outputs.is_empty())
        {
            let _ = writeln!(text, "{}", style.paint(Color::Bold, "outputs"));
            for (name, value) in outputs {
                let _ = writeln!(text, "  {name}: {}", shown(value));
            }
        }
        if !self.files.is_empty() {
            let _ = writeln!(text, "{}", style.paint(Color::Bold, "files"));
            for (name, (path, length)) in &self.files {
                let _ = writeln!(
                    text,
                    "  {name}: {} ({})",
                    path.display(),
                    label::of_size(*length)
                );
            }
        }
        text
    }

    fn failures(&self, text: &mut String, style: Style) {
        if let Some(error) = &self.execution.header.error {
            let _ = writeln!(text, "{} {error}", style.paint(Color::Red, "failed:"));
        }
        for failure in &self.failures {
            let exit_code = failure.exit_code.filter(|code| *code != 0);
            let exit_code =
                exit_code.map_or_else(String::new, |code| format!(" with exit code {code}"));
            let _ = writeln!(
                text,
                "{} task `{}`{exit_code}",
                style.paint(Color::Red, "failed:"),
                failure.label
            );
            for line in &failure.lines {
                let _ = writeln!(text, "  {}", style.paint(Color::Dim, line));
            }
        }
    }
}

/// The failed tasks themselves, not the flowables that failed because of them.
async fn failures(
    execution: &Execution,
    foundation: &Foundation,
) -> anyhow::Result<Vec<FailedTask>> {
    if execution.header.state.current() != StateType::Failed {
        return Ok(Vec::new());
    }
    let failed: Vec<&TaskRun> = execution
        .runs
        .iter()
        .filter(|run| run.state.current() == StateType::Failed)
        .collect();
    let parents: HashSet<_> = failed
        .iter()
        .filter_map(|run| run.parent.as_ref())
        .collect();
    let mut found = Vec::new();
    for run in failed
        .iter()
        .filter(|run| !parents.contains(&run.id))
        .take(EXPLAINED)
    {
        let exit_code = match &run.outputs {
            Outputs::Inline(outputs) => outputs.get("exitCode").and_then(Value::as_i64),
            Outputs::None | Outputs::Stored { .. } => None,
        };
        let label = label::of_run(execution, run);
        found.push(FailedTask {
            label,
            exit_code,
            lines: last_lines(execution, run, foundation).await?,
        });
    }
    Ok(found)
}

/// The last error lines of a task run; where it has none, its last lines.
async fn last_lines(
    execution: &Execution,
    run: &TaskRun,
    foundation: &Foundation,
) -> anyhow::Result<Vec<String>> {
    let logs = Logs::new(foundation.store.clone(), foundation.installation.partitions);
    for min_level in [Some(Level::Error), None] {
        let filter = Filter {
            min_level,
            run: Some(run.id.clone()),
            ..Filter::default()
        };
        let mut reader = logs.read(&execution.header.id, filter);
        let mut last: Vec<String> = Vec::new();
        while let Some(lines) = reader.next().await? {
            last.extend(
                lines
                    .iter()
                    .flat_map(|line| line.message.lines().map(str::to_owned)),
            );
            last.drain(..last.len().saturating_sub(LAST_LINES));
        }
        if !last.is_empty() {
            return Ok(last);
        }
    }
    Ok(Vec::new())
}

/// The stored files that outputs name, and where they are on this machine.
async fn files(execution: &Execution, foundation: &Foundation) -> BTreeMap<String, (PathBuf, u64)> {
    let mut named = Vec::new();
    for run in execution.runs.iter() {
        if let Outputs::Inline(outputs) = &run.outputs {
            uris(&label::of_run(execution, run), outputs, &mut named);
        }
    }
    let mut files = BTreeMap::new();
    for (name, uri) in named {
        let Some(path) = uri
            .strip_prefix("kestra://")
            .map(|rest| rest.trim_start_matches('/'))
        else {
            continue;
        };
        // what is not there was deleted, or is another execution's
        if let Ok(stat) = foundation.files.stat(path).await {
            files.insert(
                name,
                (
                    Path::new(&foundation.files_directory).join(path),
                    stat.length,
                ),
            );
        }
    }
    files
}

/// Every stored file in a value, by the path of keys that leads to it.
fn uris(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text.starts_with("kestra://") => {
            found.push((name.to_owned(), text.clone()))
        }
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(key, member)| uris(&format!("{name}.{key}"), member, found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| uris(&format!("{name}[{index}]"), item, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}… ({})", &text[..at], label::of_size(text.len() as u64)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_found_at_any_depth_of_the_outputs() {
        let mut found = Vec::new();
        let outputs = json!({"uri": "kestra:///a", "outputFiles": {"x.csv": "kestra:///b"}, "list": [1, "kestra:///c", "no"]});
        uris("task", &outputs, &mut found);
        let expected = [
            ("task.uri", "kestra:///a"),
            ("task.outputFiles.x.csv", "kestra:///b"),
            ("task.list[1]", "kestra:///c"),
        ];
        assert_eq!(
            found,
            expected.map(|(name, uri)| (name.to_owned(), uri.to_owned()))
        );
    }

    #[test]
    fn long_outputs_are_cut() {
        let long = shown(&json!("x".repeat(5000)));
        assert!(long.ends_with("… (5.0 KB)") && long.len() < 500, "{long}");
        assert_eq!(shown(&json!({"a": [1]})), "{\"a\":[1]}");
    }
}
