//! Raw values to values of a type.

use jiff::civil;
use serde_json::{Number, Value};

use super::context::Context;
use super::text::text_of;
use crate::flow::InputType;
use crate::ion;
use crate::time::{Timestamp, iso_duration, parse_duration};
use crate::yaml;

/// Why a value cannot be one of a type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The cause, which goes behind `Invalid value for input …. Cause:`.
    Cause(String),
    /// A whole message: Kestra says the type instead of the input's name.
    Whole(String),
}

/// Converts a value that is not null. `items` is the type of the elements of lists.
pub(super) fn convert(
    input_type: InputType,
    items: Option<InputType>,
    value: &Value,
    context: &dyn Context,
) -> Result<Value, Problem> {
    match input_type {
        InputType::String | InputType::Enum | InputType::Select => {
            Ok(Value::String(text_of(value)))
        }
        InputType::Secret => secret(value, context),
        InputType::Int => integer(value),
        InputType::Float => float(value),
        InputType::Boolean | InputType::Bool => Ok(boolean(value)),
        InputType::Datetime => datetime(value),
        InputType::Date => date(value),
        InputType::Time => time(value),
        InputType::Duration => duration(value),
        InputType::File => file(value),
        InputType::Json => json(value),
        InputType::Yaml => yaml_value(value),
        InputType::Ion => ion_value(value),
        InputType::Uri => uri(value),
        InputType::Email => email(value),
        InputType::Array | InputType::Multiselect => list(input_type, items, value, context),
        InputType::Form => Ok(value.clone()),
    }
}

/// The type of this name, as `itemType` has it.
pub(super) fn type_named(name: &str) -> Option<InputType> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

fn secret(value: &Value, context: &dyn Context) -> Result<Value, Problem> {
    match context.encrypt(&text_of(value)) {
        Some(encrypted) => Ok(Value::String(encrypted)),
        None => Err(Problem::Cause(
            "Unable to use a `SECRET` input/output as encryption is not configured".to_owned(),
        )),
    }
}

/// 32 bits, as in Java; `5.0` is none.
fn integer(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    match text.parse::<i32>() {
        Ok(number) => Ok(Value::Number(number.into())),
        Err(_) => Err(no_number(&text)),
    }
}

fn float(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    let number = text.trim().parse::<f64>().ok().and_then(Number::from_f64);
    number.map(Value::Number).ok_or_else(|| no_number(&text))
}

fn no_number(text: &str) -> Problem {
    Problem::Cause(format!("For input string: \"{text}\""))
}

fn boolean(value: &Value) -> Value {
    match value {
        Value::Bool(_) => value.clone(),
        other => Value::Bool(text_of(other).eq_ignore_ascii_case("true")),
    }
}

fn datetime(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    match text.trim().parse::<jiff::Timestamp>() {
        Ok(instant) => Ok(Value::String(Timestamp::from(instant).to_string())),
        Err(_) => Err(expected(
            "DATETIME",
            &text,
            &hinted(&text, "2024-01-31T10:00:00Z"),
        )),
    }
}

fn date(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    match text.trim().parse::<civil::Date>() {
        Ok(date) if text.trim().len() == 10 => Ok(Value::String(date.to_string())),
        _ => Err(expected("DATE", &text, &hinted(&text, "2024-01-31"))),
    }
}

fn time(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    match parse_time(&text) {
        Some(time) => Ok(Value::String(time.to_string())),
        None => Err(expected("TIME", &text, &hinted(&text, "10:15:30"))),
    }
}

/// `10:15` or `10:15:30.5`.
pub(super) fn parse_time(text: &str) -> Option<civil::Time> {
    let text = text.trim();
    text.starts_with(|first: char| first.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

fn duration(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    match parse_duration(&text) {
        Ok(duration) => Ok(Value::String(iso_duration(duration))),
        Err(problem) => Err(expected("DURATION", &text, &problem)),
    }
}

fn hinted(text: &str, example: &str) -> String {
    format!("Text '{text}' could not be parsed: it must look like `{example}`")
}

/// A URI of the internal storage or of a namespace file; the caller has stored what was uploaded.
fn file(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    if ["kestra:", "nsfile:", "file:"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        return Ok(Value::String(text));
    }
    Err(expected(
        "FILE",
        &text,
        "it must be uploaded, or be the URI of a stored file: `kestra:///…`",
    ))
}

fn json(value: &Value) -> Result<Value, Problem> {
    let Value::String(text) = value else {
        return Ok(value.clone());
    };
    serde_json::from_str(text).map_err(|error| expected("JSON", text, &error.to_string()))
}

fn yaml_value(value: &Value) -> Result<Value, Problem> {
    let Value::String(text) = value else {
        return Ok(value.clone());
    };
    match yaml::parse(text, &yaml::Limits::default()) {
        Ok(node) => Ok(node.to_json()),
        Err(problems) => {
            let first = problems
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            Err(expected("YAML", text, &first))
        }
    }
}

fn ion_value(value: &Value) -> Result<Value, Problem> {
    let Value::String(text) = value else {
        return Ok(value.clone());
    };
    match ion::parse_first(text) {
        Ok(value) => Ok(value.map_or(Value::Null, ion::Value::into_json)),
        Err(error) => Err(expected("ION", text, &error.to_string())),
    }
}

fn uri(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    if let Some((index, _)) = text
        .char_indices()
        .find(|(_, unit)| is_illegal_in_uri(*unit))
    {
        let place = text[..index].chars().count();
        return Err(Problem::Cause(format!(
            "Illegal character in {} at index {place}: {text}",
            part_of(&text, index)
        )));
    }
    if scheme_length(&text).is_none() {
        return Err(Problem::Cause("Invalid URI format.".to_owned()));
    }
    Ok(Value::String(text))
}

fn is_illegal_in_uri(unit: char) -> bool {
    unit.is_whitespace()
        || unit.is_control()
        || matches!(unit, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

fn part_of(uri: &str, index: usize) -> &'static str {
    match uri.find(['?', '#']) {
        Some(at) if at < index && uri[at..].starts_with('?') => "query",
        Some(at) if at < index => "fragment",
        _ => "path",
    }
}

fn scheme_length(uri: &str) -> Option<usize> {
    let end = uri.find(':')?;
    let scheme = &uri[..end];
    let begins = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let rest = scheme
        .chars()
        .all(|unit| unit.is_ascii_alphanumeric() || matches!(unit, '+' | '.' | '-'));
    (begins && rest && end + 1 < uri.len()).then_some(end)
}

/// One `@`, something before it, and a name with a dot behind it.
fn email(value: &Value) -> Result<Value, Problem> {
    let text = text_of(value);
    let is_local =
        |unit: char| unit.is_ascii_alphanumeric() || "!#$%&'*+/=?`{|}~^.-_".contains(unit);
    let is_domain = |unit: char| unit.is_ascii_alphanumeric() || matches!(unit, '.' | '-');
    let right = text.split_once('@').is_some_and(|(local, domain)| {
        let ending = domain.rsplit('.').next().unwrap_or_default();
        !local.is_empty()
            && local.chars().all(is_local)
            && domain.chars().all(is_domain)
            && domain.contains('.')
            && !domain.starts_with('.')
            && ending.len() >= 2
    });
    if right {
        Ok(Value::String(text))
    } else {
        Err(Problem::Cause("The input must be a valid email".to_owned()))
    }
}

fn list(
    input_type: InputType,
    items: Option<InputType>,
    value: &Value,
    context: &dyn Context,
) -> Result<Value, Problem> {
    let name = if input_type == InputType::Multiselect {
        "MULTISELECT"
    } else {
        "ARRAY"
    };
    let elements = match value {
        Value::Array(elements) => elements.clone(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Array(elements)) => elements,
            Ok(_) => {
                return Err(expected(
                    name,
                    text,
                    "it is no list: a list is written `[\"a\", \"b\"]`",
                ));
            }
            Err(error) => return Err(expected(name, text, &error.to_string())),
        },
        other => return Err(expected(name, &text_of(other), "it is no list")),
    };
    let Some(items) = items.filter(|items| !matches!(items, InputType::Array | InputType::Form))
    else {
        return Ok(Value::Array(elements));
    };
    let mut converted = Vec::with_capacity(elements.len());
    for element in elements {
        match convert(items, None, &element, context) {
            Ok(value) => converted.push(value),
            Err(_) => {
                let shown = text_of(&element);
                let message = format!(
                    "Unable to parse array element as `{}` on `{shown}`",
                    type_name(items)
                );
                return Err(Problem::Cause(message));
            }
        }
    }
    Ok(Value::Array(converted))
}

fn type_name(input_type: InputType) -> String {
    serde_json::to_value(input_type)
        .ok()
        .as_ref()
        .map(text_of)
        .unwrap_or_default()
}

fn expected(type_name: &str, received: &str, problem: &str) -> Problem {
    Problem::Whole(format!(
        "Expected `{type_name}` but received `{received}` with errors:\n```\n{problem}\n```"
    ))
}
