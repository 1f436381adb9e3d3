//! What was measured, and how it stands to what was aimed at.

use std::time::Duration;

use serde::Serialize;

use super::latency::{Latencies, Summary};
use super::server::Cost;

/// Figures of a server of several processes.
const PUBLISHED: &str = "messages published for each task";
const ROUND_TRIPS: &str = "round trips to the store for each task";

/// The outcome of one workload.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    /// `W1`.
    pub(super) workload: &'static str,
    /// What was done.
    pub(super) description: String,
    /// How long an execution took, from the request until its end was answered.
    pub(super) latency: Summary,
    /// Executions per second over the whole measurement.
    pub(super) rate: f64,
    /// CPU time of the server for each task, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu_micros_per_task: Option<f64>,
    /// CPU time of the server for each execution, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu_millis_per_execution: Option<f64>,
    /// How often the disk was waited for, for each execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fsyncs_per_execution: Option<f64>,
    /// Answers that were errors, or executions that did not succeed.
    pub(super) errors: u64,
    /// What was aimed at, and whether it was reached.
    pub(super) targets: Vec<Target>,
    /// Further figures, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) more: Vec<Figure>,
}

/// Something that was aimed at.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    /// `p50`.
    pub(super) what: String,
    /// What was measured.
    pub(super) measured: f64,
    /// The bound.
    pub(super) bound: f64,
    /// Of both.
    pub(super) unit: &'static str,
    /// Whether more is better.
    pub(super) at_least: bool,
}

/// A figure with a name.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
}

impl Target {
    /// At most so much.
    pub(super) fn at_most(
        what: impl Into<String>,
        measured: f64,
        bound: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            what: what.into(),
            measured,
            bound,
            unit,
            at_least: false,
        }
    }

    /// At least so much.
    pub(super) fn at_least(
        what: impl Into<String>,
        measured: f64,
        bound: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            what: what.into(),
            measured,
            bound,
            unit,
            at_least: true,
        }
    }

    /// Whether it was reached.
    pub(super) fn is_reached(&self) -> bool {
        if self.at_least {
            self.measured >= self.bound
        } else {
            self.measured <= self.bound
        }
    }
}

impl Outcome {
    /// The outcome of so many executions of so many tasks each.
    pub(super) fn new(
        workload: &'static str,
        description: impl Into<String>,
        latencies: &Latencies,
        errors: u64,
    ) -> Self {
        let latency = latencies.summary();
        Self {
            workload,
            description: description.into(),
            latency,
            rate: 0.0,
            cpu_micros_per_task: None,
            cpu_millis_per_execution: None,
            fsyncs_per_execution: None,
            errors,
            targets: Vec::new(),
            more: Vec::new(),
        }
    }

    /// With what the server spent between two moments.
    pub(super) fn costing(mut self, before: Cost, after: Cost, tasks_each: usize) -> Self {
        let executions = self.latency.count.max(1) as f64;
        let tasks = executions * tasks_each.max(1) as f64;
        let mut by_name: Vec<(String, Duration)> = Vec::new();
        for ((name, after), (_, before)) in after.each.iter().zip(&before.each) {
            let spent = after.saturating_sub(*before);
            match by_name.iter_mut().find(|(other, _)| other == name) {
                Some((_, sum)) => *sum += spent,
                None => by_name.push((name.clone(), spent)),
            }
        }
        for (name, spent) in by_name {
            let each = spent.as_secs_f64() * 1e6 / tasks;
            self = self.with(format!("CPU of {name} for each task"), each, "µs");
        }
        if !after.each.is_empty() {
            let published = (after.published - before.published) as f64 / tasks;
            let requests = (after.requests - before.requests) as f64 / tasks;
            self = self
                .with(PUBLISHED, published, "")
                .with(ROUND_TRIPS, requests, "");
        }
        let spent: Duration = after.cpu.saturating_sub(before.cpu);
        self.rate =
            self.latency.count as f64 / after.at.duration_since(before.at).as_secs_f64().max(1e-9);
        self.cpu_micros_per_task =
            Some(spent.as_secs_f64() * 1e6 / executions / tasks_each.max(1) as f64);
        self.cpu_millis_per_execution = Some(spent.as_secs_f64() * 1e3 / executions);
        self.fsyncs_per_execution = Some((after.fsyncs - before.fsyncs) as f64 / executions);
        self
    }

    /// With what a worker task of several processes may cost in messages and round trips.
    pub(super) fn aiming_at_two_crossings(self) -> Self {
        let targets = [PUBLISHED, ROUND_TRIPS].map(|name| {
            let figure = self.more.iter().find(|figure| figure.name == name);
            Target::at_most(
                name,
                figure.map_or(f64::NAN, |figure| figure.value),
                2.0,
                "",
            )
        });
        targets.into_iter().fold(self, Self::aiming)
    }

    /// With something that was aimed at.
    pub(super) fn aiming(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// With a further figure.
    pub(super) fn with(mut self, name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        self.more.push(Figure {
            name: name.into(),
            value,
            unit,
        });
        self
    }
}
