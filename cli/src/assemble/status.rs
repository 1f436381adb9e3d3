//! How a process is that serves no API: its health and its measurements.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use flowmill_backends::health::Probe;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the status is read from.
#[derive(Clone)]
pub(crate) struct Status {
    probes: Arc<[Probe]>,
    prometheus: PrometheusHandle,
    roles: String,
}

impl Status {
    /// The status of a process with these roles and backends.
    pub(crate) fn new(probes: &[Probe], prometheus: PrometheusHandle, roles: String) -> Self {
        Self {
            probes: probes.into(),
            prometheus,
            roles,
        }
    }

    /// Serves it until `shutdown`, under the paths that the API uses as well.
    pub(crate) async fn run(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        axum::serve(listener, self.routes())
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
    }

    fn routes(self) -> Router {
        Router::new()
            .route("/health", get(ready))
            .route("/health/ready", get(ready))
            .route("/health/readiness", get(ready))
            .route("/health/live", get(live))
            .route("/health/liveness", get(live))
            .route("/metrics", get(metrics))
            .route("/prometheus", get(metrics))
            .route("/version", get(version))
            .with_state(self)
    }
}

async fn live() -> Json<Value> {
    Json(json!({"status": "UP"}))
}

async fn version(State(status): State<Status>) -> Json<Value> {
    Json(json!({"version": env!("CARGO_PKG_VERSION"), "roles": status.roles}))
}

async fn ready(State(status): State<Status>) -> Response {
    let outage = |probe: &Probe| {
        let outage = probe.outage()?;
        Some(json!({
            "backend": probe.name(),
            "reason": outage.reason,
            "since": outage.since.to_string(),
        }))
    };
    let outages: Vec<Value> = status.probes.iter().filter_map(outage).collect();
    if outages.is_empty() {
        return Json(json!({"status": "UP"})).into_response();
    }
    let body = Json(json!({"status": "DOWN", "outages": outages}));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

async fn metrics(State(status): State<Status>) -> Response {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    let text = status.prometheus.render();
    ([(header::CONTENT_TYPE, TEXT)], text).into_response()
}
