//! `io.kestra.plugin.core.log.Log`

use flowmill_common::log::Level;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::describe::{NoOutputs, TaskProperties};
use crate::inline::{Inline, Inlined, Stop};
use crate::property::Property;
use crate::task::Output;

/// Log one or more messages.
///
/// Maps and lists that an expression gives are written as JSON.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Log {
    /// The message, or a list of messages: one line in the log for each.
    #[schemars(schema_with = "message_schema")]
    message: Value,
    /// The level of the lines.
    #[serde(default)]
    level: Property<Level>,
}

impl TaskProperties for Log {
    const TYPE: &'static str = "io.kestra.plugin.core.log.Log";
    const ALIASES: &'static [&'static str] = &["io.kestra.core.tasks.log.Log"];
    const EXAMPLE: &'static str = "\
id: greeting
namespace: company.team

inputs:
  - id: name
    type: STRING
    defaults: world

tasks:
  - id: greet
    type: io.kestra.plugin.core.log.Log
    message:
      - Hello {{ inputs.name }}
      - This is execution {{ execution.id }}
    level: INFO
";
    type Outputs = NoOutputs;
}

impl Inline for Log {
    fn run(&self, scope: &Inlined<'_>) -> Result<Output, Stop> {
        let level = self.level.render_inline(scope)?;
        match &self.message {
            Value::String(message) => scope.log(level, scope.render(message)?),
            Value::Array(messages) => {
                for message in messages {
                    let text = match message {
                        Value::String(message) => scope.render(message)?,
                        other => scope.render(&other.to_string())?,
                    };
                    scope.log(level, text);
                }
            }
            other => {
                return Err(Stop::failed(format!(
                    "invalid message `{other}`: it must be text or a list of texts"
                )));
            }
        }
        Ok(Output::none())
    }
}

fn message_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::testing::{done, failed};

    #[test]
    fn a_list_gives_one_line_for_each_message_in_order() {
        let done = done::<Log>(json!({"message": ["a", "b", 3], "level": "WARN"}));
        let lines = ["a", "b", "3"].map(|text| (Level::Warn, text.to_owned()));
        assert_eq!(done.logs, lines);
        assert!(done.outputs.is_empty());
    }

    #[test]
    fn the_level_is_info_unless_said_otherwise() {
        assert_eq!(
            done::<Log>(json!({"message": "x"})).logs,
            [(Level::Info, "x".to_owned())]
        );
    }

    #[test]
    fn a_message_that_is_neither_text_nor_list_fails() {
        assert!(failed::<Log>(json!({"message": {"a": 1}})).contains("must be text"));
    }
}
