//! Killing and deleting many executions. By ids it is all or nothing: one id that does not fit, and none is acted upon.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use flowmill_backends::repo::executions::Summary;
use flowmill_common::ExecutionId;
use flowmill_common::execution::Header;

use super::act::{DeleteOptions, remove, request_kill};
use super::filter::{self, ExecutionFilters};
use super::wait;
use crate::Api;
use crate::error::{ErrorBody, Result};
use crate::request::{Params, Text};
use crate::wire::bulk::{Bulk, BulkError, Invalid};

/// Kill executions by their ids.
#[utoipa::path(
    delete, path = "/api/v1/executions/kill/by-ids", tag = "executions", operation_id = "killExecutionsByIds",
    request_body = Vec<String>,
    responses(
        (status = 200, body = Bulk),
        (status = 400, body = BulkError, description = "Some are unknown or finished; none was killed."),
        (status = 422, body = ErrorBody),
    ),
)]
pub(crate) async fn kill_by_ids(State(api): State<Api>, body: Text) -> Result<Response> {
    let ids: Vec<String> = body.json()?;
    let (mut fit, mut invalids) = (Vec::new(), Vec::new());
    for id in ids {
        match api
            .executions()
            .header(&ExecutionId::from(id.as_str()))
            .await?
        {
            Some(header) if !header.state.is_terminal() => fit.push(header),
            Some(_) => invalids.push(Invalid::execution(&id, "execution already finished")),
            None => invalids.push(Invalid::execution(&id, "execution not found")),
        }
    }
    if !invalids.is_empty() {
        return Ok(refused("invalid bulk kill", invalids));
    }
    kill_all(&api, &fit).await
}

/// Kill the executions that a search finds and that are not finished.
#[utoipa::path(
    delete, path = "/api/v1/executions/kill/by-query", tag = "executions", operation_id = "killExecutionsByQuery",
    params(ExecutionFilters),
    responses((status = 200, body = Bulk), (status = 400, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn kill_by_query(State(api): State<Api>, params: Params) -> Result<Response> {
    let mut found = matching(&api, &params).await?;
    found.retain(|header| !header.state.is_terminal());
    kill_all(&api, &found).await
}

/// Delete executions by their ids.
#[utoipa::path(
    delete, path = "/api/v1/executions/by-ids", tag = "executions", operation_id = "deleteExecutionsByIds",
    params(DeleteOptions),
    request_body = Vec<String>,
    responses(
        (status = 200, body = Bulk),
        (status = 400, body = BulkError, description = "Some are unknown or not finished; none was deleted."),
        (status = 422, body = ErrorBody),
    ),
)]
pub(crate) async fn delete_by_ids(
    State(api): State<Api>,
    params: Params,
    body: Text,
) -> Result<Response> {
    let ids: Vec<String> = body.json()?;
    let (mut fit, mut invalids) = (Vec::new(), Vec::new());
    for id in ids {
        match api
            .executions()
            .header(&ExecutionId::from(id.as_str()))
            .await?
        {
            Some(header) if wait::is_over(&api, &header.id).await? => fit.push(header),
            _ => invalids.push(Invalid::execution(&id, "execution not found")),
        }
    }
    if !invalids.is_empty() {
        return Ok(refused("invalid bulk delete", invalids));
    }
    delete_all(&api, &fit, &params).await
}

/// Delete the executions that a search finds and that are finished.
#[utoipa::path(
    delete, path = "/api/v1/executions/by-query", tag = "executions", operation_id = "deleteExecutionsByQuery",
    params(ExecutionFilters, DeleteOptions),
    responses((status = 200, body = Bulk), (status = 400, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn delete_by_query(State(api): State<Api>, params: Params) -> Result<Response> {
    let mut over = Vec::new();
    for header in matching(&api, &params).await? {
        if wait::is_over(&api, &header.id).await? {
            over.push(header);
        }
    }
    delete_all(&api, &over, &params).await
}

async fn matching(api: &Api, params: &Params) -> Result<Vec<Header>> {
    let filters = filter::of(params, api.now())?;
    let scope = filter::scope(&filters);
    let keep = |summary: &Summary| filters.test(&|one| filter::keeps(one, summary));
    let found = api.executions().search(&scope, keep);
    let mut headers = Vec::new();
    for summary in found.await? {
        headers.extend(api.executions().header(&summary.id).await?);
    }
    Ok(headers)
}

async fn kill_all(api: &Api, headers: &[Header]) -> Result<Response> {
    for header in headers {
        request_kill(api, header).await?;
    }
    Ok(Json(Bulk::of(headers.len())).into_response())
}

async fn delete_all(api: &Api, headers: &[Header], params: &Params) -> Result<Response> {
    for header in headers {
        remove(api, header, params).await?;
    }
    Ok(Json(Bulk::of(headers.len())).into_response())
}

fn refused(message: &str, invalids: Vec<Invalid>) -> Response {
    (
        StatusCode::BAD_REQUEST,
        Json(BulkError {
            message: message.to_owned(),
            invalids,
        }),
    )
        .into_response()
}
