//! How a struct of properties becomes a [`Definition`].

use std::sync::Arc;

use flowmill_common::flow::Place;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::inline::{Inline, OnWorker, OnlyInExecutor, Update};
use crate::properties;
use crate::task::{Definition, Placement, PropertyError, Task};

/// A struct whose fields are the properties of a task type; its documentation is the type's: the first sentence is the title.
pub trait TaskProperties: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The present name.
    const TYPE: &'static str;
    /// Older names that mean the same.
    const ALIASES: &'static [&'static str] = &[];
    /// A complete flow that shows it.
    const EXAMPLE: &'static str;
    /// What it gives.
    type Outputs: JsonSchema;
}

/// For types without outputs.
#[derive(JsonSchema)]
pub struct NoOutputs {}

type Parse<T> = fn(&Map<String, Value>) -> Result<Arc<T>, PropertyError>;

/// A definition, and how the type is run without a worker, if it can be.
pub(crate) struct Described {
    pub(crate) definition: Definition,
    pub(crate) inline: Option<Parse<dyn Inline>>,
    pub(crate) update: Option<Parse<dyn Update>>,
}

impl From<Definition> for Described {
    fn from(definition: Definition) -> Self {
        Self {
            definition,
            inline: None,
            update: None,
        }
    }
}

impl Definition {
    /// A type that runs on a worker.
    pub fn on_worker<T: TaskProperties + Task>() -> Self {
        Self {
            task_type: T::TYPE,
            aliases: T::ALIASES,
            place: Placement::Runnable(Place::Worker),
            parse: |properties| Ok(Box::new(properties::read::<T>(properties)?)),
            properties: properties::schema::<T>,
            outputs: outputs::<T>,
            example: T::EXAMPLE,
        }
    }
}

/// A type that the executor runs in its own pass.
pub(crate) fn in_executor<T: TaskProperties + Inline>() -> Described {
    Described {
        definition: Definition {
            task_type: T::TYPE,
            aliases: T::ALIASES,
            place: Placement::Runnable(Place::Executor),
            parse: |properties| Ok(Box::new(OnWorker(properties::read::<T>(properties)?))),
            properties: properties::schema::<T>,
            outputs: outputs::<T>,
            example: T::EXAMPLE,
        },
        inline: Some(|properties| Ok(Arc::new(properties::read::<T>(properties)?))),
        update: None,
    }
}

/// A type that changes the execution.
pub(crate) fn of_execution<T: TaskProperties + Update>() -> Described {
    Described {
        definition: Definition {
            task_type: T::TYPE,
            aliases: T::ALIASES,
            place: Placement::Update,
            parse: |properties| {
                properties::read::<T>(properties).map(|_| Box::new(OnlyInExecutor) as Box<dyn Task>)
            },
            properties: properties::schema::<T>,
            outputs: outputs::<T>,
            example: T::EXAMPLE,
        },
        inline: None,
        update: Some(|properties| Ok(Arc::new(properties::read::<T>(properties)?))),
    }
}

fn outputs<T: TaskProperties>() -> Schema {
    schemars::schema_for!(T::Outputs)
}
