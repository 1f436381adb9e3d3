//! Log lines and measurements.

use flowmill_backends::repo::logs::Origin;
use flowmill_backends::repo::metrics::Measured;
use flowmill_common::log::{LogLine, Metric, MetricKind};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::time::Date;

/// One line of an execution's log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogEntry)]
pub(crate) struct LogView<'a> {
    /// The namespace of the flow.
    namespace: &'a str,
    /// The flow.
    flow_id: &'a str,
    /// The task; none for lines about the execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<&'a str>,
    /// The execution.
    execution_id: &'a str,
    /// The task run.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_run_id: Option<&'a str>,
    /// The attempt, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt_number: Option<u32>,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Date,
    /// TRACE, DEBUG, INFO, WARN or ERROR.
    level: &'static str,
    /// The text.
    message: &'a str,
    deleted: bool,
}

impl<'a> LogView<'a> {
    pub(crate) fn of(origin: &'a Origin, line: &'a LogLine) -> Self {
        Self {
            namespace: &origin.namespace,
            flow_id: &origin.flow_id,
            task_id: line.task_id.as_deref(),
            execution_id: origin.execution.as_str(),
            task_run_id: line.task_run.as_ref().map(|run| run.as_str()),
            attempt_number: line.task_run.as_ref().map(|_| line.attempt),
            timestamp: Date(line.at),
            level: line.level.name(),
            message: &line.message,
            deleted: false,
        }
    }
}

/// One measurement of a task run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MetricEntry)]
pub(crate) struct MetricView {
    namespace: String,
    flow_id: String,
    task_id: String,
    execution_id: String,
    task_run_id: String,
    /// counter, timer (milliseconds) or gauge.
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    value: f64,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Date,
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    tags: Map<String, Value>,
}

impl MetricView {
    pub(crate) fn of(measured: &Measured, metric: &Metric) -> Self {
        Self {
            namespace: measured.namespace.to_string(),
            flow_id: measured.flow_id.to_string(),
            task_id: measured.task_id.to_string(),
            execution_id: measured.execution.to_string(),
            task_run_id: measured.task_run.to_string(),
            kind: match metric.kind {
                MetricKind::Counter => "counter",
                MetricKind::Timer => "timer",
                MetricKind::Gauge => "gauge",
            },
            name: metric.name.clone(),
            value: metric.value,
            timestamp: Date(measured.at),
            tags: metric.tags.clone(),
        }
    }
}
