//! `io.kestra.plugin.core.output.OutputValues`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::describe::TaskProperties;
use crate::inline::{Inline, Inlined, Stop};
use crate::property::{Coerce, Property};
use crate::task::Output;

/// Output one or more values.
///
/// A value that is a single expression keeps its type: lists stay lists, numbers stay numbers.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct OutputValues {
    /// The values by name; they may nest.
    #[schemars(with = "Property<Map<String, Value>>")]
    values: Property<Value>,
}

/// What `OutputValues` gives.
#[derive(JsonSchema)]
#[allow(dead_code)]
pub(crate) struct Outputs {
    /// The values by name, rendered.
    values: Map<String, Value>,
}

impl TaskProperties for OutputValues {
    const TYPE: &'static str = "io.kestra.plugin.core.output.OutputValues";
    const EXAMPLE: &'static str = "\
id: values
namespace: company.team

tasks:
  - id: numbers
    type: io.kestra.plugin.core.output.OutputValues
    values:
      total: \"{{ 20 + 22 }}\"
      day: \"{{ execution.startDate | date('EEEE') }}\"

  - id: show
    type: io.kestra.plugin.core.log.Log
    message: \"{{ outputs.numbers.values.total }} on {{ outputs.numbers.values.day }}\"
";
    type Outputs = Outputs;
}

impl Inline for OutputValues {
    fn run(&self, scope: &Inlined<'_>) -> Result<Output, Stop> {
        let rendered = self.values.render_inline(scope)?;
        let values = Map::<String, Value>::coerce(rendered)
            .map_err(|why| Stop::failed(format!("`values`: {why}")))?;
        Ok(Output {
            values: Map::from_iter([("values".to_owned(), Value::Object(values))]),
            state: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::testing::{done, failed};

    #[test]
    fn nested_values_keep_their_shape() {
        let values = json!({"a": 1, "b": {"c": [true, "x"]}});
        assert_eq!(
            Value::Object(done::<OutputValues>(json!({"values": values})).outputs),
            json!({"values": values})
        );
    }

    #[test]
    fn values_that_are_no_map_fail() {
        assert!(failed::<OutputValues>(json!({"values": [1]})).contains("is not a map"));
    }
}
