//! Creating, changing and deleting a flow.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use flowmill_backends::Kind;
use flowmill_backends::repo::flows::{Draft, Expect, Head, Revision, without_revision};
use flowmill_common::Flow;
use serde_json::Value;

use super::violations;
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::{Params, Text};
use crate::wire::flow::{self, FlowSchema, Source};

/// Create a flow.
#[utoipa::path(
    post, path = "/api/v1/flows", tag = "flows", operation_id = "createFlow",
    request_body(content = String, content_type = "application/x-yaml", description = "The flow as YAML."),
    responses(
        (status = 200, body = FlowSchema, description = "The flow, with its source."),
        (status = 422, body = ErrorBody, description = "It exists, or it is not a flow: `diagnostics` says where."),
    ),
)]
pub(crate) async fn create(State(api): State<Api>, body: Text) -> Result<Json<Value>> {
    let source = body.required("flow")?;
    let compiled = compile(&api, &source).await?;
    let head = save(&api, &compiled, &source, Expect::Absent)
        .await
        .map_err(|error| match error.kind() {
            Kind::Conflict => violations::rule("flow.id", "Flow id already exists"),
            _ => error.into(),
        })?;
    Ok(Json(with_source(&compiled, &head, &source)))
}

/// Change a flow.
///
/// Only another text makes another revision.
#[utoipa::path(
    put, path = "/api/v1/flows/{namespace}/{id}", tag = "flows", operation_id = "updateFlow",
    params(("namespace" = String, Path), ("id" = String, Path)),
    request_body(content = String, content_type = "application/x-yaml", description = "The flow as YAML."),
    responses(
        (status = 200, body = FlowSchema, description = "The flow, with its source."),
        (status = 404, body = ErrorBody, description = "There is no such flow."),
        (status = 422, body = ErrorBody, description = "It is not a flow, or one of another id or namespace."),
    ),
)]
pub(crate) async fn update(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
    body: Text,
) -> Result<Json<Value>> {
    let source = body.required("flow")?;
    if api
        .flows()
        .head(&namespace, &id)
        .await?
        .is_none_or(|head| head.deleted)
    {
        return Err(ApiError::not_found(""));
    }
    let compiled = compile(&api, &source).await?;
    check_identity(&compiled, &namespace, &id)?;
    let head = save(&api, &compiled, &source, Expect::Present).await?;
    Ok(Json(with_source(&compiled, &head, &source)))
}

/// Delete a flow.
///
/// Its revisions and executions are kept; created again it goes on counting revisions.
#[utoipa::path(
    delete, path = "/api/v1/flows/{namespace}/{id}", tag = "flows", operation_id = "deleteFlow",
    params(("namespace" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn delete(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    match api.flows().delete(&namespace, &id, api.now()).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(error) if error.kind() == Kind::NotFound => Err(ApiError::not_found("")),
        Err(error) => Err(error.into()),
    }
}

/// Remove old revisions of a flow for good.
#[utoipa::path(
    delete, path = "/api/v1/flows/{namespace}/{id}/revisions", tag = "flows", operation_id = "deleteRevisions",
    params(
        ("namespace" = String, Path), ("id" = String, Path),
        ("revisions" = Vec<u32>, Query, description = "Their numbers; the newest revision cannot be removed."),
    ),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn delete_revisions(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
    params: Params,
) -> Result<Response> {
    params.required("revisions")?;
    let mut revisions = Vec::new();
    for text in params.list("revisions") {
        let number = text.parse().ok().filter(|number| *number >= 1);
        let wrong = || {
            ApiError::invalid_entity(
                "deleteRevisions.revisions: must be greater than or equal to 1",
            )
        };
        revisions.push(number.ok_or_else(wrong)?);
    }
    api.flows().forget(&namespace, &id, &revisions).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Compiles a text that was sent. 422 when it is not a flow.
pub(super) async fn compile(api: &Api, source: &str) -> Result<Flow> {
    let compiled = api
        .cache()
        .compile(source, 1)
        .await
        .map_err(|diagnostics| violations::refused(diagnostics, source))?;
    Ok(compiled.flow)
}

/// The flow of a text that is not saved. 422 when it is not a flow.
pub(crate) async fn compiled_source(api: &Api, source: &str) -> Result<Arc<Flow>> {
    compile(api, source).await.map(Arc::new)
}

/// Saves a compiled text.
pub(super) async fn save(
    api: &Api,
    flow: &Flow,
    source: &str,
    expect: Expect,
) -> flowmill_backends::Result<Head> {
    let draft = Draft {
        namespace: &flow.namespace,
        id: &flow.id,
        source,
        disabled: flow.disabled,
        description: flow.description.as_deref(),
        labels: &flow.labels,
    };
    Ok(api.flows().save(&draft, expect, api.now()).await?.head)
}

fn check_identity(flow: &Flow, namespace: &str, id: &str) -> Result<()> {
    let mut wrong = Vec::new();
    if *flow.id != *id {
        wrong.push("flow.id: Illegal flow id update");
    }
    if *flow.namespace != *namespace {
        wrong.push("flow.namespace: Illegal namespace update");
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid_entity(wrong.join("\n")))
    }
}

fn with_source(flow: &Flow, head: &Head, source: &str) -> Value {
    flow::flow(flow, &revision_of(head, source), Source::Shown)
}

/// The revision that a save has just made, or found unchanged.
pub(super) fn revision_of(head: &Head, source: &str) -> Revision {
    let source = without_revision(source).into();
    Revision {
        revision: head.revision,
        source,
        deleted: head.deleted,
        updated: head.updated,
    }
}
