//! `/plugins`: the task types, for editors and for documentation.

mod document;
mod flowables;
mod inputs;
mod schema;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::document::TaskType;
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::{Paging, Params};

/// They change only with the program.
const CACHE: &str = "public, max-age=3600";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(subgroups))
        .routes(routes!(icons))
        .routes(routes!(group_icons))
        .routes(routes!(inputs::list))
        .routes(routes!(inputs::get))
        .routes(routes!(schema::get))
        .routes(routes!(get))
        .routes(routes!(versions))
}

/// A group of task types.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Plugin)]
pub(crate) struct Plugin {
    name: String,
    title: String,
    group: String,
    version: &'static str,
    #[schema(value_type = Object)]
    manifest: Value,
    guides: Vec<String>,
    /// The older names of its types.
    aliases: Vec<&'static str>,
    /// The names of its types.
    tasks: Vec<String>,
    triggers: Vec<String>,
    conditions: Vec<String>,
    controllers: Vec<String>,
    storages: Vec<String>,
    secrets: Vec<String>,
    task_runners: Vec<String>,
    apps: Vec<String>,
    app_blocks: Vec<String>,
    charts: Vec<String>,
    data_filters: Vec<String>,
    categories: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_group: Option<String>,
}

/// List the groups of task types. With `page` or `size` as a page of them.
#[utoipa::path(
    get, path = "/api/v1/plugins", tag = "plugins", operation_id = "listPlugins",
    responses((status = 200, body = Vec<Plugin>)),
)]
pub(crate) async fn list(State(api): State<Api>, params: Params) -> Result<Response> {
    let groups = grouped(&api, group_of, None);
    paged(&params, groups)
}

/// List the sub-groups of task types.
#[utoipa::path(
    get, path = "/api/v1/plugins/groups/subgroups", tag = "plugins", operation_id = "pluginBySubgroups",
    responses((status = 200, body = Vec<Plugin>)),
)]
pub(crate) async fn subgroups(State(api): State<Api>, params: Params) -> Result<Response> {
    let groups = grouped(&api, package_of, Some(()));
    paged(&params, groups)
}

/// List the icons of task types; there are none, only which of them are flowable.
#[utoipa::path(
    get, path = "/api/v1/plugins/icons", tag = "plugins", operation_id = "pluginIcons",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn icons(State(api): State<Api>) -> Response {
    let all = document::all(&api).into_iter().map(|one| {
        let name = one.name.rsplit('.').next().unwrap_or_default().to_owned();
        (one.name, json!({"name": name, "flowable": one.flowable}))
    });
    cached(&Value::Object(all.collect()))
}

/// List the icons of the groups of task types.
#[utoipa::path(
    get, path = "/api/v1/plugins/icons/groups", tag = "plugins", operation_id = "pluginGroupIcons",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn group_icons(State(api): State<Api>) -> Response {
    let groups = grouped(&api, group_of, None).into_iter();
    cached(&Value::Object(
        groups
            .map(|group| (group.group, json!({"name": group.name, "flowable": false})))
            .collect(),
    ))
}

/// The documentation of a task type.
#[derive(Serialize, ToSchema)]
pub(crate) struct Documentation {
    /// For people.
    markdown: String,
    /// `properties`, `outputs` and `definitions`, each a JSON schema.
    #[schema(value_type = Object)]
    schema: Value,
}

/// Get the documentation of a task type, by its present name or an older one.
#[utoipa::path(
    get, path = "/api/v1/plugins/{cls}", tag = "plugins", operation_id = "pluginDocumentation",
    params(
        ("cls" = String, Path, description = "`io.kestra.plugin.core.log.Log`"),
        ("all" = Option<bool>, Query, description = "With the properties that every task has. Default false."),
    ),
    responses((status = 200, body = Documentation), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn get(
    State(api): State<Api>,
    Path(cls): Path<String>,
    params: Params,
) -> Result<Response> {
    let found = find(&api, &cls)?;
    let all = params.flag("all")?.unwrap_or(false);
    let documentation = Documentation {
        markdown: found.markdown(),
        schema: found.schema(all),
    };
    Ok(cached(&json!(documentation)))
}

/// List the versions of a task type: there is one, the program's.
#[utoipa::path(
    get, path = "/api/v1/plugins/{cls}/versions", tag = "plugins", operation_id = "pluginVersions",
    params(("cls" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn versions(State(api): State<Api>, Path(cls): Path<String>) -> Result<Response> {
    let found = find(&api, &cls)?;
    Ok(cached(
        &json!({"type": found.name, "versions": [env!("CARGO_PKG_VERSION")]}),
    ))
}

fn find(api: &Api, cls: &str) -> Result<TaskType> {
    let all = document::all(api);
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    let found = all
        .into_iter()
        .find(|one| one.name == cls || one.aliases.contains(&cls));
    found.ok_or_else(|| {
        let near = flowmill_expression::nearest(cls, names.iter().map(String::as_str), 1);
        let hint = near
            .first()
            .map(|name| format!(", did you mean `{name}`?"))
            .unwrap_or_default();
        ApiError::not_found(format!("Class '{cls}' doesn't exists{hint}"))
    })
}

/// `io.kestra.plugin.core` of `io.kestra.plugin.core.log.Log`.
fn group_of(name: &str) -> String {
    name.split('.').take(4).collect::<Vec<_>>().join(".")
}

/// `io.kestra.plugin.core.log` of `io.kestra.plugin.core.log.Log`.
fn package_of(name: &str) -> String {
    name.rsplit_once('.')
        .map_or(name, |(package, _)| package)
        .to_owned()
}

fn grouped(api: &Api, key: fn(&str) -> String, sub: Option<()>) -> Vec<Plugin> {
    let mut groups: indexmap::IndexMap<String, Vec<TaskType>> = indexmap::IndexMap::new();
    for one in document::all(api) {
        groups.entry(key(&one.name)).or_default().push(one);
    }
    let plugin = |(package, types): (String, Vec<TaskType>)| {
        let group = group_of(&package);
        let name = package.rsplit('.').next().unwrap_or_default().to_owned();
        Plugin {
            title: name.clone(),
            manifest: json!({"X-Kestra-Title": name, "X-Kestra-Group": group, "Manifest-Version": "1.0"}),
            name,
            group,
            version: env!("CARGO_PKG_VERSION"),
            aliases: types
                .iter()
                .flat_map(|one| one.aliases.iter().copied())
                .collect(),
            tasks: types.into_iter().map(|one| one.name).collect(),
            categories: vec!["CORE".into()],
            sub_group: sub.map(|()| package),
            guides: Vec::new(),
            triggers: Vec::new(),
            conditions: Vec::new(),
            controllers: Vec::new(),
            storages: Vec::new(),
            secrets: Vec::new(),
            task_runners: Vec::new(),
            apps: Vec::new(),
            app_blocks: Vec::new(),
            charts: Vec::new(),
            data_filters: Vec::new(),
        }
    };
    groups.into_iter().map(plugin).collect()
}

/// As 0.x and 1.x read it; with paging parameters as 2.0 does.
fn paged(params: &Params, groups: Vec<Plugin>) -> Result<Response> {
    let wants_page = params
        .iter()
        .any(|(name, _)| ["page", "size", "sort"].contains(&name) || name.starts_with("filters["));
    if !wants_page {
        return Ok(cached(&json!(groups)));
    }
    let paging = Paging::of(params, &["name", "title", "group"])?;
    let mut groups = groups;
    paging.order(&mut groups, |_, a, b| a.name.cmp(&b.name));
    Ok(Json(paging.cut(groups)).into_response())
}

fn cached(json: &Value) -> Response {
    (
        [(header::CACHE_CONTROL, HeaderValue::from_static(CACHE))],
        Json(json),
    )
        .into_response()
}
