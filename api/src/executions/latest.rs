//! What else is asked about executions of flows.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use flowmill_backends::repo::executions::Scope;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody, Result};
use crate::flows::bulk::FlowName;
use crate::request::{Params, Text};
use crate::wire::flow::{self, FlowSchema};
use crate::wire::time::Date;
use crate::{Api, flows};

/// The newest execution of a flow.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LastExecutionResponse)]
pub(crate) struct Latest {
    id: String,
    flow_id: String,
    namespace: String,
    #[schema(value_type = String, format = DateTime)]
    start_date: Date,
    /// Its state.
    status: &'static str,
}

/// Get the newest execution of each of these flows; flows without executions are left out.
#[utoipa::path(
    post, path = "/api/v1/executions/latest", tag = "executions", operation_id = "latestExecutions",
    request_body = Vec<FlowName>,
    responses((status = 200, body = Vec<Latest>), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn latest(State(api): State<Api>, body: Text) -> Result<Json<Vec<Latest>>> {
    let names: Vec<FlowName> = body.json()?;
    let mut all = Vec::new();
    for name in names {
        let scope = Scope {
            flow: Some((name.namespace, name.id)),
            ..Scope::default()
        };
        let (found, _) = api.executions().search_page(&scope, |_| true, 0, 1).await?;
        all.extend(found.into_iter().next().map(|summary| Latest {
            id: summary.id.to_string(),
            flow_id: summary.flow_id.to_string(),
            namespace: summary.namespace.to_string(),
            start_date: Date(summary.start),
            status: summary.state.name(),
        }));
    }
    Ok(Json(all))
}

/// List the namespaces whose flows can be executed.
#[utoipa::path(
    get, path = "/api/v1/executions/namespaces", tag = "executions", operation_id = "listExecutableDistinctNamespaces",
    responses((status = 200, body = Vec<String>)),
)]
pub(crate) async fn namespaces(State(api): State<Api>) -> Result<Json<BTreeSet<String>>> {
    let heads = api
        .flows()
        .list(None, |head| !head.deleted && !head.disabled)
        .await?;
    Ok(Json(
        heads
            .into_iter()
            .map(|head| head.namespace.to_string())
            .collect(),
    ))
}

/// List the flows of a namespace that can be executed, cut down to ids and types.
#[utoipa::path(
    get, path = "/api/v1/executions/namespaces/{namespace}/flows", tag = "executions",
    operation_id = "listFlowExecutionsByNamespace",
    params(("namespace" = String, Path)),
    responses((status = 200, body = Vec<FlowSchema>)),
)]
pub(crate) async fn flows_of_namespace(
    State(api): State<Api>,
    Path(namespace): Path<String>,
) -> Result<Json<Vec<Value>>> {
    let heads = api
        .flows()
        .list(Some(&namespace), |head| !head.deleted && !head.disabled)
        .await?;
    let mut all = Vec::new();
    for head in heads {
        let found = api
            .cache()
            .revision(&head.namespace, &head.id, head.revision)
            .await?;
        if let Some(found) = found
            && let Ok(flow) = &found.flow
        {
            all.push(flow::for_execution(flow, &found.revision));
        }
    }
    Ok(Json(all))
}

/// Get a flow, cut down to ids and types.
#[utoipa::path(
    get, path = "/api/v1/executions/flows/{namespace}/{flowId}", tag = "executions",
    operation_id = "flowFromExecution",
    params(
        ("namespace" = String, Path), ("flowId" = String, Path),
        ("revision" = Option<u32>, Query, description = "This revision. Default the newest."),
    ),
    responses((status = 200, body = FlowSchema), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn flow_for_execution(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Value>> {
    let found = match params.parsed("revision")? {
        Some(revision) => flows::of_revision(&api, &namespace, &id, revision).await?,
        None => flows::latest(&api, &namespace, &id).await?,
    };
    let missing = || ApiError::not_found(format!("Unable to find flow {namespace}.{id}"));
    let (revision, flow) = found.ok_or_else(missing)?;
    Ok(Json(flow::for_execution(&flow, &revision.revision)))
}
