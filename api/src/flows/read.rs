//! Reading one flow.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use flowmill_backends::repo::flows::CompiledRevision;
use flowmill_common::Flow;
use serde_json::Value;
use utoipa::IntoParams;

use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::Params;
use crate::wire::flow::{self, FlowSchema, Source};

/// What of a flow is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
struct Wanted {
    /// With the text. Default false.
    source: Option<bool>,
    /// This revision. Default the newest.
    revision: Option<u32>,
    /// Also a deleted one. Default false.
    #[param(rename = "allowDeleted")]
    allow_deleted: Option<bool>,
}

/// Get a flow.
#[utoipa::path(
    get, path = "/api/v1/flows/{namespace}/{id}", tag = "flows", operation_id = "flow",
    params(("namespace" = String, Path), ("id" = String, Path), Wanted),
    responses((status = 200, body = FlowSchema), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn get(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Value>> {
    let source = if params.flag("source")?.unwrap_or(false) {
        Source::Shown
    } else {
        Source::Hidden
    };
    let deleted_too = params.flag("allowDeleted")?.unwrap_or(false);
    let head = api
        .flows()
        .head(&namespace, &id)
        .await?
        .filter(|head| deleted_too || !head.deleted);
    let newest = head.ok_or_else(|| ApiError::not_found(""))?.revision;
    let wanted = params.parsed("revision")?.unwrap_or(newest);
    let found = api.cache().revision(&namespace, &id, wanted).await?;
    let found = found.ok_or_else(|| ApiError::not_found(""))?;
    Ok(Json(flow::revision(&namespace, &id, &found, source)))
}

/// List the revisions of a flow, oldest first, with their texts.
#[utoipa::path(
    get, path = "/api/v1/flows/{namespace}/{id}/revisions", tag = "flows", operation_id = "listFlowRevisions",
    params(
        ("namespace" = String, Path), ("id" = String, Path),
        ("allowDelete" = Option<bool>, Query, description = "Also of a deleted flow. Default true."),
    ),
    responses((status = 200, body = Vec<FlowSchema>), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn revisions(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Vec<Value>>> {
    let deleted_too = params.flag("allowDelete")?.unwrap_or(true);
    let head = api
        .flows()
        .head(&namespace, &id)
        .await?
        .filter(|head| deleted_too || !head.deleted);
    let missing = || ApiError::not_found(format!("Flow {namespace}.{id} doesn't exist"));
    head.ok_or_else(missing)?;
    let mut all = Vec::new();
    for stored in api.flows().revisions(&namespace, &id).await? {
        if let Some(found) = api
            .cache()
            .revision(&namespace, &id, stored.revision)
            .await?
        {
            all.push(flow::revision(&namespace, &id, &found, Source::Shown));
        }
    }
    Ok(Json(all))
}

/// Get a task of a flow, anywhere in its tree.
#[utoipa::path(
    get, path = "/api/v1/flows/{namespace}/{id}/tasks/{taskId}", tag = "flows", operation_id = "taskFromFlow",
    params(
        ("namespace" = String, Path), ("id" = String, Path), ("taskId" = String, Path),
        ("revision" = Option<u32>, Query, description = "Of this revision. Default the newest."),
    ),
    responses((status = 200, body = Object, description = "The task as it is written."), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn task(
    State(api): State<Api>,
    Path((namespace, id, task)): Path<(String, String, String)>,
    params: Params,
) -> Result<Json<Value>> {
    let found = match params.parsed("revision")? {
        Some(revision) => of_revision(&api, &namespace, &id, revision)
            .await?
            .map(|found| found.1),
        None => latest(&api, &namespace, &id).await?.map(|found| found.1),
    };
    let found = found.ok_or_else(|| ApiError::not_found(""))?;
    let lists = ["tasks", "errors", "finally", "afterExecution"];
    let written = lists
        .iter()
        .find_map(|list| find_task(found.document.get(*list)?, &task));
    written
        .map(|written| Json(written.clone()))
        .ok_or_else(|| ApiError::not_found(""))
}

/// The newest revision of a flow, compiled; `None` when there is none. 409 when it does not compile any more.
pub(crate) async fn latest(
    api: &Api,
    namespace: &str,
    id: &str,
) -> Result<Option<(Arc<CompiledRevision>, Arc<Flow>)>> {
    match api.cache().latest(namespace, id).await? {
        Some(found) => Ok(Some((found.clone(), compiled(&found)?))),
        None => Ok(None),
    }
}

/// The same for a certain revision, of a deleted flow too.
pub(crate) async fn of_revision(
    api: &Api,
    namespace: &str,
    id: &str,
    revision: u32,
) -> Result<Option<(Arc<CompiledRevision>, Arc<Flow>)>> {
    match api.cache().revision(namespace, id, revision).await? {
        Some(found) => Ok(Some((found.clone(), compiled(&found)?))),
        None => Ok(None),
    }
}

fn compiled(found: &CompiledRevision) -> Result<Arc<Flow>> {
    found.flow.clone().map_err(|diagnostics| {
        let why = super::violations::constraints(&diagnostics, &found.revision.source);
        ApiError::illegal_state(format!("Cannot execute an invalid flow: {why}"))
            .with_diagnostics(diagnostics.to_vec())
    })
}

/// The task of this id in a list of tasks, or in whatever holds tasks below.
fn find_task<'a>(within: &'a Value, id: &str) -> Option<&'a Value> {
    match within {
        Value::Array(list) => list.iter().find_map(|inner| find_task(inner, id)),
        Value::Object(map) => {
            if map.get("id").and_then(Value::as_str) == Some(id) && map.contains_key("type") {
                return Some(within);
            }
            map.values()
                .filter(|inner| inner.is_array() || inner.is_object())
                .find_map(|inner| find_task(inner, id))
        }
        _ => None,
    }
}
