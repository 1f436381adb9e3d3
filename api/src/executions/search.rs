//! Lists of executions.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flowmill_backends::repo::executions::{Scope, Summary};
use serde_json::value::RawValue;

use super::filter::{self, ExecutionFilters};
use super::read;
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::{Page, Paging, Params};
use crate::wire::execution::{ExecutionSchema, ExecutionView};

const SORTS: &[&str] = &[
    "id",
    "state.current",
    "state.startDate",
    "state.endDate",
    "state.duration",
    "namespace",
    "flowId",
];

/// Search executions, newest first unless sorted otherwise.
#[utoipa::path(
    get, path = "/api/v1/executions/search", tag = "executions", operation_id = "searchExecutions",
    params(
        Paging, ExecutionFilters,
        ("light" = Option<bool>, Query, description = "Without `taskRunList`. Default false."),
    ),
    responses(
        (status = 200, body = Page<ExecutionSchema>),
        (status = 400, body = ErrorBody, description = "A filter that this search does not know."),
        (status = 422, body = ErrorBody),
    ),
)]
pub(crate) async fn search(State(api): State<Api>, params: Params) -> Result<Response> {
    let paging = Paging::of(&params, SORTS)?;
    let filters = filter::of(&params, api.now())?;
    let scope = filter::scope(&filters);
    let keep = |summary: &Summary| filters.test(&|one| filter::keeps(one, summary));
    let found = found(&api, &paging, &scope, keep).await?;
    answer(&api, &params, found).await
}

/// List the executions of a flow, newest first.
#[utoipa::path(
    get, path = "/api/v1/executions", tag = "executions", operation_id = "searchExecutionsByFlowId",
    params(("namespace" = String, Query), ("flowId" = String, Query), Paging),
    responses((status = 200, body = Page<ExecutionSchema>), (status = 400, body = ErrorBody)),
)]
pub(crate) async fn of_flow(State(api): State<Api>, params: Params) -> Result<Response> {
    let flow = (
        params.required("namespace")?.to_owned(),
        params.required("flowId")?.to_owned(),
    );
    let paging = Paging::of(&params, SORTS)?;
    let scope = Scope {
        flow: Some(flow),
        ..Scope::default()
    };
    let found = found(&api, &paging, &scope, |_| true).await?;
    answer(&api, &params, found).await
}

/// The wanted page. By time, which is what is asked for most, nothing else needs to be held.
async fn found(
    api: &Api,
    paging: &Paging,
    scope: &Scope,
    keep: impl Fn(&Summary) -> bool,
) -> Result<Page<Summary>> {
    let newest_first = match paging.sort.as_slice() {
        [] => true,
        [sort] => sort.descending && sort.field == "state.startDate",
        _ => false,
    };
    if newest_first {
        let (results, total) = (api.executions())
            .search_page(scope, keep, paging.skip(), paging.size)
            .await?;
        return Ok(Page { results, total });
    }
    let mut all = api.executions().search(scope, keep).await?;
    let now = api.now();
    paging.order(&mut all, |field, a, b| match field {
        "id" => a.id.cmp(&b.id),
        "namespace" => a.namespace.cmp(&b.namespace),
        "flowId" => a.flow_id.cmp(&b.flow_id),
        "state.current" => a.state.name().cmp(b.state.name()),
        "state.endDate" => a.end.cmp(&b.end),
        "state.duration" => duration(a, now).cmp(&duration(b, now)),
        _ => a.start.cmp(&b.start),
    });
    Ok(paging.cut(all))
}

async fn answer(api: &Api, params: &Params, page: Page<Summary>) -> Result<Response> {
    let light = params.flag("light")?.unwrap_or(false);
    let mut results = Vec::with_capacity(page.results.len());
    for summary in &page.results {
        if let Some(json) = shown(api, summary, light).await? {
            results.push(json);
        }
    }
    let page = page.with(results);
    Ok((
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        Json(page),
    )
        .into_response())
}

fn duration(summary: &Summary, now: flowmill_common::Timestamp) -> std::time::Duration {
    summary.end.unwrap_or(now).since(summary.start)
}

/// An execution of a list; `None` when it was deleted meanwhile.
async fn shown(api: &Api, summary: &Summary, light: bool) -> Result<Option<Box<RawValue>>> {
    let bytes = if light {
        let Some(header) = api.executions().header(&summary.id).await? else {
            return Ok(None);
        };
        read::encode(&ExecutionView {
            header: &header,
            runs: None,
            stored: None,
            url: None,
            now: api.now(),
        })?
    } else {
        let Some(execution) = api.executions().load(&summary.id).await? else {
            return Ok(None);
        };
        let view = ExecutionView {
            runs: Some(&execution.runs),
            stored: None,
            ..base(api, &execution)
        };
        read::encode(&view)?
    };
    let text = String::from_utf8(bytes).map_err(|_| ApiError::internal("JSON is UTF-8"))?;
    RawValue::from_string(text)
        .map(Some)
        .map_err(|error| ApiError::internal(error.to_string()))
}

fn base<'a>(api: &Api, execution: &'a flowmill_common::Execution) -> ExecutionView<'a> {
    ExecutionView {
        header: &execution.header,
        runs: None,
        stored: None,
        url: None,
        now: api.now(),
    }
}
