//! What a flow starts, and what starts it.

use axum::Json;
use axum::extract::{Path, State};
use flowmill_backends::repo::flows::Head;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};

/// Flows, and which starts which.
#[derive(Serialize, ToSchema)]
#[schema(as = FlowTopologyGraph)]
pub(crate) struct Topology {
    nodes: Vec<TopologyNode>,
    edges: Vec<TopologyEdge>,
}

#[derive(Serialize, ToSchema)]
struct TopologyNode {
    uid: String,
    namespace: String,
    id: String,
}

/// Flows start one another by tasks and triggers that this version does not run, so there is none yet.
#[derive(Serialize, ToSchema)]
struct TopologyEdge {
    source: String,
    target: String,
    /// FLOW_TASK or FLOW_TRIGGER.
    relation: String,
}

impl Topology {
    /// These flows, none of which starts another.
    pub(crate) fn of(flows: impl IntoIterator<Item = Head>) -> Self {
        let node = |head: Head| TopologyNode {
            uid: format!("{}_{}", head.namespace, head.id),
            namespace: head.namespace.to_string(),
            id: head.id.to_string(),
        };
        Self {
            nodes: flows.into_iter().map(node).collect(),
            edges: Vec::new(),
        }
    }
}

/// Say which flows a flow starts, and which start it.
#[utoipa::path(
    get, path = "/api/v1/flows/{namespace}/{id}/dependencies", tag = "flows", operation_id = "flowDependencies",
    params(("namespace" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Topology), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn dependencies(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
) -> Result<Json<Topology>> {
    let head = api
        .flows()
        .head(&namespace, &id)
        .await?
        .filter(|head| !head.deleted);
    let head =
        head.ok_or_else(|| ApiError::not_found(format!("Unable to find flow {namespace}_{id}")))?;
    Ok(Json(Topology::of([head])))
}
