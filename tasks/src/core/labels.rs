//! `io.kestra.plugin.core.execution.Labels`

use flowmill_common::flow::Label;
use flowmill_common::inline::ExecutionUpdate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::describe::{NoOutputs, TaskProperties};
use crate::inline::{Inlined, Stop, Update};

/// Add labels to the execution, or replace them.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Labels {
    /// The labels: a map, a list of `key` and `value`, or an expression that gives the JSON of either.
    #[schemars(schema_with = "labels_schema")]
    labels: Value,
}

impl TaskProperties for Labels {
    const TYPE: &'static str = "io.kestra.plugin.core.execution.Labels";
    const ALIASES: &'static [&'static str] = &["io.kestra.core.tasks.executions.Labels"];
    const EXAMPLE: &'static str = "\
id: label_it
namespace: company.team

inputs:
  - id: customer
    type: STRING
    defaults: acme

tasks:
  - id: label
    type: io.kestra.plugin.core.execution.Labels
    labels:
      customer: \"{{ inputs.customer }}\"
      checked: \"true\"
";
    type Outputs = NoOutputs;
}

impl Update for Labels {
    fn update(&self, scope: &Inlined<'_>) -> Result<ExecutionUpdate, Stop> {
        let labels = match &self.labels {
            Value::String(text) => {
                let text = scope.render(text)?;
                let json: Value = serde_json::from_str(&text).map_err(|error| {
                    Stop::failed(format!("`labels` must give a JSON map or list: {error}"))
                })?;
                pairs(&json)?.into_iter().collect()
            }
            written => {
                let mut labels = Vec::new();
                for (key, value) in pairs(written)? {
                    labels.push((scope.render(&key)?, scope.render(&value)?));
                }
                labels
            }
        };
        labels
            .into_iter()
            .map(checked)
            .collect::<Result<_, _>>()
            .map(ExecutionUpdate::Labels)
    }
}

fn pairs(labels: &Value) -> Result<Vec<(String, String)>, Stop> {
    match labels {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| Ok((key.clone(), text(value)?)))
            .collect(),
        Value::Array(list) => (list.iter())
            .map(|label| match (label.get("key"), label.get("value")) {
                (Some(key), Some(value)) => Ok((text(key)?, text(value)?)),
                _ => Err(Stop::failed(format!(
                    "the label `{label}` must have a `key` and a `value`"
                ))),
            })
            .collect(),
        other => Err(Stop::failed(format!(
            "`labels` must be a map or a list of `key` and `value`, not `{other}`"
        ))),
    }
}

fn text(value: &Value) -> Result<String, Stop> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err(Stop::failed(format!(
            "the value of a label must be text, not `{value}`"
        ))),
    }
}

fn checked((key, value): (String, String)) -> Result<Label, Stop> {
    if key.trim().is_empty() || value.trim().is_empty() {
        return Err(Stop::failed(format!(
            "the label `{key}={value}` has an empty key or value"
        )));
    }
    if key.starts_with("system.") {
        return Err(Stop::failed(format!(
            "System labels can only be set by Kestra itself, offending label: {key}={value}."
        )));
    }
    Ok(Label { key, value })
}

fn labels_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } },
        { "type": "array", "items": { "type": "object", "required": ["key", "value"] } },
        { "type": "string" },
    ] })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::testing::update;

    #[test]
    fn a_map_a_list_and_json_text_mean_the_same() {
        let wanted = Ok(ExecutionUpdate::Labels(vec![Label {
            key: "a".into(),
            value: "1".into(),
        }]));
        assert_eq!(update::<Labels>(json!({"labels": {"a": 1}})), wanted);
        assert_eq!(
            update::<Labels>(json!({"labels": [{"key": "a", "value": "1"}]})),
            wanted
        );
        assert_eq!(
            update::<Labels>(json!({"labels": "[{\"key\": \"a\", \"value\": \"1\"}]"})),
            wanted
        );
        assert_eq!(
            update::<Labels>(json!({"labels": "{\"a\": \"1\"}"})),
            wanted
        );
    }

    #[test]
    fn system_labels_and_empty_ones_are_refused() {
        assert!(
            update::<Labels>(json!({"labels": {"system.x": "1"}}))
                .unwrap_err()
                .contains("system.x=1")
        );
        assert!(
            update::<Labels>(json!({"labels": {"a": ""}}))
                .unwrap_err()
                .contains("empty")
        );
        assert!(
            update::<Labels>(json!({"labels": "nothing"}))
                .unwrap_err()
                .contains("JSON")
        );
    }
}
