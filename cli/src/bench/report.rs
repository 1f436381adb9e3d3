//! The report: as JSON for programs, as a Markdown table for people.

use std::fmt::Write;

use serde::Serialize;

use super::machine::Machine;
use super::result::Outcome;

/// All that was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) version: &'static str,
    pub(super) profile: &'static str,
    pub(super) at: String,
    pub(super) machine: Machine,
    pub(super) outcomes: Vec<Outcome>,
}

impl Report {
    /// As Markdown.
    pub(super) fn table(&self) -> String {
        let machine = &self.machine;
        let mut text = String::new();
        // writing to a string does not fail
        let _ = writeln!(
            text,
            "flowmill {} ({} build), {}, {} cores, {:.1} GiB, Linux {}, load average {:.2}, {}",
            self.version,
            self.profile,
            machine.cpu,
            machine.cores,
            machine.memory_gib,
            machine.kernel,
            machine.load_average,
            self.at
        );
        let _ = writeln!(
            text,
            "one fsync: p50 {:.2} ms, p99 {:.2} ms; fork/exec of `sh`: p50 {:.2} ms\n",
            machine.fsync.p50, machine.fsync.p99, machine.fork_exec.p50
        );
        text.push_str("| workload | p50 ms | p99 ms | rate /s | CPU µs/task | fsyncs/execution | errors | target |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for outcome in &self.outcomes {
            let _ = writeln!(text, "{}", row(outcome));
        }
        text
    }

    /// How many targets were missed.
    pub(super) fn missed(&self) -> usize {
        self.outcomes
            .iter()
            .flat_map(|outcome| &outcome.targets)
            .filter(|target| !target.is_reached())
            .count()
    }
}

fn row(outcome: &Outcome) -> String {
    let optional = |value: Option<f64>| value.map_or_else(String::new, figure);
    let mut notes: Vec<String> = (outcome.targets.iter())
        .map(|target| {
            let (sign, verdict) = (
                if target.at_least { "≥" } else { "≤" },
                if target.is_reached() { "✓" } else { "✗" },
            );
            let (measured, bound, unit) =
                (figure(target.measured), figure(target.bound), target.unit);
            format!(
                "{verdict} {}: {measured} {sign} {bound} {unit}",
                target.what
            )
        })
        .collect();
    notes.extend(
        outcome
            .more
            .iter()
            .map(|more| format!("{}: {} {}", more.name, figure(more.value), more.unit)),
    );
    format!(
        "| {}: {} | {} | {} | {} | {} | {} | {} | {} |",
        outcome.workload,
        outcome.description,
        figure(outcome.latency.p50),
        figure(outcome.latency.p99),
        if outcome.rate > 0.0 {
            figure(outcome.rate)
        } else {
            String::new()
        },
        optional(outcome.cpu_micros_per_task),
        optional(outcome.fsyncs_per_execution),
        outcome.errors,
        notes.join("<br>"),
    )
}

/// A figure with three digits that mean something.
fn figure(value: f64) -> String {
    match value.abs() {
        value_abs if value_abs >= 100.0 => format!("{value:.0}"),
        value_abs if value_abs >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
