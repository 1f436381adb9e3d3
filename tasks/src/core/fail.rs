//! `io.kestra.plugin.core.execution.Fail`

use flowmill_common::log::Level;
use flowmill_expression::is_truthy;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::describe::{NoOutputs, TaskProperties};
use crate::inline::{Inline, Inlined, Stop};
use crate::property::Property;
use crate::task::Output;

/// Fail the execution, always or when a condition holds.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fail {
    /// Fail only when this holds: everything does but `false`, `0`, `-0` and empty text. Without it the task always fails.
    condition: Option<Property<String>>,
    /// The message of the failure.
    #[serde(default = "default_message")]
    #[schemars(default)]
    error_message: Property<String>,
}

fn default_message() -> Property<String> {
    Property::literal("Task failure".to_owned())
}

impl TaskProperties for Fail {
    const TYPE: &'static str = "io.kestra.plugin.core.execution.Fail";
    const ALIASES: &'static [&'static str] = &["io.kestra.core.tasks.executions.Fail"];
    const EXAMPLE: &'static str = "\
id: guard
namespace: company.team

inputs:
  - id: amount
    type: INT
    defaults: 5

tasks:
  - id: too_much
    type: io.kestra.plugin.core.execution.Fail
    condition: \"{{ inputs.amount > 100 }}\"
    errorMessage: \"{{ inputs.amount }} is too much\"
";
    type Outputs = NoOutputs;
}

impl Inline for Fail {
    fn run(&self, scope: &Inlined<'_>) -> Result<Output, Stop> {
        let Some(condition) = &self.condition else {
            return Err(Stop::failed(self.error_message.render_inline(scope)?));
        };
        if !is_truthy(&condition.render_inline(scope)?) {
            return Ok(Output::none());
        }
        scope.log(Level::Error, self.error_message.render_inline(scope)?);
        Err(Stop::failed("Fail on a condition"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::testing::{done, failed};

    #[test]
    fn without_a_condition_it_fails_with_its_message() {
        assert_eq!(failed::<Fail>(json!({})), "Task failure");
        assert_eq!(failed::<Fail>(json!({"errorMessage": "no"})), "no");
    }

    #[test]
    fn a_falsy_condition_lets_it_pass() {
        for falsy in [
            json!("0"),
            json!("-0"),
            json!(""),
            json!(" false "),
            json!(false),
            json!(0),
        ] {
            done::<Fail>(json!({"condition": falsy}));
        }
        for truthy in [json!("no"), json!(true), json!(1)] {
            assert_eq!(
                failed::<Fail>(json!({"condition": truthy})),
                "Fail on a condition"
            );
        }
    }
}
