//! The server itself: settings, health, measurements, its own description.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::Environment;
use crate::error::{ApiError, Result};
use crate::{Api, openapi};

/// The version of Kestra's API that clients may count on.
const KESTRA_VERSION: &str = "1.3.0";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(configs))
        .routes(routes!(usages))
        .routes(routes!(basic_auth_validation_errors))
        .routes(routes!(tenants))
        .routes(routes!(ping))
        .routes(routes!(health))
        .routes(routes!(health_live))
        .routes(routes!(health_liveness))
        .routes(routes!(health_ready))
        .routes(routes!(health_readiness))
        .routes(routes!(prometheus))
        .routes(routes!(metrics))
        .routes(routes!(version))
        .routes(routes!(openapi_document))
        .routes(routes!(openapi_document_below))
}

/// What clients must know of the server.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Configuration)]
pub(crate) struct Configs {
    /// Names this installation.
    uuid: String,
    /// The version of Kestra whose API this is.
    version: &'static str,
    /// The version of flowmill.
    flowmill_version: &'static str,
    edition: &'static str,
    /// What charts show at first.
    chart_default_duration: &'static str,
    is_custom_dashboards_enabled: bool,
    is_task_run_enabled: bool,
    is_anonymous_usage_enabled: bool,
    is_ui_anonymous_usage_enabled: bool,
    is_template_enabled: bool,
    is_ai_enabled: bool,
    is_concurrency_view_enabled: bool,
    is_basic_auth_enabled: bool,
    is_basic_auth_initialized: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    environment: Option<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    preview: PreviewLimits,
    system_namespace: &'static str,
    hidden_labels_prefixes: Vec<String>,
    /// Changes when the task types change.
    plugins_hash: u32,
}

#[derive(Serialize, ToSchema)]
struct PreviewLimits {
    initial: usize,
    max: usize,
}

/// Get what clients must know of the server.
#[utoipa::path(
    get, path = "/api/v1/configs", tag = "instance", operation_id = "configuration",
    responses((status = 200, body = Configs)),
)]
pub(crate) async fn configs(State(api): State<Api>) -> Json<Configs> {
    let config = api.config();
    let has_account = config.basic_auth.is_some();
    Json(Configs {
        uuid: api.parts().instance.clone(),
        version: KESTRA_VERSION,
        flowmill_version: env!("CARGO_PKG_VERSION"),
        edition: "OSS",
        chart_default_duration: "PT24H",
        is_custom_dashboards_enabled: false,
        is_task_run_enabled: false,
        is_anonymous_usage_enabled: false,
        is_ui_anonymous_usage_enabled: false,
        is_template_enabled: false,
        is_ai_enabled: false,
        is_concurrency_view_enabled: false,
        is_basic_auth_enabled: has_account,
        is_basic_auth_initialized: true,
        environment: config.environment.clone(),
        url: config.url.clone(),
        preview: PreviewLimits {
            initial: config.preview.initial_rows,
            max: config.preview.max_rows,
        },
        system_namespace: "system",
        hidden_labels_prefixes: config.hidden_label_prefixes.clone(),
        plugins_hash: plugins_hash(&api),
    })
}

/// Count what there is.
#[utoipa::path(
    get, path = "/api/v1/usages/all", tag = "instance", operation_id = "allUsages",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn usages(State(api): State<Api>) -> Result<Json<Value>> {
    let flows = api.flows().list(None, |head| !head.deleted).await?;
    let mut namespaces: Vec<&str> = flows.iter().map(|head| &*head.namespace).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    Ok(Json(
        json!({"flows": {"count": flows.len(), "namespacesCount": namespaces.len()}}),
    ))
}

/// List what is wrong with the configured account: nothing, or the server would not have started.
#[utoipa::path(
    get, path = "/api/v1/basicAuthValidationErrors", tag = "instance", operation_id = "basicAuthConfigErrors",
    responses((status = 200, body = Vec<String>)),
)]
pub(crate) async fn basic_auth_validation_errors() -> Json<[String; 0]> {
    Json([])
}

/// List the tenants: there is one.
#[utoipa::path(
    get, path = "/api/v1/tenants/search", tag = "instance", operation_id = "searchTenants",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn tenants() -> Json<Value> {
    Json(json!({"results": [{"id": "main", "name": "main"}], "total": 1}))
}

/// Say that the server listens.
#[utoipa::path(get, path = "/ping", tag = "instance", operation_id = "ping", responses((status = 200, body = String)))]
pub(crate) async fn ping() -> &'static str {
    "pong"
}

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `UP` or `DOWN`.
    status: &'static str,
    /// The backends that do not work, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outages: Vec<BackendOutage>,
}

#[derive(Serialize, ToSchema)]
struct BackendOutage {
    backend: &'static str,
    reason: String,
    #[schema(format = DateTime)]
    since: String,
}

/// Say whether the server works.
#[utoipa::path(
    get, path = "/health", tag = "instance", operation_id = "health",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "A backend does not work.")),
)]
pub(crate) async fn health(State(api): State<Api>) -> Response {
    readiness(&api)
}

/// Say whether the server runs, whatever its backends do: if not, it should be started anew.
#[utoipa::path(
    get, path = "/health/live", tag = "instance", operation_id = "healthLive",
    responses((status = 200, body = Health)),
)]
pub(crate) async fn health_live() -> Json<Health> {
    Json(Health {
        status: "UP",
        outages: Vec::new(),
    })
}

/// The same as `/health/live`.
#[utoipa::path(
    get, path = "/health/liveness", tag = "instance", operation_id = "healthLiveness",
    responses((status = 200, body = Health)),
)]
pub(crate) async fn health_liveness() -> Json<Health> {
    health_live().await
}

/// Say whether the server can take requests.
#[utoipa::path(
    get, path = "/health/ready", tag = "instance", operation_id = "healthReady",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "A backend does not work.")),
)]
pub(crate) async fn health_ready(State(api): State<Api>) -> Response {
    readiness(&api)
}

/// The same as `/health/ready`.
#[utoipa::path(
    get, path = "/health/readiness", tag = "instance", operation_id = "healthReadiness",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "A backend does not work.")),
)]
pub(crate) async fn health_readiness(State(api): State<Api>) -> Response {
    readiness(&api)
}

fn readiness(api: &Api) -> Response {
    let outage = |probe: &flowmill_backends::health::Probe| {
        let outage = probe.outage()?;
        Some(BackendOutage {
            backend: probe.name(),
            reason: outage.reason,
            since: outage.since.to_string(),
        })
    };
    let outages: Vec<BackendOutage> = api.parts().probes.iter().filter_map(outage).collect();
    let stopping = api.stopping().is_cancelled();
    if outages.is_empty() && !stopping {
        return Json(Health {
            status: "UP",
            outages,
        })
        .into_response();
    }
    (
        StatusCode::SERVICE_UNAVAILABLE,
        Json(Health {
            status: "DOWN",
            outages,
        }),
    )
        .into_response()
}

/// Get the server's own measurements in Prometheus' text format.
#[utoipa::path(
    get, path = "/prometheus", tag = "instance", operation_id = "prometheus",
    responses((status = 200, body = String, content_type = "text/plain")),
)]
pub(crate) async fn prometheus(State(api): State<Api>) -> Result<Response> {
    let Some(render) = &api.parts().prometheus else {
        return Err(ApiError::not_found("this process does not measure itself"));
    };
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], render()).into_response())
}

/// The same as `/prometheus`.
#[utoipa::path(
    get, path = "/metrics", tag = "instance", operation_id = "serverMetrics",
    responses((status = 200, body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(state: State<Api>) -> Result<Response> {
    prometheus(state).await
}

/// Get the version of the server.
#[utoipa::path(
    get, path = "/version", tag = "instance", operation_id = "version",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn version() -> Json<Value> {
    Json(json!({"version": env!("CARGO_PKG_VERSION"), "kestraVersion": KESTRA_VERSION}))
}

/// Get this description of the API.
#[utoipa::path(
    get, path = "/openapi.json", tag = "instance", operation_id = "openapi",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn openapi_document() -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], openapi::json()).into_response()
}

/// The same as `/openapi.json`.
#[utoipa::path(
    get, path = "/api/v1/openapi", tag = "instance", operation_id = "openapiBelow",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn openapi_document_below() -> Response {
    openapi_document().await
}

/// FNV-1a over the names of the task types and the version.
fn plugins_hash(api: &Api) -> u32 {
    let names = api
        .parts()
        .catalogue
        .definitions()
        .map(|definition| definition.task_type);
    let bytes = names
        .flat_map(str::bytes)
        .chain(env!("CARGO_PKG_VERSION").bytes());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
