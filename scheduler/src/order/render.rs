//! Rendering within a step: a failure is the task's, a need is the step's.

use flowmill_common::TaskRunId;
use flowmill_expression::{Error, Need};
use serde_json::Value;

use crate::context::Root;
use crate::draft::Draft;
use crate::facts::StepHost;

/// Text, or Kestra's message why there is none.
pub(crate) type Rendered<T = String> = Result<Result<T, String>, Need>;

/// Renders a template, seen from a task run or from the execution itself.
pub(crate) fn text(draft: &Draft<'_>, run: Option<&TaskRunId>, template: &str) -> Rendered {
    if !template.contains('{') {
        return Ok(Ok(template.to_owned()));
    }
    let run = run.and_then(|id| draft.run(id));
    let root = Root::of_draft(draft, run);
    let host = StepHost::new(draft.facts, draft.at);
    settle(draft.facts.engine.render(template, &root, &host))
}

/// Renders a property that YAML may write as a scalar: text, number or boolean.
pub(crate) fn scalar(draft: &Draft<'_>, run: Option<&TaskRunId>, property: &Value) -> Rendered {
    match property {
        Value::String(template) => text(draft, run, template),
        Value::Null => Ok(Ok(String::new())),
        other => Ok(Ok(other.to_string())),
    }
}

/// Renders every text of a structure; the result of a single expression keeps its type.
pub(crate) fn typed(
    draft: &Draft<'_>,
    run: Option<&TaskRunId>,
    property: &Value,
) -> Rendered<Value> {
    let rendered = match property {
        Value::String(template) if template.contains('{') => {
            let root = Root::of_draft(draft, run.and_then(|id| draft.run(id)));
            let host = StepHost::new(draft.facts, draft.at);
            settle(
                draft
                    .facts
                    .engine
                    .render_typed(template, &root, &host)
                    .and_then(|value| value.to_json()),
            )?
        }
        Value::Array(items) => {
            let mut rendered = Vec::with_capacity(items.len());
            for item in items {
                match typed(draft, run, item)? {
                    Ok(item) => rendered.push(item),
                    Err(message) => return Ok(Err(message)),
                }
            }
            Ok(Value::Array(rendered))
        }
        Value::Object(members) => {
            let mut rendered = serde_json::Map::new();
            for (key, member) in members {
                match (text(draft, run, key)?, typed(draft, run, member)?) {
                    (Ok(key), Ok(member)) => rendered.insert(key, member),
                    (Err(message), _) | (_, Err(message)) => return Ok(Err(message)),
                };
            }
            Ok(Value::Object(rendered))
        }
        other => Ok(other.clone()),
    };
    Ok(rendered)
}

/// Whether a rendered condition holds: everything but `false`, `0`, `-0` and blank text.
pub(crate) fn is_truthy(rendered: &str) -> bool {
    !matches!(rendered.trim(), "" | "false" | "0" | "-0")
}

fn settle<T>(result: Result<T, Error>) -> Rendered<T> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match error.as_need() {
            Some(need) => Err(need.clone()),
            None => Ok(Err(error.message())),
        },
    }
}
