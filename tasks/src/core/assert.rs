//! `io.kestra.plugin.core.execution.Assert`

use flowmill_common::log::{Level, Metric, MetricKind};
use flowmill_expression::is_truthy;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::describe::{NoOutputs, TaskProperties};
use crate::inline::{Inline, Inlined, Stop};
use crate::property::Property;
use crate::task::Output;

/// Fail unless all conditions hold.
///
/// Every condition that does not hold, or cannot be rendered, is logged.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Assert {
    /// The conditions. Each holds unless it is `false`, `0`, `-0` or empty text.
    #[schemars(with = "Property<Vec<String>>")]
    conditions: Conditions,
    /// A message for the failure.
    error_message: Option<Property<String>>,
}

/// Each condition by itself, so that one that cannot be rendered does not hide the others.
#[derive(Deserialize)]
#[serde(untagged)]
enum Conditions {
    List(Vec<Value>),
    Template(Property<Vec<String>>),
}

impl TaskProperties for Assert {
    const TYPE: &'static str = "io.kestra.plugin.core.execution.Assert";
    const EXAMPLE: &'static str = "\
id: check
namespace: company.team

inputs:
  - id: amount
    type: INT
    defaults: 5

tasks:
  - id: limits
    type: io.kestra.plugin.core.execution.Assert
    errorMessage: the amount is out of range
    conditions:
      - \"{{ inputs.amount > 0 }}\"
      - \"{{ inputs.amount < 100 }}\"
";
    type Outputs = NoOutputs;
}

impl Inline for Assert {
    fn run(&self, scope: &Inlined<'_>) -> Result<Output, Stop> {
        let conditions = match &self.conditions {
            Conditions::List(conditions) => conditions.iter().map(as_text).collect(),
            Conditions::Template(template) => template.render_inline(scope)?,
        };
        let (mut held, mut failed) = (0_u32, 0_u32);
        for condition in &conditions {
            match scope.render(condition) {
                Ok(text) if is_truthy(&text) => held += 1,
                Ok(_) => {
                    failed += 1;
                    scope.log(Level::Error, format!("Assertion `{condition}` failed!"));
                }
                Err(Stop::Failed(error)) => {
                    failed += 1;
                    scope.log(
                        Level::Error,
                        format!("Assertion `{condition}` failed, failed to render `{error}`"),
                    );
                }
                Err(stop) => return Err(stop),
            }
        }
        scope.metric(counter("success", held));
        scope.metric(counter("failed", failed));
        if failed == 0 {
            return Ok(Output::none());
        }
        let message = match &self.error_message {
            Some(message) => message.render_inline(scope)?,
            None => String::new(),
        };
        let plural = if failed == 1 { "" } else { "s" };
        Err(Stop::failed(
            format!("{failed} assertion{plural} failed!\n{message}").trim_end(),
        ))
    }
}

fn as_text(condition: &Value) -> String {
    match condition {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn counter(name: &str, value: u32) -> Metric {
    Metric {
        name: name.into(),
        kind: MetricKind::Counter,
        value: value.into(),
        tags: Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::testing::{done, run};
    use flowmill_common::inline::InlineResult;

    #[test]
    fn each_condition_that_does_not_hold_is_logged_and_counted() {
        let conditions = json!(["true", "0", false]);
        let InlineResult::Failed { message, done } =
            run::<Assert>(json!({"conditions": conditions, "errorMessage": "why"}))
        else {
            panic!("it failed")
        };
        assert_eq!(message, "2 assertions failed!\nwhy");
        assert_eq!(done.logs.len(), 2);
        let counts: Vec<_> = done
            .metrics
            .iter()
            .map(|metric| (metric.name.as_str(), metric.value))
            .collect();
        assert_eq!(counts, [("success", 1.0), ("failed", 2.0)]);
    }

    #[test]
    fn it_passes_when_all_hold() {
        assert_eq!(
            done::<Assert>(json!({"conditions": ["yes"]})).metrics[0].value,
            1.0
        );
    }
}
