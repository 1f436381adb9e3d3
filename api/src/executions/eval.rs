//! Trying out expressions.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::response::{IntoResponse, Response};
use flowmill_common::execution::Execution;
use flowmill_common::secrets::MASK;
use flowmill_common::{Flow, TaskRunId};
use flowmill_expression::{Engine, Need, Object, Value as Variable};
use flowmill_scheduler::{Root, Settings};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{create, load};
use crate::error::{ApiError, ErrorBody, Result};
use crate::facts::{self, Answers, RenderHost, Secrecy};
use crate::request::{Params, Text};
use crate::{Api, flows};

/// One expression may ask for so many facts.
const MOST_FACTS: usize = 200;

/// What an expression came to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EvalResult)]
pub(crate) struct Evaluated {
    /// The text; maps and lists as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The place in the expression and what would be right, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<String>,
}

/// Evaluate an expression as the execution sees it.
#[utoipa::path(
    post, path = "/api/v1/executions/{id}/eval", tag = "executions", operation_id = "evalExecutionExpression",
    params(("id" = String, Path)),
    request_body(content = String, content_type = "text/plain", description = "The expression: `{{ outputs.a.value }}`."),
    responses((status = 200, body = Evaluated, description = "Also when it fails."), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn of_execution(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
    request: Request,
) -> Result<Response> {
    let Some(execution) = api.executions().load(&id.as_str().into()).await? else {
        // a flow may be called `eval`, and this path then creates an execution of it
        if flows::latest(&api, &id, "eval").await?.is_some() {
            return create::create(State(api), Path((id, "eval".into())), params, request).await;
        }
        return Err(ApiError::not_found(""));
    };
    let Text(expression) = Text::from_request(request, &api).await?;
    let evaluated = evaluate(&api, Subject::of(&api, execution, None).await?, expression).await?;
    Ok(Json(evaluated).into_response())
}

/// Evaluate an expression as a task run sees it.
#[utoipa::path(
    post, path = "/api/v1/executions/{id}/eval/{taskRunId}", tag = "executions", operation_id = "evalTaskRunExpression",
    params(("id" = String, Path), ("taskRunId" = String, Path)),
    request_body(content = String, content_type = "text/plain", description = "The expression: `{{ taskrun.value }}`."),
    responses((status = 200, body = Evaluated, description = "Also when it fails."), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn of_task_run(
    State(api): State<Api>,
    Path((id, run)): Path<(String, String)>,
    Text(expression): Text,
) -> Result<Json<Evaluated>> {
    let execution = load(&api, &id).await?;
    let run = TaskRunId::from(run);
    if execution.runs.get(&run).is_none() {
        return Err(ApiError::not_found(format!(
            "the execution has no task run `{run}`"
        )));
    }
    let subject = Subject::of(&api, execution, Some(run)).await?;
    Ok(Json(evaluate(&api, subject, expression).await?))
}

/// What is rendered, and as whom.
pub(crate) struct Rendering {
    /// The execution, by its id.
    pub(crate) execution: Option<String>,
    /// Without an execution: the flow, if there is one.
    pub(crate) flow: Option<Arc<Flow>>,
}

/// Renders expressions one by one: each with its text, or why it failed.
pub(crate) async fn render_all(
    api: &Api,
    rendering: Rendering,
    expressions: Vec<String>,
) -> Result<Vec<(String, Result<String, String>)>> {
    let subject = match rendering.execution {
        Some(id) => Subject::of(api, load(api, &id).await?, None).await?,
        None => Subject {
            flow: rendering.flow,
            execution: None,
            run: None,
        },
    };
    let subject = Arc::new(subject);
    let mut all = Vec::with_capacity(expressions.len());
    for expression in expressions {
        let rendered = render(api, subject.clone(), expression.clone()).await?;
        all.push((expression, rendered.map_err(|failure| failure.message)));
    }
    Ok(all)
}

/// Whose variables an expression sees.
struct Subject {
    flow: Option<Arc<Flow>>,
    execution: Option<Execution>,
    run: Option<TaskRunId>,
}

impl Subject {
    async fn of(api: &Api, execution: Execution, run: Option<TaskRunId>) -> Result<Self> {
        let header = &execution.header;
        let found = flows::of_revision(
            api,
            &header.namespace,
            &header.flow_id,
            header.flow_revision,
        )
        .await?;
        let (_, flow) =
            found.ok_or_else(|| ApiError::not_found("the flow of the execution is gone"))?;
        let execution = without_secrets(&flow, execution);
        Ok(Self {
            flow: Some(flow),
            execution: Some(execution),
            run,
        })
    }
}

/// People do not see what a SECRET input is, encrypted or not.
fn without_secrets(flow: &Flow, mut execution: Execution) -> Execution {
    use flowmill_common::flow::InputType;
    let secrets = flow
        .inputs
        .iter()
        .filter(|input| input.input_type == InputType::Secret);
    for input in secrets {
        let pointer = format!("/{}", input.id.replace('.', "/"));
        if execution
            .header
            .inputs
            .pointer(&pointer)
            .is_some_and(|value| !value.is_null())
            && let Some(value) = Arc::make_mut(&mut execution.header.inputs).pointer_mut(&pointer)
        {
            *value = MASK.into();
        }
    }
    execution
}

/// Why an expression failed.
struct Failure {
    message: String,
    details: String,
}

enum Attempt {
    Done(String),
    Failed(Failure),
    Need(Need),
}

async fn evaluate(api: &Api, subject: Subject, expression: String) -> Result<Evaluated> {
    Ok(match render(api, Arc::new(subject), expression).await? {
        Ok(result) => Evaluated {
            result: Some(result),
            error: None,
            stack_trace: None,
        },
        Err(failure) => Evaluated {
            result: None,
            error: Some(failure.message),
            stack_trace: Some(failure.details),
        },
    })
}

/// Renders, fetching what is asked for, on a thread of its own: an expression may take a while.
async fn render(
    api: &Api,
    subject: Arc<Subject>,
    expression: String,
) -> Result<Result<String, Failure>> {
    let mut answers = Answers::default();
    let now = api.now();
    for _ in 0..MOST_FACTS {
        let engine = api.parts().engine.clone();
        // without the cipher: what SECRET inputs are is not for people
        let settings = Settings {
            cipher: None,
            ..(*api.parts().settings).clone()
        };
        let (subject_here, text, known) = (subject.clone(), expression.clone(), answers.clone());
        let attempt = tokio::task::spawn_blocking(move || {
            let host = RenderHost::new(now, known.clone());
            attempt(&engine, &settings, &subject_here, &text, &host, known)
        });
        let attempt = attempt
            .await
            .map_err(|error| ApiError::internal(format!("the rendering died: {error}")))?;
        match attempt {
            Attempt::Done(text) => return Ok(Ok(text)),
            Attempt::Failed(failure) => return Ok(Err(failure)),
            Attempt::Need(need) => {
                let header = subject
                    .execution
                    .as_ref()
                    .map(|execution| &execution.header);
                let answer = facts::fetch(api, header, Secrecy::Masked, &need).await;
                Arc::make_mut(&mut answers).insert(need, answer);
            }
        }
    }
    let message = format!("the expression asks for more than {MOST_FACTS} facts");
    Ok(Err(Failure {
        details: message.clone(),
        message,
    }))
}

fn attempt(
    engine: &Engine,
    settings: &Settings,
    subject: &Subject,
    text: &str,
    host: &RenderHost,
    answers: Answers,
) -> Attempt {
    let rendered = match (&subject.flow, &subject.execution) {
        (Some(flow), Some(execution)) => {
            let run = subject.run.as_ref().and_then(|id| execution.runs.get(id));
            engine.render(
                text,
                &Root::of(flow, execution, run, settings, answers),
                host,
            )
        }
        (flow, _) => {
            let root = variables(flow.as_deref(), settings);
            let root: &dyn Object = root.as_object().expect("the root is made of a map");
            engine.render(text, root, host)
        }
    };
    match rendered {
        Ok(text) => Attempt::Done(text),
        Err(error) => match error.as_need() {
            Some(need) => Attempt::Need(need.clone()),
            None => Attempt::Failed(Failure {
                message: error.to_string(),
                details: format!("{error:#}"),
            }),
        },
    }
}

/// What there is without an execution.
fn variables(flow: Option<&Flow>, settings: &Settings) -> Variable {
    let mut root = HashMap::from([
        ("envs", (*settings.envs).clone()),
        ("globals", (*settings.globals).clone()),
        ("kestra", (*settings.kestra).clone()),
    ]);
    if let Some(flow) = flow {
        let shown = json!({"id": &*flow.id, "namespace": &*flow.namespace, "revision": flow.revision, "tenantId": "main"});
        root.insert("flow", shown);
        root.insert("vars", (*flow.variables).clone());
    }
    let root: serde_json::Map<String, Value> = root
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Variable::from(Value::Object(root))
}
