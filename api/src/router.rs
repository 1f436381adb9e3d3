//! Every route, and what happens around them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use utoipa_axum::router::OpenApiRouter;

use crate::error::{self, ApiError};
use crate::layer::{auth, cors, measure, origin, tenant};
use crate::{
    Api, Config, executions, flows, instance, logs, metrics, namespaces, outputs, plugins,
};

/// The whole API as a service. Anything that is not a route of it is answered 404: pages of a UI are to be merged around it.
pub fn router(api: Api) -> Router {
    let config = api.config();
    let (routes, _) = routes(config).split_for_parts();
    let mut routes = routes
        .merge(executions::unlisted_routes(config))
        .fallback(no_route)
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .layer(DefaultBodyLimit::max(config.body_limit.as_usize()))
        .layer(axum::middleware::from_fn(measure::measure))
        .with_state(api.clone());
    let origins = Arc::new(origin::Origins::new(config));
    routes = routes.layer(axum::middleware::from_fn_with_state(origins, origin::check));
    if let Some(account) = &config.basic_auth {
        let guard = Arc::new(auth::Guard::new(account));
        routes = routes.layer(axum::middleware::from_fn_with_state(guard, auth::check));
    }
    // what is streamed is not compressed, nor is what may be asked for in parts
    let compressible =
        DefaultPredicate::new().and(NotForContentType::const_new("application/octet-stream"));
    let around = ServiceBuilder::new()
        .layer(MapRequestLayer::new(tenant::normalise))
        .layer(CompressionLayer::new().compress_when(compressible))
        .option_layer((!config.cors_origins.is_empty()).then(|| cors::layer(&config.cors_origins)))
        .layer(axum::middleware::from_fn(error::render))
        // inside of it, so that a panic gets a body like every other error
        .layer(CatchPanicLayer::custom(panicked));
    // the path must be normal before a route is chosen, so this wraps the router as a whole
    Router::new().fallback_service(around.service(routes))
}

/// Every documented route.
pub(crate) fn routes(config: &Config) -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(flows::routes())
        .merge(executions::routes(config))
        .merge(outputs::routes())
        .merge(logs::routes())
        .merge(metrics::routes())
        .merge(namespaces::routes())
        .merge(plugins::routes())
        .merge(instance::routes())
}

async fn no_route(request: Request) -> Response {
    if let Some(tenant::UnknownTenant(name)) = request.extensions().get() {
        return ApiError::not_found(format!("Unable to find tenant '{name}'")).into_response();
    }
    match missing_feature(request.uri().path()) {
        Some(feature) => ApiError::not_built(feature).into_response(),
        None => ApiError::not_found("").into_response(),
    }
}

/// What Kestra has under this path and this version has not.
fn missing_feature(path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix("/api/v1/")?;
    let parts: Vec<&str> = rest.split('/').collect();
    match parts[..] {
        ["triggers", ..] | ["executions", "webhook", ..] => Some("running flows by triggers"),
        ["namespaces", _, "kv", ..] | ["kv", ..] => Some("the key-value store"),
        ["namespaces", _, "files", ..] => Some("namespace files"),
        ["namespaces", _, "secrets" | "inherited-secrets", ..] | ["secrets", ..] => {
            Some("managing secrets")
        }
        ["dashboards", ..] => Some("dashboards"),
        ["stats", ..] => Some("statistics"),
        ["blueprints", ..] => Some("blueprints"),
        ["templates", ..] => Some("flow templates"),
        ["taskruns", ..] => Some("searching task runs over all executions"),
        ["concurrency-limit", ..] => Some("concurrency limits"),
        ["ai", ..] => Some("an AI assistant"),
        ["executions", action, "by-ids" | "by-query"] | ["executions", _, action, ..] => {
            is_action(action).then_some("acting on an execution other than by killing it")
        }
        ["flows", "export" | "import", ..] => Some("exporting and importing flows as archives"),
        _ => None,
    }
}

/// Whether a word is that of an action on an execution, which this version has not.
pub(crate) fn is_action(word: &str) -> bool {
    const ACTIONS: [&str; 11] = [
        "change-status",
        "force-run",
        "labels",
        "pause",
        "replay",
        "replay-with-inputs",
        "restart",
        "resume",
        "resume-from-breakpoint",
        "state",
        "unqueue",
    ];
    ACTIONS.contains(&word)
}

fn panicked(payload: Box<dyn std::any::Any + Send>) -> Response {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = text, "a request's handler panicked");
    ApiError::internal("a bug in flowmill; the server's log has the details").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        let routes: Router = Router::new()
            .route(
                "/panics",
                axum::routing::get(async || -> StatusCode { panic!("a bug") }),
            )
            .layer(CatchPanicLayer::custom(panicked))
            .layer(axum::middleware::from_fn(error::render));
        let request = Request::builder()
            .uri("/panics")
            .body(axum::body::Body::empty())
            .unwrap();
        let response = tower::ServiceExt::oneshot(routes, request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 10_000)
            .await
            .unwrap();
        assert!(String::from_utf8_lossy(&body).contains("a bug in flowmill"));
    }
}
