//! `io.kestra.plugin.core.execution.Exit`

use flowmill_common::inline::ExecutionUpdate;
use flowmill_common::state::StateType;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::describe::{NoOutputs, TaskProperties};
use crate::inline::{Inlined, Stop, Update};
use crate::property::{Coerce, Property, by_name};

/// End the execution now, in a given state.
///
/// No later task is run, nor `errors` or `finally`.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Exit {
    /// The state of the execution.
    #[serde(default)]
    state: Property<ExitState>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ExitState {
    #[default]
    Success,
    Warning,
    Failed,
    #[serde(alias = "CANCELED")]
    Cancelled,
    Killed,
}

impl Coerce for ExitState {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["SUCCESS", "WARNING", "FAILED", "CANCELLED", "KILLED"] })
    }
}

impl TaskProperties for Exit {
    const TYPE: &'static str = "io.kestra.plugin.core.execution.Exit";
    const EXAMPLE: &'static str = "\
id: nothing_to_do
namespace: company.team

inputs:
  - id: items
    type: INT
    defaults: 0

tasks:
  - id: is_empty
    type: io.kestra.plugin.core.flow.If
    condition: \"{{ inputs.items == 0 }}\"
    then:
      - id: stop
        type: io.kestra.plugin.core.execution.Exit
        state: WARNING

  - id: work
    type: io.kestra.plugin.core.log.Log
    message: \"{{ inputs.items }} items\"
";
    type Outputs = NoOutputs;
}

impl Update for Exit {
    fn update(&self, scope: &Inlined<'_>) -> Result<ExecutionUpdate, Stop> {
        Ok(ExecutionUpdate::Exit(
            match self.state.render_inline(scope)? {
                ExitState::Success => StateType::Success,
                ExitState::Warning => StateType::Warning,
                ExitState::Failed => StateType::Failed,
                ExitState::Cancelled => StateType::Cancelled,
                ExitState::Killed => StateType::Killed,
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::testing::update;

    #[test]
    fn both_spellings_of_cancelled_are_taken() {
        for name in ["CANCELLED", "CANCELED"] {
            assert_eq!(
                update::<Exit>(json!({"state": name})),
                Ok(ExecutionUpdate::Exit(StateType::Cancelled))
            );
        }
        assert_eq!(
            update::<Exit>(json!({})),
            Ok(ExecutionUpdate::Exit(StateType::Success))
        );
    }
}
