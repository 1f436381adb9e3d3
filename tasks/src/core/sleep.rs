//! `io.kestra.plugin.core.flow.Sleep`

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::context::RunContext;
use crate::describe::{NoOutputs, TaskProperties};
use crate::property::Property;
use crate::task::{Output, Task, TaskError};

/// Wait for some time before the next task.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Sleep {
    /// How long, as an ISO-8601 duration.
    duration: Property<Duration>,
}

impl TaskProperties for Sleep {
    const TYPE: &'static str = "io.kestra.plugin.core.flow.Sleep";
    const EXAMPLE: &'static str = "\
id: wait_a_moment
namespace: company.team

tasks:
  - id: sleep
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT5S
";
    type Outputs = NoOutputs;
}

#[async_trait]
impl Task for Sleep {
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError> {
        let duration = self.duration.render(context).await?;
        if duration.is_zero() {
            return Ok(Output::none()); // the timer would wait for its next millisecond
        }
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(Output::none()),
            () = context.cancelled.cancelled() => Err(TaskError::Killed),
        }
    }

    fn works_in_directory(&self) -> bool {
        false
    }
}
