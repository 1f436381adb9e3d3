//! `/outputs` and `/expressions`, as 2.0 has them.

use axum::Json;
use axum::extract::{Path, State};
use flowmill_common::TaskRunId;
use flowmill_common::execution::{Outputs, TaskRun};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, ErrorBody, Result};
use crate::executions::{self, Rendering};
use crate::request::Text;
use crate::{Api, facts, flows};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(of_tasks))
        .routes(routes!(of_task_run))
        .routes(routes!(of_execution))
        .routes(routes!(of_tasks_short))
        .routes(routes!(of_task_run_short))
        .routes(routes!(render))
}

/// A task run that has outputs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskOutputs {
    task_id: String,
    task_run_id: String,
    /// The value of the loop it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The iteration of the loop it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    iteration: Option<u64>,
    /// Whether they are kept with the task run; large ones are kept as a file.
    inline: bool,
}

/// List the task runs of an execution that have outputs, without the values.
#[utoipa::path(
    get, path = "/api/v1/outputs/tasks/{executionId}", tag = "outputs", operation_id = "taskOutputs",
    params(("executionId" = String, Path)),
    responses((status = 200, body = Vec<TaskOutputs>), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn of_tasks(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Vec<TaskOutputs>>> {
    let execution = executions::load(&api, &id).await?;
    let shown = |run: &TaskRun| TaskOutputs {
        task_id: run.task_id.to_string(),
        task_run_id: run.id.to_string(),
        value: run.value.as_ref().map(ToString::to_string),
        iteration: run.iteration,
        inline: matches!(run.outputs, Outputs::Inline(_)),
    };
    Ok(Json(
        execution
            .runs
            .iter()
            .filter(|run| !run.outputs.is_none())
            .map(shown)
            .collect(),
    ))
}

/// Get the outputs of a task run.
#[utoipa::path(
    get, path = "/api/v1/outputs/tasks/{executionId}/{taskRunId}", tag = "outputs", operation_id = "taskRunOutputs",
    params(("executionId" = String, Path), ("taskRunId" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn of_task_run(
    State(api): State<Api>,
    Path((id, run)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let execution = executions::load(&api, &id).await?;
    let missing = || ApiError::not_found(format!("the execution has no task run `{run}`"));
    let found = execution
        .runs
        .get(&TaskRunId::from(run.as_str()))
        .ok_or_else(missing)?;
    Ok(Json(match &found.outputs {
        Outputs::None => Value::Object(Map::new()),
        Outputs::Inline(outputs) => (**outputs).clone(),
        Outputs::Stored { path, .. } => {
            let bytes = facts::read(&api, path).await?;
            let unreadable = |error| {
                ApiError::internal(format!("the outputs in `{path}` cannot be read: {error}"))
            };
            serde_json::from_slice(&bytes).map_err(unreadable)?
        }
    }))
}

/// Get the outputs of an execution's flow.
#[utoipa::path(
    get, path = "/api/v1/outputs/executions/{executionId}", tag = "outputs", operation_id = "executionOutputs",
    params(("executionId" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn of_execution(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    Ok(Json(
        (*executions::header(&api, &id).await?.outputs).clone(),
    ))
}

/// The same as `/outputs/tasks/{executionId}`.
#[utoipa::path(
    get, path = "/api/v1/outputs/{executionId}", tag = "outputs", operation_id = "taskOutputsShort",
    params(("executionId" = String, Path)),
    responses((status = 200, body = Vec<TaskOutputs>), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn of_tasks_short(
    state: State<Api>,
    path: Path<String>,
) -> Result<Json<Vec<TaskOutputs>>> {
    of_tasks(state, path).await
}

/// The same as `/outputs/tasks/{executionId}/{taskRunId}`.
#[utoipa::path(
    get, path = "/api/v1/outputs/{executionId}/{taskRunId}", tag = "outputs", operation_id = "taskRunOutputsShort",
    params(("executionId" = String, Path), ("taskRunId" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn of_task_run_short(
    state: State<Api>,
    path: Path<(String, String)>,
) -> Result<Json<Value>> {
    of_task_run(state, path).await
}

/// What to render, and as whom: an execution, a saved flow, a flow's text, or nobody.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RenderRequest {
    expressions: Vec<String>,
    execution_id: Option<String>,
    namespace: Option<String>,
    flow_id: Option<String>,
    /// The text of a flow.
    flow: Option<String>,
}

/// What the expressions came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Rendered {
    /// By expression, what it gave.
    #[schema(value_type = Object)]
    rendered: Map<String, Value>,
    /// By expression, why it failed.
    #[schema(value_type = Object)]
    errors: Map<String, Value>,
}

/// Render expressions.
#[utoipa::path(
    post, path = "/api/v1/expressions/render", tag = "expressions", operation_id = "renderExpressions",
    request_body = RenderRequest,
    responses((status = 200, body = Rendered), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn render(State(api): State<Api>, body: Text) -> Result<Json<Rendered>> {
    let request: RenderRequest = body.json()?;
    let flow = match (
        &request.flow,
        request.namespace.as_deref().zip(request.flow_id.as_deref()),
    ) {
        (Some(source), _) => Some(flows::compiled_source(&api, source).await?),
        (None, Some((namespace, id))) => {
            let found = flows::latest(&api, namespace, id).await?;
            let missing = || ApiError::not_found(format!("Unable to find flow {namespace}.{id}"));
            Some(found.ok_or_else(missing)?.1)
        }
        (None, None) => None,
    };
    let rendering = Rendering {
        execution: request.execution_id,
        flow,
    };
    let mut answer = Rendered {
        rendered: Map::new(),
        errors: Map::new(),
    };
    for (expression, result) in executions::render_all(&api, rendering, request.expressions).await?
    {
        match result {
            Ok(text) => answer.rendered.insert(expression, text.into()),
            Err(message) => answer.errors.insert(expression, message.into()),
        };
    }
    Ok(Json(answer))
}
