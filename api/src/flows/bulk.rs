//! Saving and deleting many flows at once.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use flowmill_backends::Kind;
use flowmill_backends::repo::flows::Expect;
use flowmill_common::Flow;
use flowmill_common::yaml::split_documents;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::filter::{self, FlowFilters};
use super::{create, search, violations};
use crate::Api;
use crate::error::{ErrorBody, Result};
use crate::request::body::Documents;
use crate::request::filter::is_or_is_below;
use crate::request::{Params, Text};
use crate::wire::bulk::Bulk;
use crate::wire::flow::{self, FlowSchema, Source};

/// Names a flow.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = IdWithNamespace)]
pub(crate) struct FlowName {
    pub(crate) namespace: String,
    pub(crate) id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
struct ManyOptions {
    /// Delete the flows of the namespace that are not in the body. Default true.
    delete: Option<bool>,
    /// The namespace that `delete` is about; none: none is deleted.
    namespace: Option<String>,
    /// Also delete in the namespaces below it. Default false.
    #[param(rename = "allowNamespaceChild")]
    allow_namespace_child: Option<bool>,
}

/// Save the flows of a namespace, and delete its others.
#[utoipa::path(
    post, path = "/api/v1/flows/{namespace}", tag = "flows", operation_id = "updateFlowsInNamespace",
    params(
        ("namespace" = String, Path),
        ("delete" = Option<bool>, Query, description = "Delete the flows of the namespace that are not in the body. Default true."),
        ("override" = Option<bool>, Query, description = "Move flows of other namespaces here. Default false: 422."),
    ),
    request_body(content = String, content_type = "application/x-yaml", description = "Any number of documents."),
    responses((status = 200, body = Vec<FlowSchema>), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn replace_namespace(
    State(api): State<Api>,
    Path(namespace): Path<String>,
    params: Params,
    documents: Documents,
) -> Result<Json<Vec<Value>>> {
    let move_here = params.flag("override")?.unwrap_or(false);
    let mut flows = Vec::new();
    for mut source in sources(&documents) {
        let mut flow = create::compile(&api, &source).await?;
        if *flow.namespace != *namespace {
            if !move_here {
                return Err(violations::rule(
                    "flow.namespace",
                    "Flow namespace is invalid",
                ));
            }
            source = in_namespace(&source, &namespace);
            flow = create::compile(&api, &source).await?;
        }
        flows.push((flow, source));
    }
    let delete = params.flag("delete")?.unwrap_or(true);
    let within = |candidate: &str| delete && candidate == namespace;
    Ok(Json(save_all(&api, flows, within).await?))
}

/// Save many flows, and delete the others of a namespace.
#[utoipa::path(
    post, path = "/api/v1/flows/bulk", tag = "flows", operation_id = "bulkUpdateFlows",
    params(ManyOptions),
    request_body(content = String, content_type = "application/x-yaml", description = "Any number of documents."),
    responses((status = 200, body = Vec<FlowSchema>), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn save_many(
    State(api): State<Api>,
    params: Params,
    documents: Documents,
) -> Result<Json<Vec<Value>>> {
    let mut flows = Vec::new();
    for source in sources(&documents) {
        flows.push((create::compile(&api, &source).await?, source));
    }
    let delete = params.flag("delete")?.unwrap_or(true);
    let children = params.flag("allowNamespaceChild")?.unwrap_or(false);
    let namespace = params.get("namespace");
    let within = |candidate: &str| {
        delete
            && namespace.is_some_and(|namespace| {
                candidate == namespace || (children && is_or_is_below(candidate, namespace))
            })
    };
    Ok(Json(save_all(&api, flows, within).await?))
}

/// Delete flows by their names; those that are not there are not counted.
#[utoipa::path(
    delete, path = "/api/v1/flows/delete/by-ids", tag = "flows", operation_id = "deleteFlowsByIds",
    request_body = Vec<FlowName>,
    responses((status = 200, body = Bulk), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn delete_by_ids(State(api): State<Api>, body: Text) -> Result<Json<Bulk>> {
    let names: Vec<FlowName> = body.json()?;
    delete_all(
        &api,
        names
            .iter()
            .map(|name| (name.namespace.as_str(), name.id.as_str())),
    )
    .await
}

/// Delete the flows that a search finds.
#[utoipa::path(
    delete, path = "/api/v1/flows/delete/by-query", tag = "flows", operation_id = "deleteFlowsByQuery",
    params(FlowFilters),
    responses((status = 200, body = Bulk), (status = 400, body = ErrorBody)),
)]
pub(crate) async fn delete_by_query(State(api): State<Api>, params: Params) -> Result<Json<Bulk>> {
    let heads = search::matching(&api, &filter::of(&params)?).await?;
    delete_all(&api, heads.iter().map(|head| (&*head.namespace, &*head.id))).await
}

async fn delete_all<'a>(
    api: &Api,
    names: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Json<Bulk>> {
    let mut count = 0;
    for (namespace, id) in names {
        match api.flows().delete(namespace, id, api.now()).await {
            Ok(_) => count += 1,
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Json(Bulk::of(count)))
}

fn sources(documents: &Documents) -> Vec<String> {
    let texts = documents
        .0
        .iter()
        .filter(|file| !file.text.trim().is_empty());
    let sources = texts.flat_map(|file| {
        let documents = split_documents(&file.text);
        // the line break before a separator belongs to the separator
        let several = documents.len() > 1;
        documents.into_iter().map(move |document| {
            let source = document.source;
            if several {
                source.trim_end_matches(['\n', '\r']).to_owned()
            } else {
                source.to_owned()
            }
        })
    });
    sources.collect()
}

/// All flows compile before the first is saved.
async fn save_all(
    api: &Api,
    flows: Vec<(Flow, String)>,
    delete: impl Fn(&str) -> bool,
) -> Result<Vec<Value>> {
    let mut names = BTreeSet::new();
    for (flow, _) in &flows {
        if !names.insert((flow.namespace.to_string(), flow.id.to_string())) {
            return Err(violations::rule(
                "flow.id",
                &format!("Duplicate flow id `{}`", flow.id),
            ));
        }
    }
    let mut results = Vec::new();
    for (flow, source) in &flows {
        let head = create::save(api, flow, source, Expect::Any).await?;
        results.push(flow::flow(
            flow,
            &create::revision_of(&head, source),
            Source::Hidden,
        ));
    }
    let goes = |namespace: &str, id: &str| {
        delete(namespace) && !names.contains(&(namespace.to_owned(), id.to_owned()))
    };
    for head in api
        .flows()
        .list(None, |head| {
            !head.deleted && goes(&head.namespace, &head.id)
        })
        .await?
    {
        let gone = api
            .flows()
            .delete(&head.namespace, &head.id, api.now())
            .await?;
        results.extend(search::shown(api, &[gone]).await?);
    }
    Ok(results)
}

/// The text with another namespace.
fn in_namespace(source: &str, namespace: &str) -> String {
    let line = |line: &str| match line.strip_prefix("namespace:") {
        Some(_) if line.ends_with('\n') => format!("namespace: {namespace}\n"),
        Some(_) => format!("namespace: {namespace}"),
        None => line.to_owned(),
    };
    source.split_inclusive('\n').map(line).collect()
}
