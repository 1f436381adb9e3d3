//! What a value must keep besides its type: bounds, patterns, choices.

use jiff::civil;
use serde_json::{Map, Value};

use super::context::{Context, RenderError};
use super::convert::parse_time;
use super::pattern::pattern;
use super::text::{float_text, listed, text_of};
use crate::flow::{Input, InputType};
use crate::time::{iso_duration, parse_duration};

/// What is wrong with a converted value, in Kestra's words; `raw` is what it was before (a secret is encrypted by now).
pub(super) fn check(input: &Input, choices: &[String], raw: &Value, value: &Value) -> Vec<String> {
    let properties = &input.properties;
    match input.input_type {
        InputType::String => match_pattern(properties, &text_of(value)),
        InputType::Secret => match_pattern(properties, &text_of(raw)),
        InputType::Int => {
            let text = |bound: f64| format!("{bound:.0}");
            bounds(
                value.as_f64(),
                number(properties, "min"),
                number(properties, "max"),
                &MORE_LESS,
                text,
            )
        }
        InputType::Float => bounds(
            value.as_f64(),
            number(properties, "min"),
            number(properties, "max"),
            &MORE_LESS,
            float_text,
        ),
        InputType::Duration => {
            let read = |text: &str| parse_duration(text).ok();
            let bound = |key: &str| properties.get(key).map(text_of).as_deref().and_then(read);
            bounds(
                value.as_str().and_then(read),
                bound("min"),
                bound("max"),
                &DURATION_MORE_LESS,
                iso_duration,
            )
        }
        InputType::Datetime => {
            let read = |text: &str| text.trim().parse::<jiff::Timestamp>().ok();
            dated(properties, value, read, |instant| instant.to_string())
        }
        InputType::Date => dated(
            properties,
            value,
            |text| text.trim().parse::<civil::Date>().ok(),
            |date| date.to_string(),
        ),
        InputType::Time => dated(properties, value, parse_time, short_time),
        InputType::File => extension(properties, value),
        InputType::Enum | InputType::Select => {
            let text = text_of(value);
            let free = flag(properties, "allowCustomValue") || !input.required;
            if free || choices.contains(&text) {
                Vec::new()
            } else {
                vec![format!("it must match the values `{}`", listed(choices))]
            }
        }
        InputType::Multiselect if !flag(properties, "allowCustomValue") => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let outside = items
                .iter()
                .map(text_of)
                .filter(|item| !choices.contains(item));
            outside
                .map(|item| {
                    format!(
                        "value `{item}` doesn't match the values `{}`",
                        listed(choices)
                    )
                })
                .collect()
        }
        InputType::Multiselect
        | InputType::Boolean
        | InputType::Bool
        | InputType::Json
        | InputType::Yaml
        | InputType::Ion
        | InputType::Uri
        | InputType::Email
        | InputType::Array
        | InputType::Form => Vec::new(),
    }
}

/// The values to choose from: as listed, or what the expression gives.
pub(super) fn choices(
    input: &Input,
    inputs: &Map<String, Value>,
    context: &dyn Context,
) -> Result<Vec<String>, RenderError> {
    let properties = &input.properties;
    if let Some(expression) = properties.get("expression").and_then(Value::as_str) {
        let rendered = context
            .render_typed(expression, inputs)
            .map_err(|error| match error {
                RenderError::Failed(cause) => {
                    RenderError::Failed(format!("Cannot render 'expression'. Cause: {cause}"))
                }
                need @ RenderError::Need(_) => need,
            })?;
        let list = match &rendered {
            Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            other => other.clone(),
        };
        return match list {
            Value::Array(items) => Ok(items
                .iter()
                .filter(|item| !item.is_null())
                .map(choice)
                .collect()),
            _ => Err(RenderError::Failed(format!(
                "Invalid expression result. Expected a list of strings, but received {}",
                kind_of(&rendered)
            ))),
        };
    }
    let listed = properties
        .get("values")
        .or_else(|| properties.get("options"))
        .and_then(Value::as_array);
    Ok(listed.into_iter().flatten().map(choice).collect())
}

/// A value to choose, or the `value` of a pair with its label.
fn choice(item: &Value) -> String {
    text_of(item.get("value").unwrap_or(item))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "<null>",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Double",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "List",
        Value::Object(_) => "Map",
    }
}

struct Words {
    below: &'static str,
    above: &'static str,
}

const MORE_LESS: Words = Words {
    below: "it must be more than",
    above: "it must be less than",
};
const DURATION_MORE_LESS: Words = Words {
    below: "It must be more than",
    above: "It must be less than",
};
const AFTER_BEFORE: Words = Words {
    below: "it must be after",
    above: "it must be before",
};

/// Bounds that belong to what they allow.
fn bounds<T: PartialOrd + Copy>(
    value: Option<T>,
    least: Option<T>,
    most: Option<T>,
    words: &Words,
    text: impl Fn(T) -> String,
) -> Vec<String> {
    let Some(value) = value else {
        return Vec::new();
    };
    let below = least
        .filter(|least| value < *least)
        .map(|least| format!("{} `{}`", words.below, text(least)));
    let above = most
        .filter(|most| value > *most)
        .map(|most| format!("{} `{}`", words.above, text(most)));
    below.into_iter().chain(above).collect()
}

fn dated<T: PartialOrd + Copy>(
    properties: &Map<String, Value>,
    value: &Value,
    read: impl Fn(&str) -> Option<T>,
    text: impl Fn(T) -> String,
) -> Vec<String> {
    let bound = |key: &str| properties.get(key).map(text_of).as_deref().and_then(&read);
    bounds(
        value.as_str().and_then(&read),
        bound("after"),
        bound("before"),
        &AFTER_BEFORE,
        text,
    )
}

/// As Java prints it: seconds only where there are some.
fn short_time(time: civil::Time) -> String {
    if time.second() == 0 && time.subsec_nanosecond() == 0 {
        format!("{:02}:{:02}", time.hour(), time.minute())
    } else {
        time.to_string()
    }
}

fn number(properties: &Map<String, Value>, key: &str) -> Option<f64> {
    match properties.get(key)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn flag(properties: &Map<String, Value>, key: &str) -> bool {
    properties
        .get(key)
        .is_some_and(|value| text_of(value).eq_ignore_ascii_case("true"))
}

fn match_pattern(properties: &Map<String, Value>, text: &str) -> Vec<String> {
    let Some(validator) = properties.get("validator").and_then(Value::as_str) else {
        return Vec::new();
    };
    match pattern(validator) {
        Ok(pattern) if pattern.matches(text) => Vec::new(),
        Ok(_) | Err(_) => vec![format!("it must match the pattern `{validator}`")],
    }
}

fn extension(properties: &Map<String, Value>, value: &Value) -> Vec<String> {
    let allowed = properties
        .get("allowedFileExtensions")
        .or_else(|| properties.get("accept"));
    let extensions: Vec<String> = match allowed {
        Some(Value::Array(items)) => items.iter().map(text_of).collect(),
        Some(Value::String(text)) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        _ => return Vec::new(),
    };
    // an `accept` of the browser may name media types too, which a stored file does not tell
    let extensions: Vec<String> = extensions
        .into_iter()
        .filter(|item| !item.contains('/') && !item.is_empty())
        .collect();
    let name = text_of(value).to_lowercase();
    if extensions.is_empty()
        || extensions
            .iter()
            .any(|extension| name.ends_with(&extension.to_lowercase()))
    {
        return Vec::new();
    }
    vec![format!(
        "File type not allowed. Accepted extensions: {}",
        extensions.join(", ")
    )]
}
