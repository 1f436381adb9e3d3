//! Lists of flows.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use flowmill_backends::repo::flows::Head;
use serde_json::Value;

use super::filter::{self, FlowFilters};
use crate::Api;
use crate::error::{ErrorBody, Result};
use crate::request::filter::Filters;
use crate::request::{Page, Paging, Params};
use crate::wire::flow::{self, FlowSchema, Source};

const SORTS: &[&str] = &["id", "namespace", "updated", "revision"];

/// Search flows.
#[utoipa::path(
    get, path = "/api/v1/flows/search", tag = "flows", operation_id = "searchFlows",
    params(Paging, FlowFilters),
    responses(
        (status = 200, body = Page<FlowSchema>),
        (status = 400, body = ErrorBody, description = "A filter that this search does not know."),
        (status = 422, body = ErrorBody),
    ),
)]
pub(crate) async fn search(State(api): State<Api>, params: Params) -> Result<Json<Page<Value>>> {
    let paging = Paging::of(&params, SORTS)?;
    let mut heads = matching(&api, &filter::of(&params)?).await?;
    paging.order(&mut heads, |field, a, b| match field {
        "id" => a.id.cmp(&b.id),
        "namespace" => a.namespace.cmp(&b.namespace),
        "revision" => a.revision.cmp(&b.revision),
        _ => a.updated.cmp(&b.updated),
    });
    let page = paging.cut(heads);
    let flows = shown(&api, &page.results).await?;
    Ok(Json(page.with(flows)))
}

/// List the flows of exactly this namespace.
#[utoipa::path(
    get, path = "/api/v1/flows/{namespace}", tag = "flows", operation_id = "listFlowsByNamespace",
    params(("namespace" = String, Path)),
    responses((status = 200, body = Vec<FlowSchema>)),
)]
pub(crate) async fn of_namespace(
    State(api): State<Api>,
    Path(namespace): Path<String>,
) -> Result<Json<Vec<Value>>> {
    let heads = api
        .flows()
        .list(Some(&namespace), |head| !head.deleted)
        .await?;
    Ok(Json(shown(&api, &heads).await?))
}

/// List the namespaces that have flows.
#[utoipa::path(
    get, path = "/api/v1/flows/distinct-namespaces", tag = "flows", operation_id = "listDistinctNamespaces",
    params(("q" = Option<String>, Query, description = "Only those that contain this.")),
    responses((status = 200, body = Vec<String>)),
)]
pub(crate) async fn distinct_namespaces(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<BTreeSet<String>>> {
    let q = params.get("q").unwrap_or_default().to_lowercase();
    let heads = api
        .flows()
        .list(None, |head| !head.deleted && head.namespace.contains(&q))
        .await?;
    Ok(Json(
        heads
            .into_iter()
            .map(|head| head.namespace.to_string())
            .collect(),
    ))
}

/// The flows that are there and pass.
pub(super) async fn matching(api: &Api, filters: &Filters) -> Result<Vec<Head>> {
    let keep = |head: &Head| !head.deleted && filters.test(&|one| filter::keeps(one, head));
    Ok(api.flows().list(None, keep).await?)
}

pub(super) async fn shown(api: &Api, heads: &[Head]) -> Result<Vec<Value>> {
    let mut flows = Vec::with_capacity(heads.len());
    for head in heads {
        if let Some(found) = api
            .cache()
            .revision(&head.namespace, &head.id, head.revision)
            .await?
        {
            flows.push(flow::revision(
                &head.namespace,
                &head.id,
                &found,
                Source::Hidden,
            ));
        }
    }
    Ok(flows)
}
