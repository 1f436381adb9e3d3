//! Checking the inputs of an execution without creating it.

use axum::Json;
use axum::extract::{Path, Request, State};
use flowmill_common::flow::{Flow, Input, InputType};
use flowmill_common::inputs::Context;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::inputs;
use crate::error::{ApiError, ErrorBody, Result};
use crate::facts::Answers;
use crate::request::Params;
use crate::request::form::{Given, Uploads};
use crate::wire::flow;
use crate::{Api, flows};

/// What the inputs come to.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiValidateExecutionInputsResponse)]
pub(crate) struct ValidatedInputs {
    /// The flow.
    id: String,
    /// Its namespace.
    namespace: String,
    /// Each declared input in its order.
    inputs: Vec<ValidatedInput>,
    /// Messages of the flow's own checks.
    #[schema(value_type = Vec<Object>)]
    checks: Vec<Value>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiInputAndValue)]
struct ValidatedInput {
    /// The input as it is declared; of a SELECT with an expression, with its values.
    #[schema(value_type = Object)]
    input: Value,
    /// Its value, if it has one.
    #[serde(skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Option<Object>)]
    value: Value,
    /// Whether what it depends on holds: a form shows only those.
    enabled: bool,
    /// Whether the value is the default.
    is_default: bool,
    /// What is wrong with it.
    errors: Vec<InputProblem>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ApiInputError)]
struct InputProblem {
    message: String,
}

/// Check the inputs of an execution.
#[utoipa::path(
    post, path = "/api/v1/executions/{namespace}/{id}/validate", tag = "executions",
    operation_id = "validateNewExecutionInputs",
    params(
        ("namespace" = String, Path), ("id" = String, Path, description = "The flow."),
        ("revision" = Option<u32>, Query, description = "This revision of it. Default the newest."),
    ),
    request_body(content = Object, content_type = "multipart/form-data", description = "The inputs."),
    responses(
        (status = 200, body = ValidatedInputs, description = "Also when inputs are wrong."),
        (status = 404, body = ErrorBody, description = "There is no such flow."),
    ),
)]
pub(crate) async fn validate(
    State(api): State<Api>,
    Path((namespace, id)): Path<(String, String)>,
    params: Params,
    request: Request,
) -> Result<Json<ValidatedInputs>> {
    let found = match params.parsed("revision")? {
        Some(revision) => flows::of_revision(&api, &namespace, &id, revision).await?,
        None => flows::latest(&api, &namespace, &id).await?,
    };
    let (_, flow) = found.ok_or_else(|| ApiError::not_found("Requested Flow is not found."))?;
    let given = Given::read(&api, &flow, request, Uploads::Drop).await?;
    let outcome = inputs::resolved(&api, &flow, &given.values).await?;
    let mut shown = Vec::new();
    for resolved in outcome.resolved.inputs {
        let declared = flow.inputs.iter().find(|input| *input.id == *resolved.id);
        let Some(declared) = declared else { continue };
        let raw = given.values.get(&resolved.id).cloned().unwrap_or_default();
        let is_secret = declared.input_type == InputType::Secret;
        let value = match (&resolved.error, is_secret) {
            (Some(_), _) => raw,
            (None, true) => Value::Null,
            (None, false) => resolved.value,
        };
        shown.push(ValidatedInput {
            input: declaration(&api, &flow, declared, &outcome.resolved.values),
            value,
            enabled: resolved.enabled,
            is_default: resolved.is_default,
            errors: resolved
                .error
                .map(|message| InputProblem { message })
                .into_iter()
                .collect(),
        });
    }
    Ok(Json(ValidatedInputs {
        id: flow.id.to_string(),
        namespace: flow.namespace.to_string(),
        inputs: shown,
        checks: Vec::new(),
    }))
}

/// An input as it is declared, with the values that its expression gives.
fn declaration(api: &Api, flow: &Flow, input: &Input, inputs: &Map<String, Value>) -> Value {
    let mut written = flow::input_of(input);
    let expression = input.properties.get("expression").and_then(Value::as_str);
    if let Some(expression) = expression {
        let rendering = inputs::Rendering {
            api,
            flow,
            answers: Answers::default(),
        };
        // an expression that fails is told as the error of its input
        if let Ok(values) = rendering.render_typed(expression, inputs) {
            written.insert("values".into(), values);
        }
    }
    Value::Object(written)
}
