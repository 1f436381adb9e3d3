//! `io.kestra.plugin.core.execution.SetVariables`

use flowmill_common::inline::ExecutionUpdate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::describe::{NoOutputs, TaskProperties};
use crate::inline::{Inlined, Stop, Update};
use crate::property::Property;

/// Set variables of the execution.
///
/// Later tasks see them as `vars.name`. Maps are merged with what is there.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SetVariables {
    /// The variables by name.
    variables: Property<Map<String, Value>>,
    /// Whether a variable that is there already may be replaced; if not, the task fails.
    #[serde(default = "yes")]
    #[schemars(default)]
    overwrite: Property<bool>,
}

fn yes() -> Property<bool> {
    Property::literal(true)
}

impl TaskProperties for SetVariables {
    const TYPE: &'static str = "io.kestra.plugin.core.execution.SetVariables";
    const EXAMPLE: &'static str = "\
id: variables
namespace: company.team

variables:
  environment: test

tasks:
  - id: set
    type: io.kestra.plugin.core.execution.SetVariables
    variables:
      environment: production

  - id: show
    type: io.kestra.plugin.core.log.Log
    message: \"{{ vars.environment }}\"
";
    type Outputs = NoOutputs;
}

impl Update for SetVariables {
    fn update(&self, scope: &Inlined<'_>) -> Result<ExecutionUpdate, Stop> {
        Ok(ExecutionUpdate::SetVariables {
            variables: self.variables.render_inline(scope)?,
            overwrite: self.overwrite.render_inline(scope)?,
        })
    }
}
