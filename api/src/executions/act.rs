//! Killing and deleting an execution.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use flowmill_common::ExecutionId;
use flowmill_common::event::{Event, EventKind};
use flowmill_common::execution::Header;
use utoipa::IntoParams;

use super::{create, header, load, read, wait};
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::Params;
use crate::wire::execution::{ExecutionSchema, ExecutionView};
use crate::{Api, storage};

/// What is deleted with an execution.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
pub(crate) struct DeleteOptions {
    /// Its log. Default true.
    #[param(rename = "deleteLogs")]
    delete_logs: Option<bool>,
    /// Its measurements. Default true.
    #[param(rename = "deleteMetrics")]
    delete_metrics: Option<bool>,
    /// Its files. Default true.
    #[param(rename = "deleteStorage")]
    delete_storage: Option<bool>,
}

/// Kill an execution.
#[utoipa::path(
    delete, path = "/api/v1/executions/{id}/kill", tag = "executions", operation_id = "killExecution",
    params(
        ("id" = String, Path),
        ("isOnKillCascade" = Option<bool>, Query, description = "Also what it started. Default true; a finished one is not refused then."),
    ),
    responses(
        (status = 202, body = ExecutionSchema, description = "As it is now; processes may still be ending."),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It is finished."),
    ),
)]
pub(crate) async fn kill(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let found = header(&api, &id).await?;
    let cascade = params.flag("isOnKillCascade")?.unwrap_or(true);
    if found.state.is_terminal() {
        if !cascade {
            return Err(ApiError::illegal_state(
                "Execution is already finished, can't kill it",
            ));
        }
    } else {
        request_kill(&api, &found).await?;
    }
    let execution = load(&api, &id).await?;
    let view = ExecutionView {
        header: &execution.header,
        runs: Some(&execution.runs),
        stored: None,
        url: None,
        now: api.now(),
    };
    Ok((StatusCode::ACCEPTED, read::answer(&view)?).into_response())
}

/// Delete an execution.
#[utoipa::path(
    delete, path = "/api/v1/executions/{id}", tag = "executions", operation_id = "deleteExecution",
    params(("id" = String, Path), DeleteOptions),
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It is not finished: kill it first."),
    ),
)]
pub(crate) async fn delete(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    let found = header(&api, &id).await?;
    if !wait::is_over(&api, &found.id).await? {
        let message = format!("the execution is {}: kill it first", found.state.current());
        return Err(ApiError::illegal_state(message));
    }
    remove(&api, &found, &params).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks the executor to kill, and waits until it has seen it.
pub(super) async fn request_kill(api: &Api, header: &Header) -> Result<()> {
    let mut subscription = api.watchers().subscribe(&header.id);
    let event = Event {
        execution: header.id.clone(),
        at: api.now(),
        kind: EventKind::KillRequested,
    };
    create::publish(api, event).await?;
    wait::until_later_than(api, &header.id, header.version, &mut subscription).await?;
    Ok(())
}

/// Removes an execution with what belongs to it: first what would be left over if this broke off.
pub(super) async fn remove(api: &Api, header: &Header, params: &Params) -> Result<()> {
    let wanted = |name: &str| Ok::<_, ApiError>(params.flag(name)?.unwrap_or(true));
    let id: &ExecutionId = &header.id;
    if wanted("deleteLogs")? {
        api.logs()
            .delete(id, &flowmill_backends::repo::logs::Filter::default())
            .await?;
    }
    if wanted("deleteMetrics")? {
        api.metrics().delete(id).await?;
    }
    if wanted("deleteStorage")? {
        for file in api.files().list(&storage::execution_folder(header)).await? {
            api.files().delete(&file.path).await?;
        }
    }
    api.executions().delete(id).await?;
    Ok(())
}
