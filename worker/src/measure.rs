//! What the worker measures of itself, and how the measurements of a task are combined.

use std::time::Duration;

use flowmill_common::StateType;
use flowmill_common::log::{Metric, MetricKind};

/// A job was taken; how long it had waited.
pub(crate) fn started(task_type: &str, waited: Duration) {
    metrics::counter!("flowmill_worker_started_total", "task_type" => task_type.to_owned())
        .increment(1);
    metrics::histogram!("flowmill_worker_queued_seconds").record(waited);
    metrics::gauge!("flowmill_worker_jobs_running").increment(1.0);
}

/// A job ended.
pub(crate) fn ended(task_type: &str, state: Option<StateType>, took: Duration) {
    let state = state.map_or("HANDED_BACK", StateType::name);
    metrics::gauge!("flowmill_worker_jobs_running").decrement(1.0);
    metrics::counter!("flowmill_worker_ended_total", "task_type" => task_type.to_owned(), "state" => state).increment(1);
    metrics::histogram!("flowmill_worker_ended_seconds", "task_type" => task_type.to_owned())
        .record(took);
}

/// A task took longer than its timeout.
pub(crate) fn timed_out() {
    metrics::counter!("flowmill_worker_timeout_total").increment(1);
}

/// Log lines were dropped.
pub(crate) fn lines_dropped(lines: u64) {
    metrics::counter!("flowmill_worker_log_lines_dropped_total").increment(lines);
}

/// Adds a measurement of a task: same name and tags make one; counters and timers add up, of gauges the last counts.
pub(crate) fn combine(all: &mut Vec<Metric>, metric: Metric) {
    let same = |other: &&mut Metric| {
        other.name == metric.name && other.kind == metric.kind && other.tags == metric.tags
    };
    match all.iter_mut().find(same) {
        Some(other) => match metric.kind {
            MetricKind::Counter | MetricKind::Timer => other.value += metric.value,
            MetricKind::Gauge => other.value = metric.value,
        },
        None => all.push(metric),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_timers_add_up_and_gauges_replace() {
        let mut all = Vec::new();
        for (kind, value) in [
            (MetricKind::Counter, 1.0),
            (MetricKind::Gauge, 5.0),
            (MetricKind::Counter, 2.0),
            (MetricKind::Gauge, 4.0),
        ] {
            combine(
                &mut all,
                Metric {
                    name: "n".into(),
                    kind,
                    value,
                    tags: serde_json::Map::new(),
                },
            );
        }
        assert_eq!(
            all.iter().map(|metric| metric.value).collect::<Vec<_>>(),
            [3.0, 4.0]
        );
    }
}
