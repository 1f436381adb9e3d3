//! `io.kestra.plugin.core.debug.Echo`

use flowmill_common::log::Level;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::describe::{NoOutputs, TaskProperties};
use crate::inline::{Inline, Inlined, Stop};
use crate::property::Property;
use crate::task::Output;

/// Log a message (deprecated: use `io.kestra.plugin.core.log.Log`).
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("deprecated" = true))]
pub(crate) struct Echo {
    /// The message.
    format: Option<Property<String>>,
    /// The level of the line.
    #[serde(default)]
    level: Property<Level>,
}

impl TaskProperties for Echo {
    const TYPE: &'static str = "io.kestra.plugin.core.debug.Echo";
    const ALIASES: &'static [&'static str] = &["io.kestra.core.tasks.debugs.Echo"];
    const EXAMPLE: &'static str = "\
id: echo
namespace: company.team

tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Echo
    format: \"{{ flow.id }} is running\"
";
    type Outputs = NoOutputs;
}

impl Inline for Echo {
    fn run(&self, scope: &Inlined<'_>) -> Result<Output, Stop> {
        let level = self.level.render_inline(scope)?;
        if let Some(format) = &self.format {
            scope.log(level, format.render_inline(scope)?);
        }
        Ok(Output::none())
    }
}
