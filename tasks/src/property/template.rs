//! Rendering of what has templates in it: the texts are taken out, rendered in order, and put back.

use serde_json::{Map, Value};

use super::Shape;
use crate::context::RunContext;
use crate::inline::{Inlined, Stop};
use crate::task::TaskError;

/// Whether any text in the value, keys included, may be a template.
pub fn has_template(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(has_template),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| is_template(key) || has_template(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// The value with all templates rendered.
pub(super) async fn render(
    template: &Value,
    shape: Shape,
    context: &RunContext,
) -> Result<Value, TaskError> {
    let plan = Plan::new(template, shape);
    let mut rendered = Vec::new();
    for text in plan.texts() {
        rendered.push(match plan.typed {
            true => context.render_typed(text).await?,
            false => Value::String(context.render(text).await?),
        });
    }
    Ok(plan.put_back(rendered))
}

/// The same without waiting.
pub(super) fn render_inline(
    template: &Value,
    shape: Shape,
    scope: &Inlined<'_>,
) -> Result<Value, Stop> {
    let plan = Plan::new(template, shape);
    let mut rendered = Vec::new();
    for text in plan.texts() {
        rendered.push(match plan.typed {
            true => scope.render_typed(text)?,
            false => Value::String(scope.render(text)?),
        });
    }
    Ok(plan.put_back(rendered))
}

/// What is to be rendered, and how.
struct Plan<'a> {
    source: std::borrow::Cow<'a, Value>,
    typed: bool,
}

impl<'a> Plan<'a> {
    fn new(template: &'a Value, shape: Shape) -> Self {
        let source = match (shape, template) {
            // JSON text with templates in it: read first, then each part is rendered by itself, so that quotes in what comes of
            // a template do no harm
            (Shape::List | Shape::Map, Value::String(text))
                if !begins_or_ends_as_template(text) =>
            {
                match serde_json::from_str::<Value>(text) {
                    Ok(json @ (Value::Array(_) | Value::Object(_))) => {
                        std::borrow::Cow::Owned(json)
                    }
                    _ => std::borrow::Cow::Borrowed(template),
                }
            }
            _ => std::borrow::Cow::Borrowed(template),
        };
        Self {
            source,
            typed: shape == Shape::Any,
        }
    }

    fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        collect(&self.source, &mut texts);
        texts
    }

    fn put_back(&self, rendered: Vec<Value>) -> Value {
        rebuild(&self.source, &mut rendered.into_iter())
    }
}

fn begins_or_ends_as_template(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{") || text.starts_with("{%") || text.ends_with("}}") || text.ends_with("%}")
}

fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(entries) => {
            for (key, value) in entries {
                texts.push(key);
                collect(value, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn rebuild(value: &Value, rendered: &mut impl Iterator<Item = Value>) -> Value {
    match value {
        Value::String(_) => rendered.next().unwrap_or_default(),
        Value::Array(items) => items.iter().map(|item| rebuild(item, rendered)).collect(),
        Value::Object(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for value in entries.values() {
                let key = match rendered.next() {
                    Some(Value::String(key)) => key,
                    Some(other) => other.to_string(),
                    None => String::new(),
                };
                map.insert(key, rebuild(value, rendered));
            }
            Value::Object(map)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
