//! Reading one execution.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flowmill_common::execution::{Execution, Outputs, TaskRuns};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{header, load};
use crate::error::{ApiError, ErrorBody, Result};
use crate::wire::execution::{ExecutionSchema, ExecutionView, StoredOutputs};
use crate::wire::flow::{self, FlowSchema};
use crate::wire::graph::FlowGraph;
use crate::{Api, facts, flows};

/// Of outputs that are kept as files, so many bytes are put into one answer; the rest is shown as empty there.
const MOST_STORED: u64 = 64 << 20;

/// Get an execution.
#[utoipa::path(
    get, path = "/api/v1/executions/{id}", tag = "executions", operation_id = "execution",
    params(("id" = String, Path)),
    responses((status = 200, body = ExecutionSchema), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn get(State(api): State<Api>, Path(id): Path<String>) -> Result<Response> {
    let execution = load(&api, &id).await?;
    let stored = stored_outputs(&api, &execution.runs).await?;
    answer(&view(&api, &execution, &stored))
}

/// Get the flow of an execution, cut down to ids and types, at the revision it runs.
#[utoipa::path(
    get, path = "/api/v1/executions/{id}/flow", tag = "executions", operation_id = "flowFromExecutionById",
    params(("id" = String, Path)),
    responses((status = 200, body = FlowSchema), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn flow(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Value>> {
    let header = header(&api, &id).await?;
    let found = flows::of_revision(
        &api,
        &header.namespace,
        &header.flow_id,
        header.flow_revision,
    )
    .await?;
    let (revision, flow) =
        found.ok_or_else(|| ApiError::not_found("the flow of the execution is gone"))?;
    Ok(Json(flow::for_execution(&flow, &revision.revision)))
}

/// Draw an execution: its flow with its task runs.
#[utoipa::path(
    get, path = "/api/v1/executions/{id}/graph", tag = "executions", operation_id = "executionFlowGraph",
    params(("id" = String, Path)),
    responses((status = 200, body = FlowGraph), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn graph(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<FlowGraph>> {
    let execution = load(&api, &id).await?;
    let header = &execution.header;
    let found = flows::of_revision(
        &api,
        &header.namespace,
        &header.flow_id,
        header.flow_revision,
    )
    .await?;
    let (_, flow) =
        found.ok_or_else(|| ApiError::not_found("the flow of the execution is gone"))?;
    Ok(Json(flows::drawn(&api, &flow, Some(&execution))))
}

/// An execution with everything, as it is now.
pub(super) fn view<'a>(
    api: &Api,
    execution: &'a Execution,
    stored: &'a StoredOutputs,
) -> ExecutionView<'a> {
    ExecutionView {
        header: &execution.header,
        runs: Some(&execution.runs),
        stored: Some(stored),
        url: None,
        now: api.now(),
    }
}

/// An execution as the body of an answer.
pub(super) fn answer(view: &ExecutionView<'_>) -> Result<Response> {
    let bytes = encode(view)?;
    Ok((
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        bytes,
    )
        .into_response())
}

/// JSON, with room for it from the start where there are many task runs.
pub(super) fn encode(view: &ExecutionView<'_>) -> Result<Vec<u8>> {
    const HEADER_BYTES: usize = 1024;
    const RUN_BYTES: usize = 1024;
    let runs = view.runs.map_or(0, TaskRuns::len);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + runs * RUN_BYTES);
    serde_json::to_writer(&mut bytes, view)
        .map_err(|error| ApiError::internal(format!("cannot encode an execution: {error}")))?;
    Ok(bytes)
}

/// The outputs of these task runs that are kept as files.
pub(crate) async fn stored_outputs(api: &Api, runs: &TaskRuns) -> Result<StoredOutputs> {
    let (mut all, mut total) = (StoredOutputs::new(), 0);
    for run in runs.iter() {
        let Outputs::Stored { path, bytes } = &run.outputs else {
            continue;
        };
        total += bytes;
        if total > MOST_STORED {
            tracing::warn!(task_run = %run.id, "outputs are left out of an answer that would be too large");
            break;
        }
        let text = match facts::read(api, path).await {
            Ok(text) => text,
            Err(error) if error.kind() == flowmill_backends::Kind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let text = String::from_utf8(text)
            .map_err(|_| ApiError::internal(format!("`{path}` is not UTF-8")))?;
        let json = RawValue::from_string(text).map_err(|error| {
            ApiError::internal(format!("the outputs in `{path}` cannot be read: {error}"))
        })?;
        all.insert(run.id.clone(), json);
    }
    Ok(all)
}
