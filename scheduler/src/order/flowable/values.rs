//! The values of a loop: rendered once, distinct, each a text.

use std::collections::HashSet;

use flowmill_common::TaskRunId;
use flowmill_expression::{Engine, FixedHost};
use serde_json::Value;

use crate::draft::Draft;
use crate::order::render::{self, Rendered};

/// Renders the values and keeps them with the task run.
pub(super) fn begin(draft: &mut Draft<'_>, id: &TaskRunId, property: &Value) -> Rendered<()> {
    let values = match render_values(draft, id, property)?
        .and_then(|values| distinct_texts(draft.facts.engine, values))
    {
        Ok(values) => values,
        Err(message) => return Ok(Err(message)),
    };
    draft.set_values(id, values);
    Ok(Ok(()))
}

fn render_values(draft: &Draft<'_>, id: &TaskRunId, property: &Value) -> Rendered<Vec<Value>> {
    match property {
        Value::Array(items) => {
            let mut values = Vec::with_capacity(items.len());
            for item in items {
                match render_item(draft, id, item)? {
                    Ok(value) => values.push(value),
                    Err(message) => return Ok(Err(message)),
                }
            }
            Ok(Ok(values))
        }
        Value::String(template) => {
            Ok(render::text(draft, Some(id), template)?.and_then(|text| parse_list(&text)))
        }
        other => Ok(Err(format!(
            "`values` must be a list, or an expression that gives one, not `{other}`"
        ))),
    }
}

/// An item of a list in YAML: texts are rendered, maps rendered and written as JSON.
fn render_item(draft: &Draft<'_>, id: &TaskRunId, item: &Value) -> Rendered<Value> {
    match item {
        Value::String(template) => Ok(render::text(draft, Some(id), template)?.map(Value::String)),
        Value::Object(_) => {
            let json = item.to_string();
            Ok(render::text(draft, Some(id), &json)?.map(Value::String))
        }
        Value::Array(_) => Ok(Err("Unknown value element type: a list".to_owned())),
        Value::Number(number) if number.is_f64() => Ok(Err(unknown_type("java.lang.Double"))),
        other => Ok(Ok(other.clone())),
    }
}

fn parse_list(text: &str) -> Result<Vec<Value>, String> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(items)) => Ok(items),
        Ok(other) => Err(format!(
            "`values` must give a JSON list, not `{}`",
            shortened(&other.to_string())
        )),
        Err(error) => Err(format!(
            "`values` must give a JSON list: {error}, in `{}`",
            shortened(text)
        )),
    }
}

/// Kestra drops repeated values, and refuses nulls and truth values.
fn distinct_texts(engine: &Engine, values: Vec<Value>) -> Result<Vec<Value>, String> {
    let nulls = values.iter().filter(|value| value.is_null()).count();
    if nulls > 0 {
        return Err(format!(
            "Found '{nulls}' null values on Each, with values={}",
            java_text(engine, values)
        ));
    }
    let mut seen = HashSet::new();
    let mut distinct = Vec::with_capacity(values.len());
    for value in values {
        let text = match value {
            Value::String(text) => text,
            Value::Bool(_) => return Err(unknown_type("java.lang.Boolean")),
            other => other.to_string(),
        };
        if seen.insert(text.clone()) {
            distinct.push(Value::String(text));
        }
    }
    Ok(distinct)
}

/// The list as Java prints it: `[1, null, {key=value}]`.
fn java_text(engine: &Engine, values: Vec<Value>) -> String {
    let root = flowmill_expression::Value::from(serde_json::json!({"values": values}));
    let printed = root
        .as_object()
        .map(|root| engine.render("{{ values ~ '' }}", root, &FixedHost::default()));
    printed.and_then(Result::ok).unwrap_or_default()
}

fn unknown_type(class: &str) -> String {
    format!(
        "Unable to resolve state from the Flowable task: Unknown value element type: class {class}"
    )
}

fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn engine() -> Engine {
        Engine::new(flowmill_expression::Options::default())
    }

    #[test]
    fn repeated_values_vanish_and_numbers_become_text() {
        let values = distinct_texts(
            &engine(),
            vec![json!("a"), json!(1), json!("a"), json!({"k": 1})],
        );
        assert_eq!(values, Ok(vec![json!("a"), json!("1"), json!("{\"k\":1}")]));
    }

    #[test]
    fn a_null_value_is_refused_in_kestras_words() {
        let values = vec![json!(1), Value::Null, json!({"key": "my-key"})];
        let error = distinct_texts(&engine(), values).unwrap_err();
        assert_eq!(
            error,
            "Found '1' null values on Each, with values=[1, null, {key=my-key}]"
        );
    }
}
