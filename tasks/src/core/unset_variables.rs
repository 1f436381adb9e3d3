//! `io.kestra.plugin.core.execution.UnsetVariables`

use flowmill_common::inline::ExecutionUpdate;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::describe::{NoOutputs, TaskProperties};
use crate::inline::{Inlined, Stop, Update};
use crate::property::Property;

/// Remove variables of the execution.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnsetVariables {
    /// The names of the variables; a dot leads into a map: `database.password`.
    variables: Property<Vec<String>>,
    /// Whether it is fine when a variable is not there. A missing name without dots always is.
    #[serde(default)]
    ignore_missing: Property<bool>,
}

impl TaskProperties for UnsetVariables {
    const TYPE: &'static str = "io.kestra.plugin.core.execution.UnsetVariables";
    const EXAMPLE: &'static str = "\
id: forget
namespace: company.team

variables:
  draft: \"yes\"

tasks:
  - id: unset
    type: io.kestra.plugin.core.execution.UnsetVariables
    variables:
      - draft
    ignoreMissing: true
";
    type Outputs = NoOutputs;
}

impl Update for UnsetVariables {
    fn update(&self, scope: &Inlined<'_>) -> Result<ExecutionUpdate, Stop> {
        Ok(ExecutionUpdate::UnsetVariables {
            variables: self.variables.render_inline(scope)?,
            ignore_missing: self.ignore_missing.render_inline(scope)?,
        })
    }
}
