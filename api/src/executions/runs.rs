//! The task runs of an execution in pages, for those that have too many for one answer.

use axum::Json;
use axum::extract::{Path, State};
use flowmill_common::StateType;
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::load;
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::params::unconvertible;
use crate::request::{Page, Paging, Params};
use crate::wire::execution::{TaskRunSchema, TaskRunView};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
struct RunFilters {
    /// Only those that this task run holds; `root` for those that none holds.
    parent: Option<String>,
    /// Only those of this task.
    #[param(rename = "taskId")]
    task_id: Option<String>,
    /// Only those in one of these states.
    state: Option<Vec<String>>,
}

/// List the task runs of an execution in the order of their creation, a page at a time.
#[utoipa::path(
    get, path = "/api/v1/executions/{id}/taskruns", tag = "executions", operation_id = "taskRunsOfExecution",
    params(("id" = String, Path), Paging, RunFilters),
    responses((status = 200, body = Page<TaskRunSchema>), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn task_runs(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Page<Box<RawValue>>>> {
    let paging = Paging::of(&params, &[])?;
    let state = |name| {
        StateType::from_name(name)
            .ok_or_else(|| unconvertible("state", name, "there is no such state"))
    };
    let states: Vec<StateType> = params
        .list("state")
        .into_iter()
        .map(state)
        .collect::<Result<_>>()?;
    let execution = load(&api, &id).await?;
    let parent = params.get("parent");
    let task = params.get("taskId");
    let found = execution.runs.iter().filter(|run| {
        let of_parent = match parent {
            Some("root") => run.parent.is_none(),
            Some(parent) => run.parent.as_ref().is_some_and(|id| id.as_str() == parent),
            None => true,
        };
        let of_task = task.is_none_or(|task| *run.task_id == *task);
        of_parent && of_task && (states.is_empty() || states.contains(&run.state.current()))
    });
    let page = paging.cut(found.collect());
    let now = api.now();
    let results = page.results.iter().map(|run| {
        let view = TaskRunView::of(&execution.header, run, None, now);
        serde_json::value::to_raw_value(&view)
            .map_err(|error| ApiError::internal(error.to_string()))
    });
    let results = results.collect::<Result<_>>()?;
    Ok(Json(page.with(results)))
}
