//! The files of a `WorkingDirectory`: what its tasks find, what is kept of what they leave. The tasks themselves are the worker's to run.

mod cache;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use self::cache::Cache;
use crate::context::RunContext;
use crate::properties;
use crate::property::Property;
use crate::support::input_files::{self, InputFiles};
use crate::support::namespace_files::{self, NamespaceFiles};
use crate::support::output_files;
use crate::task::{PropertyError, TaskError};

/// The properties of a `WorkingDirectory` that are about files.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkingDirectory {
    /// Files to put into the working directory: a map of names to contents or to URIs of stored files.
    input_files: Option<Property<InputFiles>>,
    /// Patterns of files to store when all tasks have ended; their URIs are outputs.
    output_files: Option<Property<Vec<String>>>,
    /// Files of namespaces to put into the working directory.
    namespace_files: Option<NamespaceFiles>,
    /// Files to keep from one execution to the next.
    cache: Option<Cache>,
}

/// What was put into the folder, as far as it matters at the end.
pub struct Prepared {
    restored: Option<cache::Restored>,
}

impl WorkingDirectory {
    /// Reads them from all properties of the task.
    pub fn read(properties: &Map<String, Value>) -> Result<Self, PropertyError> {
        properties::take(properties)
    }

    /// Puts files into the folder.
    pub async fn prepare(&self, context: &RunContext) -> Result<Prepared, TaskError> {
        let restored = match &self.cache {
            Some(cache) => cache.restore(context).await?,
            None => None,
        };
        if let Some(files) = &self.namespace_files {
            namespace_files::load(context, files).await?;
        }
        input_files::write(context, self.input_files.as_ref()).await?;
        Ok(Prepared { restored })
    }

    /// Stores what the tasks have left, and gives the outputs.
    pub async fn collect(
        &self,
        context: &RunContext,
        prepared: &Prepared,
    ) -> Result<Map<String, Value>, TaskError> {
        if let Some(cache) = &self.cache {
            cache.keep(context, prepared.restored.as_ref()).await?;
        }
        let Some(written) = Property::render_optional(self.output_files.as_ref(), context).await?
        else {
            return Ok(Map::new());
        };
        let patterns = output_files::patterns(&context.working_directory, &written)?;
        let files = output_files::collect(context, patterns).await?;
        Ok(Map::from_iter([(
            "outputFiles".to_owned(),
            Value::Object(files),
        )]))
    }
}
