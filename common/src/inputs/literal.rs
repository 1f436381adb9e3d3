//! Defaults that can be looked at before anything runs.

use serde_json::{Map, Value};

use super::constraint;
use super::context::{Context, RenderError};
use super::convert::{Problem, convert, type_named};
use crate::flow::{Input, InputType};

/// What will be wrong with the default of an input each time it is used; none if nothing is, or if that depends on templates.
pub(crate) fn literal_default_problem(input: &Input) -> Option<String> {
    let defaults = input.defaults.as_ref()?;
    let is_file = matches!(input.input_type, InputType::File | InputType::Form);
    if is_file || has_template(defaults) || input.properties.contains_key("expression") {
        return None;
    }
    let items = input
        .properties
        .get("itemType")
        .and_then(Value::as_str)
        .and_then(type_named);
    let choices = constraint::choices(input, &Map::new(), &Literal).ok()?;
    match convert(input.input_type, items, defaults, &Literal) {
        Ok(value) => {
            let broken = constraint::check(input, &choices, defaults, &value);
            (!broken.is_empty()).then(|| broken.join(", "))
        }
        Err(Problem::Cause(cause) | Problem::Whole(cause)) => Some(cause),
    }
}

fn has_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{") || text.contains("{%"),
        Value::Array(items) => items.iter().any(has_template),
        Value::Object(members) => members.values().any(has_template),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Renders nothing, for there is nothing to render.
struct Literal;

impl Context for Literal {
    fn render(&self, template: &str, _: &Map<String, Value>) -> Result<String, RenderError> {
        Ok(template.to_owned())
    }

    fn render_typed(&self, template: &str, _: &Map<String, Value>) -> Result<Value, RenderError> {
        Ok(Value::String(template.to_owned()))
    }

    fn encrypt(&self, text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}
