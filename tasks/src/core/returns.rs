//! `io.kestra.plugin.core.debug.Return`

use std::time::Instant;

use flowmill_common::log::{Level, Metric, MetricKind};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::describe::TaskProperties;
use crate::inline::{Inline, Inlined, Stop};
use crate::property::Property;
use crate::task::Output;

/// Return a value, as an output that later tasks can use.
///
/// Handy to try an expression or to name a value.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Return {
    /// The text to return, usually with expressions in it.
    format: Option<Property<String>>,
}

/// What `Return` gives.
#[derive(JsonSchema)]
#[allow(dead_code)]
pub(crate) struct Outputs {
    /// The rendered text; absent without `format`.
    value: Option<String>,
}

impl TaskProperties for Return {
    const TYPE: &'static str = "io.kestra.plugin.core.debug.Return";
    const ALIASES: &'static [&'static str] = &["io.kestra.core.tasks.debugs.Return"];
    const EXAMPLE: &'static str = "\
id: name_a_value
namespace: company.team

tasks:
  - id: started
    type: io.kestra.plugin.core.debug.Return
    format: \"{{ execution.startDate | date('yyyy-MM-dd') }}\"

  - id: show
    type: io.kestra.plugin.core.log.Log
    message: Started on {{ outputs.started.value }}
";
    type Outputs = Outputs;
}

impl Inline for Return {
    fn run(&self, scope: &Inlined<'_>) -> Result<Output, Stop> {
        let start = Instant::now();
        let Some(format) = &self.format else {
            return Ok(Output::none());
        };
        let value = format.render_inline(scope)?;
        scope.log(Level::Debug, value.clone());
        // Java counts UTF-16 units
        scope.metric(metric(
            "length",
            MetricKind::Counter,
            value.encode_utf16().count() as f64,
        ));
        scope.metric(metric(
            "duration",
            MetricKind::Timer,
            start.elapsed().as_secs_f64() * 1000.0,
        ));
        Ok(Output {
            values: Map::from_iter([("value".to_owned(), Value::String(value))]),
            state: None,
        })
    }
}

fn metric(name: &str, kind: MetricKind, value: f64) -> Metric {
    Metric {
        name: name.into(),
        kind,
        value,
        tags: Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::testing::done;

    #[test]
    fn the_value_is_the_output_and_a_debug_line() {
        let done = done::<Return>(json!({"format": "é1"}));
        assert_eq!(Value::Object(done.outputs), json!({"value": "é1"}));
        assert_eq!(done.logs, [(Level::Debug, "é1".to_owned())]);
        assert_eq!(
            (done.metrics[0].name.as_str(), done.metrics[0].value),
            ("length", 2.0)
        );
        assert_eq!(done.metrics[1].name, "duration");
    }

    #[test]
    fn without_format_there_is_no_value() {
        assert!(done::<Return>(json!({})).outputs.is_empty());
    }
}
