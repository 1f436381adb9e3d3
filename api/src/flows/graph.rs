//! Graphs of flows.

use axum::Json;
use axum::extract::{Path, State};
use flowmill_common::Flow;
use flowmill_common::execution::Execution;
use flowmill_scheduler::graph;

use super::{create, read};
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::{Params, Text};
use crate::wire::graph::{FlowGraph, draw};

/// Draw a flow.
#[utoipa::path(
    get, path = "/api/v1/flows/{namespace}/{id}/graph", tag = "flows", operation_id = "generateFlowGraph",
    params(
        ("namespace" = String, Path), ("id" = String, Path),
        ("revision" = Option<u32>, Query, description = "This revision. Default the newest."),
    ),
    responses((status = 200, body = FlowGraph), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
)]
pub(crate) async fn of_flow(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
    params: Params,
) -> Result<Json<FlowGraph>> {
    let found = match params.parsed("revision")? {
        Some(revision) => read::of_revision(&api, &namespace, &id, revision).await?,
        None => read::latest(&api, &namespace, &id).await?,
    };
    let missing = || ApiError::not_found(format!("Unable to find flow {namespace}_{id}"));
    let (_, flow) = found.ok_or_else(missing)?;
    Ok(Json(drawn(&api, &flow, None)))
}

/// Draw a flow that is not saved.
#[utoipa::path(
    post, path = "/api/v1/flows/graph", tag = "flows", operation_id = "generateFlowGraphFromSource",
    request_body(content = String, content_type = "application/x-yaml", description = "The flow as YAML."),
    responses((status = 200, body = FlowGraph), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn of_source(State(api): State<Api>, body: Text) -> Result<Json<FlowGraph>> {
    let flow = create::compile(&api, &body.required("flow")?).await?;
    Ok(Json(drawn(&api, &flow, None)))
}

/// The graph of a flow, or of one of its executions.
pub(crate) fn drawn(api: &Api, flow: &Flow, execution: Option<&Execution>) -> FlowGraph {
    match execution {
        Some(execution) => draw(
            &graph::of_execution(flow, execution),
            flow,
            Some((execution, api.now())),
        ),
        None => draw(&graph::of_flow(flow), flow, None),
    }
}
