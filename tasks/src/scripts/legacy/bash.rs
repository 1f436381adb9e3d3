//! `io.kestra.core.tasks.scripts.Bash`

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Dialect;
use super::model::Steps;
use crate::context::RunContext;
use crate::property::Property;
use crate::task::TaskError;

/// Run shell commands, in the form of Kestra's first years.
///
/// Deprecated: use `io.kestra.plugin.scripts.shell.Commands`.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Bash {
    /// The commands, lines of one shell script.
    commands: Property<Vec<String>>,
}

#[async_trait]
impl Dialect for Bash {
    const TYPE: &'static str = "io.kestra.core.tasks.scripts.Bash";
    const EXAMPLE: &'static str = "\
id: legacy_bash
namespace: company.team

tasks:
  - id: bash
    type: io.kestra.core.tasks.scripts.Bash
    outputFiles:
      - report
    commands:
      - echo hello > {{ outputFiles.report }}
";

    async fn steps(&self, context: &RunContext) -> Result<Steps, TaskError> {
        Ok(Steps {
            commands: self.commands.render(context).await?,
            ..Steps::default()
        })
    }
}
