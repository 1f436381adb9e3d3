//! The types of inputs and outputs: their names, the properties of each, and what stays text.

use serde_json::{Map, Value};

use super::object::Object;
use crate::flow::InputType;
use crate::yaml::Node;

/// What every input may have.
const COMMON_PROPERTIES: [&str; 9] = [
    "id",
    "name",
    "type",
    "description",
    "displayName",
    "required",
    "defaults",
    "prefill",
    "dependsOn",
];

/// Properties of inputs whose scalars are text whatever they look like.
const TEXT_PROPERTIES: [&str; 10] = [
    "id",
    "name",
    "type",
    "description",
    "displayName",
    "validator",
    "after",
    "before",
    "expression",
    "extension",
];

/// Properties of inputs that are lists of texts.
const TEXT_LISTS: [&str; 4] = ["values", "options", "allowedFileExtensions", "accept"];

/// Every type by its name.
pub(super) const TYPES: &[(&str, InputType)] = &[
    ("STRING", InputType::String),
    ("INT", InputType::Int),
    ("FLOAT", InputType::Float),
    ("BOOLEAN", InputType::Boolean),
    ("BOOL", InputType::Bool),
    ("DATETIME", InputType::Datetime),
    ("DATE", InputType::Date),
    ("TIME", InputType::Time),
    ("DURATION", InputType::Duration),
    ("FILE", InputType::File),
    ("JSON", InputType::Json),
    ("YAML", InputType::Yaml),
    ("ION", InputType::Ion),
    ("URI", InputType::Uri),
    ("EMAIL", InputType::Email),
    ("SECRET", InputType::Secret),
    ("ENUM", InputType::Enum),
    ("SELECT", InputType::Select),
    ("MULTISELECT", InputType::Multiselect),
    ("ARRAY", InputType::Array),
    ("FORM", InputType::Form),
];

/// Text stays as written where the type is text; `0777` of an INT is typed when it is converted.
pub(super) fn default_value(node: &Node, input_type: InputType) -> Value {
    let keeps_type = matches!(
        input_type,
        InputType::Int
            | InputType::Float
            | InputType::Boolean
            | InputType::Bool
            | InputType::Json
            | InputType::Yaml
            | InputType::Ion
            | InputType::Array
    );
    match node.as_text() {
        Some(text) if !keeps_type => Value::String(text.to_owned()),
        _ if input_type == InputType::Multiselect => texts(node),
        _ => node.to_json(),
    }
}

/// All properties of an input as JSON.
pub(super) fn properties(object: &Object<'_>) -> Map<String, Value> {
    let value = |key: &str, node: &Node| match node.as_text() {
        Some(text) if TEXT_PROPERTIES.contains(&key) => Value::String(text.to_owned()),
        _ if TEXT_LISTS.contains(&key) => texts(node),
        _ => node.to_json(),
    };
    object
        .mapping
        .iter()
        .map(|(key, entry)| (key.to_owned(), value(key, &entry.value)))
        .collect()
}

/// A list whose scalars stay as they were written: the values `yes` and `no` of a SELECT are texts.
fn texts(node: &Node) -> Value {
    match node.as_sequence() {
        Some(items) => Value::Array(
            items
                .iter()
                .map(|item| item.as_text().map_or_else(|| item.to_json(), Value::from))
                .collect(),
        ),
        None => node.to_json(),
    }
}

/// Kestra's class for inputs of a type, and all their properties.
pub(super) fn property_names(input_type: InputType) -> (String, Vec<&'static str>) {
    let (class, own) = own_properties(input_type);
    let known = COMMON_PROPERTIES.iter().chain(own).copied().collect();
    (
        format!("io.kestra.core.models.flows.input.{class}Input"),
        known,
    )
}

/// The simple name of Kestra's class for a type, and its own properties.
fn own_properties(input_type: InputType) -> (&'static str, &'static [&'static str]) {
    match input_type {
        InputType::String => ("String", &["validator"]),
        InputType::Int => ("Int", &["min", "max"]),
        InputType::Float => ("Float", &["min", "max"]),
        InputType::Boolean => ("Boolean", &[]),
        InputType::Bool => ("Bool", &[]),
        InputType::Datetime => ("DateTime", &["after", "before"]),
        InputType::Date => ("Date", &["after", "before"]),
        InputType::Time => ("Time", &["after", "before"]),
        InputType::Duration => ("Duration", &["min", "max"]),
        InputType::File => ("File", &["extension", "accept", "allowedFileExtensions"]),
        InputType::Json => ("Json", &[]),
        InputType::Yaml => ("Yaml", &[]),
        InputType::Ion => ("Ion", &[]),
        InputType::Uri => ("URI", &[]),
        InputType::Email => ("Email", &[]),
        InputType::Secret => ("Secret", &["validator"]),
        InputType::Enum => ("Enum", &["values"]),
        InputType::Select => (
            "Select",
            &[
                "values",
                "expression",
                "allowCustomValue",
                "isRadio",
                "autoSelectFirst",
            ],
        ),
        InputType::Multiselect => (
            "Multiselect",
            &[
                "values",
                "options",
                "expression",
                "itemType",
                "allowCustomValue",
                "autoSelectFirst",
            ],
        ),
        InputType::Array => ("Array", &["itemType"]),
        InputType::Form => ("Form", &["inputs"]),
    }
}
