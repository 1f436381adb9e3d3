//! `/executions`.

mod act;
mod bulk;
mod create;
mod eval;
mod file;
pub(crate) mod filter;
mod follow;
mod inputs;
mod latest;
mod preview;
mod read;
mod runs;
mod search;
mod validate;
mod wait;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use flowmill_common::ExecutionId;
use flowmill_common::execution::{Execution, Header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::error::{ApiError, Result};

pub(crate) use self::eval::{Rendering, render_all};
pub(crate) use self::file::attachment;
pub(crate) use self::read::stored_outputs;
pub(crate) use self::wait::is_over;

pub(crate) fn routes(api: &crate::Config) -> OpenApiRouter<Api> {
    let uploads = OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(validate::validate))
        .layer(DefaultBodyLimit::max(api.upload_limit.as_usize()));
    OpenApiRouter::new()
        .merge(uploads)
        .routes(routes!(search::search))
        .routes(routes!(search::of_flow))
        .routes(routes!(latest::latest))
        .routes(routes!(latest::namespaces))
        .routes(routes!(latest::flows_of_namespace))
        .routes(routes!(latest::flow_for_execution))
        .routes(routes!(read::get, act::delete))
        .routes(routes!(read::flow))
        .routes(routes!(read::graph))
        .routes(routes!(runs::task_runs))
        .routes(routes!(follow::follow))
        .routes(routes!(act::kill))
        .routes(routes!(bulk::kill_by_ids))
        .routes(routes!(bulk::kill_by_query))
        .routes(routes!(bulk::delete_by_ids))
        .routes(routes!(bulk::delete_by_query))
        .routes(routes!(file::download))
        .routes(routes!(file::metas))
        .routes(routes!(preview::preview))
        .routes(routes!(eval::of_execution))
        .routes(routes!(eval::of_task_run))
}

/// Older spellings, which the documentation leaves out.
pub(crate) fn unlisted_routes(api: &crate::Config) -> Router<Api> {
    let limit = DefaultBodyLimit::max(api.upload_limit.as_usize());
    Router::new().route(
        "/api/v1/executions/trigger/{namespace}/{id}",
        post(create::create).layer(limit),
    )
}

/// The header of an execution. 404 when there is none.
pub(crate) async fn header(api: &Api, id: &str) -> Result<Header> {
    let found = api.executions().header(&ExecutionId::from(id)).await?;
    found.ok_or_else(|| ApiError::not_found(""))
}

/// A whole execution. 404 when there is none.
pub(crate) async fn load(api: &Api, id: &str) -> Result<Execution> {
    let found = api.executions().load(&ExecutionId::from(id)).await?;
    found.ok_or_else(|| ApiError::not_found(""))
}
