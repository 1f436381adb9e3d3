//! Disabling and enabling flows: the text is changed, which makes a new revision.

use axum::Json;
use axum::extract::State;

use super::bulk::FlowName;
use super::filter::{self, FlowFilters};
use super::{create, search};
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::{Params, Text};
use crate::wire::bulk::Bulk;
use flowmill_backends::repo::flows::Expect;

/// Disable flows; those that are disabled already are not counted.
#[utoipa::path(
    post, path = "/api/v1/flows/disable/by-ids", tag = "flows", operation_id = "disableFlowsByIds",
    request_body = Vec<FlowName>,
    responses((status = 200, body = Bulk), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn disable_by_ids(State(api): State<Api>, body: Text) -> Result<Json<Bulk>> {
    by_ids(&api, &body, Switch::Off).await
}

/// Disable the flows that a search finds.
#[utoipa::path(
    post, path = "/api/v1/flows/disable/by-query", tag = "flows", operation_id = "disableFlowsByQuery",
    params(FlowFilters), responses((status = 200, body = Bulk), (status = 400, body = ErrorBody)),
)]
pub(crate) async fn disable_by_query(State(api): State<Api>, params: Params) -> Result<Json<Bulk>> {
    by_query(&api, &params, Switch::Off).await
}

/// Enable flows; those that are enabled already are not counted.
#[utoipa::path(
    post, path = "/api/v1/flows/enable/by-ids", tag = "flows", operation_id = "enableFlowsByIds",
    request_body = Vec<FlowName>,
    responses((status = 200, body = Bulk), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn enable_by_ids(State(api): State<Api>, body: Text) -> Result<Json<Bulk>> {
    by_ids(&api, &body, Switch::On).await
}

/// Enable the flows that a search finds.
#[utoipa::path(
    post, path = "/api/v1/flows/enable/by-query", tag = "flows", operation_id = "enableFlowsByQuery",
    params(FlowFilters), responses((status = 200, body = Bulk), (status = 400, body = ErrorBody)),
)]
pub(crate) async fn enable_by_query(State(api): State<Api>, params: Params) -> Result<Json<Bulk>> {
    by_query(&api, &params, Switch::On).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

async fn by_ids(api: &Api, body: &Text, to: Switch) -> Result<Json<Bulk>> {
    let names: Vec<FlowName> = body.json()?;
    let mut count = 0;
    for name in names {
        count += usize::from(turn(api, &name.namespace, &name.id, to).await?);
    }
    Ok(Json(Bulk::of(count)))
}

async fn by_query(api: &Api, params: &Params, to: Switch) -> Result<Json<Bulk>> {
    let mut count = 0;
    for head in search::matching(api, &filter::of(params)?).await? {
        count += usize::from(turn(api, &head.namespace, &head.id, to).await?);
    }
    Ok(Json(Bulk::of(count)))
}

/// Whether anything was to be done.
async fn turn(api: &Api, namespace: &str, id: &str, to: Switch) -> Result<bool> {
    let Some(found) = api.cache().latest(namespace, id).await? else {
        return Ok(false);
    };
    let disabled = found.flow.as_ref().map_or_else(
        |_| says_disabled(&found.revision.source),
        |flow| flow.disabled,
    );
    if disabled == (to == Switch::Off) {
        return Ok(false);
    }
    let source = rewritten(&found.revision.source, to);
    let flow = create::compile(api, &source).await?;
    if flow.disabled == (to == Switch::On) {
        let message = format!(
            "the text of `{namespace}.{id}` has `disabled` in a form that cannot be changed: edit the flow"
        );
        return Err(ApiError::illegal_argument(message));
    }
    create::save(api, &flow, &source, Expect::Present).await?;
    Ok(true)
}

fn says_disabled(source: &str) -> bool {
    source.lines().any(|line| {
        line.strip_prefix("disabled:")
            .is_some_and(|value| value.trim().starts_with("true"))
    })
}

/// The text with `disabled: true` at its end, or without any such line.
fn rewritten(source: &str, to: Switch) -> String {
    let mut text: String = source
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("disabled:"))
        .collect();
    if to == Switch::Off {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str("disabled: true\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_at_the_top_changes() {
        let source = "id: a\ndisabled: false # not yet\ntasks:\n  - id: t\n    disabled: true";
        let off = rewritten(source, Switch::Off);
        assert_eq!(
            off,
            "id: a\ntasks:\n  - id: t\n    disabled: true\ndisabled: true\n"
        );
        assert_eq!(
            rewritten(&off, Switch::On),
            "id: a\ntasks:\n  - id: t\n    disabled: true\n"
        );
    }
}
