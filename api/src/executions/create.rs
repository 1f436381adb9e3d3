//! Creating an execution: resolve its inputs, hand it to the executor, and answer when it can be read.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use flowmill_backends::breakpoint;
use flowmill_backends::queue::{Message, Topic};
use flowmill_backends::repo::logs::Origin;
use flowmill_common::event::{Event, EventKind};
use flowmill_common::execution::{Header, Progress, empty_object};
use flowmill_common::flow::{Flow, Label};
use flowmill_common::log::{Level, LogLine};
use flowmill_common::{ExecutionId, State as ExecutionState, Timestamp};
use serde_json::Value;
use utoipa::IntoParams;

use super::{inputs, wait};
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::form::{Given, Uploads};
use crate::request::{Params, date, labels};
use crate::wire::execution::{ExecutionSchema, ExecutionView};
use crate::{Api, flows, storage};

/// The label that ties together what belongs to one piece of work.
const CORRELATION: &str = "system.correlationId";

/// How an execution is created.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
struct CreateOptions {
    /// Answer only when it has ended. Default false: when it can be read.
    wait: Option<bool>,
    /// Of this revision of the flow. Default the newest.
    revision: Option<u32>,
    /// `key:value`; may come several times.
    labels: Option<Vec<String>>,
    /// Start it then. Default at once.
    #[param(rename = "scheduleDate", format = DateTime)]
    schedule_date: Option<String>,
}

/// Create an execution.
///
/// Inputs are the parts of a form, the members of a JSON object, or fields of a urlencoded form; a body is not needed where no input
/// is. The part of a FILE input has the input's name, or the name `files` and the input's name as its file name.
#[utoipa::path(
    post, path = "/api/v1/executions/{namespace}/{id}", tag = "executions", operation_id = "createExecution",
    params(("namespace" = String, Path), ("id" = String, Path, description = "The flow."), CreateOptions),
    request_body(content = Object, content_type = "multipart/form-data", description = "The inputs."),
    responses(
        (status = 200, body = ExecutionSchema),
        (status = 404, body = ErrorBody, description = "There is no such flow."),
        (status = 409, body = ErrorBody, description = "The flow is disabled, or its text is no flow any more."),
        (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "Inputs are missing or wrong: one message for each."),
        (status = 503, body = ErrorBody, description = "No executor has taken it in time."),
    ),
)]
pub(crate) async fn create(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
    params: Params,
    request: Request,
) -> Result<Response> {
    let flow = match params.parsed("revision")? {
        Some(revision) => flows::of_revision(&api, &namespace, &id, revision).await?,
        None => flows::latest(&api, &namespace, &id).await?,
    };
    let Some((revision, flow)) = flow.filter(|(revision, _)| !revision.revision.deleted) else {
        return Err(no_flow(&api, &namespace, &id).await);
    };
    if flow.disabled {
        return Err(ApiError::illegal_state("Requested Flow is disabled."));
    }
    let now = api.now();
    let execution = ExecutionId::from_random(uuid::Uuid::now_v7().as_u128());
    let labels = all_labels(&flow, &params, &execution)?;
    let schedule_date = params
        .get("scheduleDate")
        .map(|text| date::parse("scheduleDate", text))
        .transpose()?;
    let wait_for_end = params.flag("wait")?.unwrap_or(false);

    let folder = storage::folder_of(&flow.namespace, &flow.id, execution.as_str());
    let given = Given::read(&api, &flow, request, Uploads::Store(&folder)).await?;
    let outcome = inputs::resolved(&api, &flow, &given.values).await?;
    if !outcome.errors.is_empty() {
        given.discard(&api).await;
        return Err(inputs::refused(&outcome.errors));
    }
    let header = Header {
        id: execution.clone(),
        namespace: flow.namespace.clone(),
        flow_id: flow.id.clone(),
        flow_revision: revision.revision.revision,
        state: ExecutionState::created(now),
        inputs: Arc::new(Value::Object(outcome.resolved.values)),
        outputs: empty_object(),
        labels: Arc::new(labels),
        variables: empty_object(),
        trigger: None,
        parent_id: None,
        original_id: execution.clone(),
        schedule_date,
        attempt_number: 1,
        original_created: now,
        progress: Progress::default(),
        error: None,
        created_runs: 0,
        retrying_runs: 0,
        version: 0,
    };
    start(&api, header, wait_for_end, &outcome.resolved.warnings).await
}

/// Hands a new execution to the executor and answers when it can be read, or has ended.
async fn start(
    api: &Api,
    header: Header,
    wait_for_end: bool,
    warnings: &[String],
) -> Result<Response> {
    let id = header.id.clone();
    let mut subscription = api.watchers().subscribe(&id);
    breakpoint("api.before-create");
    publish(
        api,
        Event {
            execution: id.clone(),
            at: header.state.start(),
            kind: EventKind::Created(Box::new(header.clone())),
        },
    )
    .await?;
    breakpoint("api.after-create");
    if !wait::until_visible(api, &id, &mut subscription).await? {
        let message = format!(
            "Service Unavailable: no executor has taken the execution `{id}` in {:?}; it may still start",
            api.config().visible_within
        );
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    if !warnings.is_empty() {
        log_warnings(api, &header, warnings).await?;
    }
    let url = page_of(api, &header);
    if !wait_for_end {
        let view = ExecutionView {
            header: &header,
            runs: None,
            stored: None,
            url: Some(&url),
            now: api.now(),
        };
        return super::read::answer(&view);
    }
    // after the limit it is shown as far as it has come
    wait::until_ended(api, &id, &mut subscription).await?;
    let execution = super::load(api, id.as_str()).await?;
    let stored = super::stored_outputs(api, &execution.runs).await?;
    let view = ExecutionView {
        header: &execution.header,
        runs: Some(&execution.runs),
        stored: Some(&stored),
        url: Some(&url),
        now: api.now(),
    };
    super::read::answer(&view)
}

/// Publishes an event to the owner of its execution.
pub(super) async fn publish(api: &Api, event: Event) -> Result<()> {
    let kind = match &event.kind {
        EventKind::Created(_) => "created".to_owned(),
        _ => format!("{}", event.at.as_micros()),
    };
    let body = serde_json::to_vec(&event)
        .map_err(|error| ApiError::internal(format!("cannot encode an event: {error}")))?;
    let message = Message {
        id: format!("{}:{kind}", event.execution),
        body: body.into(),
    };
    let topic = Topic::Events(api.executions().partition(&event.execution));
    Ok(api.parts().queue.publish(&topic, vec![message]).await?)
}

/// The labels of the flow, then the given ones, then the correlation id; of equal keys the later one counts.
fn all_labels(flow: &Flow, params: &Params, id: &ExecutionId) -> Result<Vec<Label>> {
    let mut all: Vec<Label> = flow
        .labels
        .iter()
        .filter(|label| !is_system(&label.key))
        .cloned()
        .collect();
    let mut put = |label: Label| match all.iter_mut().find(|old| old.key == label.key) {
        Some(old) => old.value = label.value,
        None => all.push(label),
    };
    let mut correlation = id.to_string();
    for (key, value) in labels(params)? {
        if key == CORRELATION {
            correlation = value;
        } else if is_system(&key) {
            let message = format!(
                "System labels can only be set by Kestra itself, offending label: {key}={value}"
            );
            return Err(ApiError::illegal_argument(message));
        } else {
            put(Label { key, value });
        }
    }
    put(Label {
        key: CORRELATION.into(),
        value: correlation,
    });
    Ok(all)
}

fn is_system(key: &str) -> bool {
    key.starts_with("system.")
}

/// 404; but where the path is that of an action on an execution, what that action is.
async fn no_flow(api: &Api, namespace: &str, id: &str) -> ApiError {
    if crate::router::is_action(namespace) && matches!(id, "by-ids" | "by-query") {
        return ApiError::not_built(format!("the action `{namespace}` on many executions"));
    }
    if crate::router::is_action(id) {
        let known = api.executions().header(&ExecutionId::from(namespace)).await;
        return match known {
            Ok(Some(_)) => ApiError::not_built(format!("the action `{id}` on an execution")),
            Ok(None) => ApiError::not_found(""),
            Err(error) => error.into(),
        };
    }
    ApiError::not_found("Requested Flow is not found.")
}

/// The address of an execution's page.
fn page_of(api: &Api, header: &Header) -> String {
    let base = api
        .config()
        .url
        .as_deref()
        .unwrap_or_default()
        .trim_end_matches('/');
    format!(
        "{base}/ui/main/executions/{}/{}/{}",
        header.namespace, header.flow_id, header.id
    )
}

async fn log_warnings(api: &Api, header: &Header, warnings: &[String]) -> Result<()> {
    let origin = Origin {
        execution: header.id.clone(),
        namespace: header.namespace.clone(),
        flow_id: header.flow_id.clone(),
    };
    let at: Timestamp = header.state.start();
    let line = |message: &String| LogLine {
        at,
        level: Level::Warn,
        message: message.clone(),
        task_id: None,
        task_run: None,
        attempt: 0,
    };
    let lines: Vec<LogLine> = warnings.iter().map(line).collect();
    Ok(api.logs().append(&origin, &lines).await?)
}
