//! Checking flows without saving them.

use axum::Json;
use axum::extract::State;
use flowmill_backends::repo::flows::written_revision;
use flowmill_common::yaml::{Diagnostic, DiagnosticKind, Severity, split_documents};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::violations;
use crate::Api;
use crate::error::{ApiError, Result};
use crate::request::body::Documents;
use crate::request::{Params, Text};

/// What was found about one document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ValidateConstraintViolation)]
pub(crate) struct Validated {
    /// The place of the document among those that were sent, from 0.
    index: usize,
    /// The file it came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    /// The flow's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<String>,
    /// The flow's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// Why it would be refused, one reason a line; none when it would be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    constraints: Option<String>,
    /// Whether its `revision` is not the next one.
    outdated: bool,
    /// The properties that are deprecated.
    deprecation_paths: Vec<String>,
    /// What is likely wrong.
    warnings: Vec<String>,
    /// What is worth knowing.
    infos: Vec<String>,
    /// Everything that was found, with line and column in the text that was sent.
    #[schema(value_type = Vec<Object>)]
    diagnostics: Vec<Diagnostic>,
}

/// Check flows.
#[utoipa::path(
    post, path = "/api/v1/flows/validate", tag = "flows", operation_id = "validateFlows",
    request_body(content = String, content_type = "application/x-yaml", description = "One or several documents."),
    responses((status = 200, body = Vec<Validated>, description = "One answer for each document, whatever is in it.")),
)]
pub(crate) async fn validate(
    State(api): State<Api>,
    documents: Documents,
) -> Result<Json<Vec<Validated>>> {
    let mut results = Vec::new();
    for file in documents.0 {
        let text = file.text.replace("\r\n", "\n");
        for document in split_documents(&text) {
            let mut result = check(&api, document.source, results.len()).await?;
            for diagnostic in &mut result.diagnostics {
                diagnostic.line += document.lines_before;
            }
            result.filename.clone_from(&file.name);
            results.push(result);
        }
    }
    Ok(Json(results))
}

/// Check one task.
#[utoipa::path(
    post, path = "/api/v1/flows/validate/task", tag = "flows", operation_id = "validateTask",
    params(("section" = Option<String>, Query, description = "`TASKS` (default) or `TRIGGERS`.")),
    request_body(content = String, content_type = "application/x-yaml", description = "The task as YAML or JSON."),
    responses((status = 200, body = Validated)),
)]
pub(crate) async fn validate_task(
    State(api): State<Api>,
    params: Params,
    body: Text,
) -> Result<Json<Validated>> {
    let section = match params
        .get("section")
        .unwrap_or("TASKS")
        .to_ascii_uppercase()
        .as_str()
    {
        "TASKS" => "tasks",
        "TRIGGERS" => "triggers",
        other => {
            return Err(ApiError::unprocessable(format!(
                "`{other}` is not a section (TASKS, TRIGGERS)"
            )));
        }
    };
    Ok(Json(
        check_part(&api, section, &body.required("task")?).await?,
    ))
}

/// Check one trigger.
#[utoipa::path(
    post, path = "/api/v1/flows/validate/trigger", tag = "flows", operation_id = "validateTrigger",
    request_body(content = String, content_type = "application/json", description = "The trigger as JSON or YAML."),
    responses((status = 200, body = Validated)),
)]
pub(crate) async fn validate_trigger(
    State(api): State<Api>,
    body: Text,
) -> Result<Json<Validated>> {
    Ok(Json(
        check_part(&api, "triggers", &body.required("trigger")?).await?,
    ))
}

async fn check(api: &Api, source: &str, index: usize) -> Result<Validated> {
    let (flow, namespace) = (top_level(source, "id"), top_level(source, "namespace"));
    let diagnostics = match api.cache().compile(source, 1).await {
        Ok(compiled) => compiled.warnings,
        Err(diagnostics) => diagnostics,
    };
    let outdated = match (written_revision(source), &flow, &namespace) {
        (Some(written), Some(flow), Some(namespace)) => {
            let head = api.flows().head(namespace, flow).await?;
            written != head.map_or(0, |head| head.revision) + 1
        }
        _ => false,
    };
    Ok(Validated {
        index,
        flow,
        namespace,
        outdated,
        ..summed_up(diagnostics, source)
    })
}

fn summed_up(diagnostics: Vec<Diagnostic>, source: &str) -> Validated {
    let constraints = violations::constraints(&diagnostics, source);
    let of = |severity: Severity| {
        let found = diagnostics
            .iter()
            .filter(move |diagnostic| diagnostic.severity == severity);
        found.map(|diagnostic| diagnostic.message.clone()).collect()
    };
    let deprecated = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.kind == DiagnosticKind::Deprecation);
    Validated {
        index: 0,
        filename: None,
        flow: None,
        namespace: None,
        constraints: (!constraints.is_empty()).then_some(constraints),
        outdated: false,
        deprecation_paths: deprecated
            .map(|diagnostic| diagnostic.path.clone())
            .collect(),
        warnings: of(Severity::Warning),
        infos: of(Severity::Info),
        diagnostics,
    }
}

/// Checks a task or a trigger inside of a flow that is right otherwise; findings about the rest are left out.
async fn check_part(api: &Api, section: &str, text: &str) -> Result<Validated> {
    let part = match flowmill_common::yaml::parse(text, &flowmill_common::yaml::Limits::default()) {
        Ok(node) => flowmill_common::yaml::Node::to_json(&node),
        Err(diagnostics) => return Ok(summed_up(diagnostics, text)),
    };
    let mut flow = Map::new();
    flow.insert("id".into(), "validated".into());
    flow.insert("namespace".into(), "validated".into());
    if section == "triggers" {
        let task =
            serde_json::json!({"id": "t", "type": "io.kestra.plugin.core.log.Log", "message": "m"});
        flow.insert("tasks".into(), vec![task].into());
    }
    flow.insert(section.into(), vec![part].into());
    // JSON is YAML; the places in it mean nothing to the client
    let source = Value::Object(flow).to_string();
    let found = match api.cache().compile(&source, 1).await {
        Ok(compiled) => compiled.warnings,
        Err(diagnostics) => diagnostics,
    };
    let prefix = format!("{section}[0]");
    let own = found.into_iter().filter_map(|mut diagnostic| {
        let below = diagnostic
            .path
            .strip_prefix(&prefix)?
            .trim_start_matches('.')
            .to_owned();
        (
            diagnostic.path,
            diagnostic.line,
            diagnostic.column,
            diagnostic.length,
        ) = (below, 1, 1, 1);
        Some(diagnostic)
    });
    Ok(summed_up(own.collect(), text))
}

/// A property at the top of a text, read without understanding the rest: it is answered for texts that are broken, too.
fn top_level(source: &str, name: &str) -> Option<String> {
    let value = source
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let value = value.split(" #").next().unwrap_or(value).trim();
    let value = value.trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_namespace_of_a_broken_text_are_found() {
        let source = "# id: no\nid: \"hello\"  # why\nnamespace:  a.b\ntasks: [\n";
        assert_eq!(top_level(source, "id").as_deref(), Some("hello"));
        assert_eq!(top_level(source, "namespace").as_deref(), Some("a.b"));
        assert_eq!(top_level(source, "revision"), None);
    }
}
