//! `/metrics`: what tasks measured.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use flowmill_backends::repo::metrics::Measured;
use flowmill_common::{ExecutionId, Timestamp};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::{Page, Paging, Params, date};
use crate::wire::log::MetricView;
use crate::wire::time::Date;

/// Of the attempts of one partition, at most so many are looked at for a chart.
const MOST_ATTEMPTS: usize = 20_000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(of_execution))
        .routes(routes!(names_of_flow))
        .routes(routes!(names_of_task))
        .routes(routes!(tasks))
        .routes(routes!(aggregates_of_flow))
        .routes(routes!(aggregates_of_task))
}

/// List what the tasks of an execution measured.
#[utoipa::path(
    get, path = "/api/v1/metrics/{executionId}", tag = "metrics", operation_id = "searchByExecution",
    params(
        ("executionId" = String, Path), Paging,
        ("taskRunId" = Option<String>, Query, description = "Only of this task run."),
        ("taskId" = Option<String>, Query, description = "Only of this task."),
    ),
    responses((status = 200, body = Page<MetricView>), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn of_execution(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Page<MetricView>>> {
    let paging = Paging::of(&params, &["timestamp", "name", "value", "taskId"])?;
    let (run, task) = (params.get("taskRunId"), params.get("taskId"));
    let measured = api.metrics().of_execution(&ExecutionId::from(id)).await?;
    let wanted = measured.iter().filter(|one| {
        run.is_none_or(|run| one.task_run.as_str() == run)
            && task.is_none_or(|task| *one.task_id == *task)
    });
    let mut all: Vec<_> = wanted
        .flat_map(|one| one.metrics.iter().map(move |metric| (one, metric)))
        .collect();
    paging.order(&mut all, |field, a, b| match field {
        "name" => a.1.name.cmp(&b.1.name),
        "value" => a.1.value.total_cmp(&b.1.value),
        "taskId" => a.0.task_id.cmp(&b.0.task_id),
        _ => a.0.at.cmp(&b.0.at),
    });
    let page = paging.cut(all);
    let results = page
        .results
        .iter()
        .map(|(one, metric)| MetricView::of(one, metric))
        .collect();
    Ok(Json(page.with(results)))
}

/// List the names of what a flow measured in the last 30 days.
#[utoipa::path(
    get, path = "/api/v1/metrics/names/{namespace}/{flowId}", tag = "metrics", operation_id = "listFlowMetrics",
    params(("namespace" = String, Path), ("flowId" = String, Path)),
    responses((status = 200, body = Vec<String>)),
)]
pub(crate) async fn names_of_flow(
    State(api): State<Api>,
    Path((namespace, flow)): Path<(String, String)>,
) -> Result<Json<BTreeSet<String>>> {
    let measured = of_month(&api, &namespace, &flow).await?;
    Ok(Json(
        measured
            .iter()
            .flat_map(|one| one.metrics.iter().map(|metric| metric.name.clone()))
            .collect(),
    ))
}

/// List the names of what a task measured in the last 30 days.
#[utoipa::path(
    get, path = "/api/v1/metrics/names/{namespace}/{flowId}/{taskId}", tag = "metrics",
    operation_id = "listTaskMetrics",
    params(("namespace" = String, Path), ("flowId" = String, Path), ("taskId" = String, Path)),
    responses((status = 200, body = Vec<String>)),
)]
pub(crate) async fn names_of_task(
    State(api): State<Api>,
    Path((namespace, flow, task)): Path<(String, String, String)>,
) -> Result<Json<BTreeSet<String>>> {
    let measured = of_month(&api, &namespace, &flow).await?;
    let of_task = measured.iter().filter(|one| *one.task_id == *task);
    Ok(Json(
        of_task
            .flat_map(|one| one.metrics.iter().map(|metric| metric.name.clone()))
            .collect(),
    ))
}

/// List the tasks of a flow that measured something in the last 30 days.
#[utoipa::path(
    get, path = "/api/v1/metrics/tasks/{namespace}/{flowId}", tag = "metrics", operation_id = "listTasksWithMetrics",
    params(("namespace" = String, Path), ("flowId" = String, Path)),
    responses((status = 200, body = Vec<String>)),
)]
pub(crate) async fn tasks(
    State(api): State<Api>,
    Path((namespace, flow)): Path<(String, String)>,
) -> Result<Json<BTreeSet<String>>> {
    let measured = of_month(&api, &namespace, &flow).await?;
    Ok(Json(
        measured.iter().map(|one| one.task_id.to_string()).collect(),
    ))
}

/// What is aggregated, and over which time.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
struct AggregateOptions {
    /// From this time on. Default 30 days ago.
    #[param(rename = "startDate", format = DateTime)]
    start_date: Option<String>,
    /// Until this time. Default now.
    #[param(rename = "endDate", format = DateTime)]
    end_date: Option<String>,
    /// `sum` (default), `avg`, `min`, `max` or `count`.
    aggregation: Option<String>,
}

/// Measurements by time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MetricAggregations)]
pub(crate) struct Aggregations {
    /// How long the steps are: minute, hour, day or week.
    group_by: &'static str,
    /// One entry for each step, also where nothing was measured.
    aggregations: Vec<Aggregation>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MetricAggregation)]
struct Aggregation {
    name: String,
    value: f64,
    /// When the step begins.
    #[schema(value_type = String, format = DateTime)]
    date: Date,
}

/// Sum up what a flow measured, by time.
#[utoipa::path(
    get, path = "/api/v1/metrics/aggregates/{namespace}/{flowId}/{metric}", tag = "metrics",
    operation_id = "aggregateMetricsFromFlow",
    params(("namespace" = String, Path), ("flowId" = String, Path), ("metric" = String, Path), AggregateOptions),
    responses((status = 200, body = Aggregations), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn aggregates_of_flow(
    State(api): State<Api>,
    Path((namespace, flow, metric)): Path<(String, String, String)>,
    params: Params,
) -> Result<Json<Aggregations>> {
    aggregates(&api, &namespace, &flow, None, &metric, &params).await
}

/// Sum up what a task measured, by time.
#[utoipa::path(
    get, path = "/api/v1/metrics/aggregates/{namespace}/{flowId}/{taskId}/{metric}", tag = "metrics",
    operation_id = "aggregateMetricsFromTask",
    params(
        ("namespace" = String, Path), ("flowId" = String, Path), ("taskId" = String, Path),
        ("metric" = String, Path), AggregateOptions,
    ),
    responses((status = 200, body = Aggregations), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn aggregates_of_task(
    State(api): State<Api>,
    Path((namespace, flow, task, metric)): Path<(String, String, String, String)>,
    params: Params,
) -> Result<Json<Aggregations>> {
    aggregates(&api, &namespace, &flow, Some(&task), &metric, &params).await
}

async fn aggregates(
    api: &Api,
    namespace: &str,
    flow: &str,
    task: Option<&str>,
    metric: &str,
    params: &Params,
) -> Result<Json<Aggregations>> {
    let to = params
        .get("endDate")
        .map_or(Ok(api.now()), |text| date::parse("endDate", text))?;
    let month_before = Timestamp::from_micros(to.as_micros() - 30 * DAY);
    let from = params
        .get("startDate")
        .map_or(Ok(month_before), |text| date::parse("startDate", text))?;
    if from >= to {
        return Err(ApiError::illegal_argument(
            "Start date must be before End Date",
        ));
    }
    let function = Function::named(params.get("aggregation").unwrap_or("sum"))?;
    let measured = api
        .metrics()
        .of_flow(namespace, flow, from, to, MOST_ATTEMPTS)
        .await?;
    let of_task = measured
        .iter()
        .filter(|one| task.is_none_or(|task| *one.task_id == *task));
    let (group_by, step) = step(to.as_micros() - from.as_micros());
    let mut by_step: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for one in of_task {
        let values = one
            .metrics
            .iter()
            .filter(|measured| measured.name == metric)
            .map(|measured| measured.value);
        by_step
            .entry(one.at.as_micros().div_euclid(step))
            .or_default()
            .extend(values);
    }
    let steps = from.as_micros().div_euclid(step)..=to.as_micros().div_euclid(step);
    let aggregation = |number: i64| Aggregation {
        name: metric.to_owned(),
        value: by_step
            .get(&number)
            .map_or(0.0, |values| function.of(values)),
        date: Date(Timestamp::from_micros(number * step)),
    };
    Ok(Json(Aggregations {
        group_by,
        aggregations: steps.map(aggregation).collect(),
    }))
}

/// How long the steps of a chart over so many microseconds are.
fn step(span: i64) -> (&'static str, i64) {
    match span {
        span if span <= 6 * 3600 * SECOND => ("minute", 60 * SECOND),
        span if span <= 7 * DAY => ("hour", 3600 * SECOND),
        span if span <= 365 * DAY => ("day", DAY),
        _ => ("week", 7 * DAY),
    }
}

#[derive(Clone, Copy)]
enum Function {
    Sum,
    Average,
    Least,
    Greatest,
    Count,
}

impl Function {
    fn named(name: &str) -> Result<Self> {
        match name {
            "sum" => Ok(Self::Sum),
            "avg" => Ok(Self::Average),
            "min" => Ok(Self::Least),
            "max" => Ok(Self::Greatest),
            "count" => Ok(Self::Count),
            other => Err(ApiError::illegal_argument(format!(
                "`{other}` is not an aggregation (sum, avg, min, max, count)"
            ))),
        }
    }

    fn of(self, values: &[f64]) -> f64 {
        if values.is_empty() {
            return 0.0;
        }
        let sum: f64 = values.iter().sum();
        match self {
            Self::Sum => sum,
            Self::Average => sum / values.len() as f64,
            Self::Least => values.iter().copied().fold(f64::INFINITY, f64::min),
            Self::Greatest => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Count => values.len() as f64,
        }
    }
}

async fn of_month(api: &Api, namespace: &str, flow: &str) -> Result<Vec<Measured>> {
    let to = Timestamp::from_micros(api.now().as_micros() + 1);
    let from = Timestamp::from_micros(to.as_micros() - 30 * DAY);
    Ok(api
        .metrics()
        .of_flow(namespace, flow, from, to, MOST_ATTEMPTS)
        .await?)
}
