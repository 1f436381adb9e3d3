//! The script tasks of Kestra's first years, `io.kestra.core.tasks.scripts.*`: output files are names with paths of their own.

mod bash;
mod model;
mod node;
mod python;

use async_trait::async_trait;
use flowmill_common::flow::Place;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use self::model::{Common, Outputs, Steps};
use crate::context::RunContext;
use crate::properties;
use crate::task::{Definition, Output, Placement, Task, TaskError};

pub(super) fn definitions() -> [Definition; 3] {
    [
        definition::<bash::Bash>(),
        definition::<python::Python>(),
        definition::<node::Node>(),
    ]
}

/// One of the three: its fields are its own properties.
#[async_trait]
trait Dialect: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    const TYPE: &'static str;
    const EXAMPLE: &'static str;

    /// The files that it adds, and the commands, rendered.
    async fn steps(&self, context: &RunContext) -> Result<Steps, TaskError>;
}

struct Legacy<D> {
    common: Common,
    dialect: D,
}

#[async_trait]
impl<D: Dialect> Task for Legacy<D> {
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError> {
        model::run(&self.common, &self.dialect, context).await
    }
}

fn definition<D: Dialect>() -> Definition {
    Definition {
        task_type: D::TYPE,
        aliases: &[],
        place: Placement::Runnable(Place::Worker),
        parse: |written| {
            let (common, dialect) = properties::read_both::<Common, D>(written)?;
            Ok(Box::new(Legacy { common, dialect }))
        },
        properties: properties::schema_of_both::<Common, D>,
        outputs: || schemars::schema_for!(Outputs),
        example: D::EXAMPLE,
    }
}
