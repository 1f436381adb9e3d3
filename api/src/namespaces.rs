//! `/namespaces`: they are there because flows are in them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::error::{ErrorBody, Result};
use crate::flows::dependencies::Topology;
use crate::request::{Page, Paging, Params, Text};

/// The namespace of what runs for the server itself; always there.
const SYSTEM: &str = "system";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(autocomplete))
        .routes(routes!(get))
        .routes(routes!(dependencies))
}

/// A namespace.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Namespace {
    /// Its name.
    id: String,
    /// It has no settings of its own.
    disabled: bool,
    deleted: bool,
}

/// Search namespaces: those with flows, and those above them.
#[utoipa::path(
    get, path = "/api/v1/namespaces/search", tag = "namespaces", operation_id = "searchNamespaces",
    params(
        Paging,
        ("q" = Option<String>, Query, description = "Only those that contain this."),
        ("existing" = Option<bool>, Query, description = "Only those that have flows. Default false."),
    ),
    responses((status = 200, body = Page<Namespace>), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn search(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<Page<Namespace>>> {
    let paging = Paging::of(&params, &["id"])?;
    let existing = params.flag("existing")?.unwrap_or(false);
    let mut found = matching(&api, params.get("q").unwrap_or_default(), existing).await?;
    paging.order(&mut found, |_, a, b| a.cmp(b));
    let page = paging.cut(found);
    let results = page.results.iter().cloned().map(shown).collect();
    Ok(Json(page.with(results)))
}

/// What a name may be completed to.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AutocompleteRequest {
    #[serde(default)]
    q: String,
    /// These are given whatever `q` says.
    #[serde(default)]
    ids: Vec<String>,
    #[serde(default)]
    existing_only: bool,
}

/// Complete the name of a namespace.
#[utoipa::path(
    post, path = "/api/v1/namespaces/autocomplete", tag = "namespaces", operation_id = "autocompleteNamespaces",
    request_body = AutocompleteRequest,
    responses((status = 200, body = Vec<String>), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn autocomplete(State(api): State<Api>, body: Text) -> Result<Json<Vec<String>>> {
    let request: AutocompleteRequest = body.json()?;
    let mut found = matching(&api, &request.q, request.existing_only).await?;
    found.extend(request.ids);
    found.sort();
    found.dedup();
    Ok(Json(found))
}

/// Get a namespace; any name is one.
#[utoipa::path(
    get, path = "/api/v1/namespaces/{id}", tag = "namespaces", operation_id = "namespace",
    params(("id" = String, Path)),
    responses((status = 200, body = Namespace)),
)]
pub(crate) async fn get(Path(id): Path<String>) -> Json<Namespace> {
    Json(shown(id))
}

/// Say which flows of a namespace start one another.
#[utoipa::path(
    get, path = "/api/v1/namespaces/{namespace}/dependencies", tag = "namespaces",
    operation_id = "flowDependenciesFromNamespace",
    params(("namespace" = String, Path)),
    responses((status = 200, body = Topology)),
)]
pub(crate) async fn dependencies(
    State(api): State<Api>,
    Path(namespace): Path<String>,
) -> Result<Json<Topology>> {
    let flows = api
        .flows()
        .list(Some(&namespace), |head| !head.deleted)
        .await?;
    Ok(Json(Topology::of(flows)))
}

fn shown(id: String) -> Namespace {
    Namespace {
        id,
        disabled: true,
        deleted: false,
    }
}

/// The names that contain a text, in order.
async fn matching(api: &Api, q: &str, existing: bool) -> Result<Vec<String>> {
    let mut names = BTreeMap::new();
    for head in api.flows().list(None, |head| !head.deleted).await? {
        names.insert(head.namespace.to_string(), ());
        if !existing {
            let mut rest: &str = &head.namespace;
            while let Some((above, _)) = rest.rsplit_once('.') {
                names.insert(above.to_owned(), ());
                rest = above;
            }
        }
    }
    if !existing {
        names.insert(SYSTEM.to_owned(), ());
    }
    let q = q.to_lowercase();
    Ok(names.into_keys().filter(|name| name.contains(&q)).collect())
}
