//! The types of inputs.

use axum::extract::Path;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::cached;
use crate::error::{ApiError, ErrorBody, Result};

/// Each type with Kestra's class, what it is, and its own properties.
const TYPES: [(&str, &str, &str, &[&str]); 20] = [
    ("STRING", "StringInput", "Text.", &["validator"]),
    (
        "INT",
        "IntInput",
        "A whole number of 32 bits.",
        &["min", "max"],
    ),
    ("FLOAT", "FloatInput", "A number.", &["min", "max"]),
    ("BOOLEAN", "BooleanInput", "True, false or absent.", &[]),
    ("BOOL", "BoolInput", "True or false.", &[]),
    (
        "DATETIME",
        "DateTimeInput",
        "An instant: `2024-01-31T10:00:00Z`.",
        &["after", "before"],
    ),
    (
        "DATE",
        "DateInput",
        "A day: `2024-01-31`.",
        &["after", "before"],
    ),
    (
        "TIME",
        "TimeInput",
        "A time of day: `10:15:30`.",
        &["after", "before"],
    ),
    (
        "DURATION",
        "DurationInput",
        "A length of time: `PT1H`.",
        &["min", "max"],
    ),
    (
        "FILE",
        "FileInput",
        "An uploaded file, or the URI of a stored one.",
        &["extension", "allowedFileExtensions"],
    ),
    ("JSON", "JsonInput", "JSON.", &[]),
    ("YAML", "YamlInput", "YAML.", &[]),
    ("ION", "IonInput", "Ion.", &[]),
    ("URI", "URIInput", "A URI.", &[]),
    ("EMAIL", "EmailInput", "An e-mail address.", &[]),
    (
        "SECRET",
        "SecretInput",
        "Text that is encrypted where it is kept.",
        &["validator"],
    ),
    (
        "ENUM",
        "EnumInput",
        "One of several values; replaced by SELECT.",
        &["values"],
    ),
    (
        "SELECT",
        "SelectInput",
        "One of several values.",
        &[
            "values",
            "expression",
            "allowCustomValue",
            "isRadio",
            "autoSelectFirst",
        ],
    ),
    (
        "MULTISELECT",
        "MultiselectInput",
        "Some of several values.",
        &["values", "expression", "itemType", "allowCustomValue"],
    ),
    ("ARRAY", "ArrayInput", "A list of one type.", &["itemType"]),
];

/// A type of inputs.
#[derive(Serialize, ToSchema)]
pub(crate) struct InputTypeName {
    #[serde(rename = "type")]
    name: &'static str,
    /// Kestra's class.
    cls: String,
}

/// List the types of inputs.
#[utoipa::path(
    get, path = "/api/v1/plugins/inputs", tag = "plugins", operation_id = "allInputTypes",
    responses((status = 200, body = Vec<InputTypeName>)),
)]
pub(crate) async fn list() -> Response {
    let names = TYPES.map(|(name, class, _, _)| InputTypeName {
        name,
        cls: class_of(class),
    });
    cached(&json!(names.as_slice()))
}

/// Get the documentation of a type of inputs.
#[utoipa::path(
    get, path = "/api/v1/plugins/inputs/{type}", tag = "plugins", operation_id = "schemaFromInputType",
    params(("type" = String, Path)),
    responses((status = 200, body = super::Documentation), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn get(Path(name): Path<String>) -> Result<Response> {
    let found = TYPES
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(&name));
    let names = || TYPES.map(|(known, ..)| known).join(", ");
    let (name, class, what, own) = found
        .ok_or_else(|| ApiError::not_found(format!("no type of inputs `{name}` ({})", names())))?;
    let mut markdown = format!(
        "---\ntitle: {class}\neditLink: false\n---\n\n# {class}\n\n{what}\n\n```yaml\ntype: \"{name}\"\n```\n"
    );
    if !own.is_empty() {
        markdown.push_str(&format!(
            "\nProperties of its own: `{}`.\n",
            own.join("`, `")
        ));
    }
    let schema = json!({"properties": definition(name, own), "outputs": {}, "definitions": {}});
    Ok(cached(&json!({"markdown": markdown, "schema": schema})))
}

/// The definitions of all types, for the schema of the language.
pub(super) fn definitions() -> impl Iterator<Item = (String, Value)> {
    TYPES.into_iter().map(|(name, class, what, own)| {
        let mut definition = definition(name, own);
        definition["description"] = what.into();
        (class_of(class), definition)
    })
}

fn class_of(class: &str) -> String {
    format!("io.kestra.core.models.flows.input.{class}")
}

fn definition(name: &str, own: &[&str]) -> Value {
    let mut definition = json!({
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            "id": {"type": "string", "pattern": "^[a-zA-Z0-9][.a-zA-Z0-9_-]*", "description": "Its name; dots nest it."},
            "type": {"const": name},
            "description": {"type": "string", "description": "What it is for, in Markdown."},
            "displayName": {"type": "string", "description": "Its name for people."},
            "required": {"type": "boolean", "default": true, "description": "Whether it must have a value."},
            "defaults": {"description": "The value when none is given.", "$dynamic": true},
            "prefill": {"description": "What a form shows at first."},
            "dependsOn": {
                "type": "object",
                "description": "When it is asked for.",
                "properties": {
                    "inputs": {"type": "array", "items": {"type": "string"}, "description": "The inputs that must be there."},
                    "condition": {"type": "string", "$dynamic": true, "description": "Must give `true`."},
                },
            },
        },
    });
    for property in own {
        definition["properties"][*property] = json!({});
    }
    definition
}
