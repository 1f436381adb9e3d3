//! What a task type is: its names, its properties with their documentation, its behaviour.

use std::time::Duration;

use async_trait::async_trait;
pub use flowmill_common::compile::Placement;
use flowmill_common::state::StateType;
use schemars::Schema;
use serde_json::{Map, Value};

use crate::context::RunContext;

/// A task with its properties read, ready to run.
#[async_trait]
pub trait Task: Send + Sync {
    /// Does it. Properties that may be templates are rendered here, by the context. Called once per attempt; must stop soon after
    /// [`RunContext::cancelled`] fires, leaving no process behind.
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError>;

    /// Whether it uses its working directory, which is made only then.
    fn works_in_directory(&self) -> bool {
        true
    }
}

/// What a task gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// What `outputs.<task>` shows: an object; null members are left out where the type's documentation does not say otherwise.
    pub values: Map<String, Value>,
    /// The state it asks for itself; none: SUCCESS.
    pub state: Option<StateType>,
}

impl Output {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// The members of a serialisable struct.
    pub fn of(values: &impl serde::Serialize) -> Result<Self, TaskError> {
        match serde_json::to_value(values) {
            Ok(Value::Object(values)) => Ok(Self {
                values,
                state: None,
            }),
            Ok(_) => Err(TaskError::failed("the output is not an object")),
            Err(error) => Err(TaskError::failed(format!(
                "the output cannot be written as JSON: {error}"
            ))),
        }
    }
}

/// Why a task did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TaskError {
    /// It failed; the message is logged as ERROR.
    #[error("{message}")]
    Failed {
        /// Why, for the flow's author.
        message: String,
        /// What is kept as outputs all the same (scripts keep exit code, variables and files).
        outputs: Option<Map<String, Value>>,
    },
    /// It took longer than its timeout.
    #[error("timeout after {0:?}")]
    Timeout(Duration),
    /// It was killed.
    #[error("killed")]
    Killed,
}

impl TaskError {
    /// A failure without outputs.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed {
            message: message.into(),
            outputs: None,
        }
    }
}

/// Reads the properties of a task.
pub type Parse = fn(&Map<String, Value>) -> Result<Box<dyn Task>, PropertyError>;

/// A task type of the catalogue. Each task file has one and registers it in its family's list.
pub struct Definition {
    /// The present name: `io.kestra.plugin.core.log.Log`.
    pub task_type: &'static str,
    /// Older names that mean the same.
    pub aliases: &'static [&'static str],
    /// Where it runs.
    pub place: Placement,
    /// Reads the properties as written (templates unrendered, `id`, `type` and the common properties taken out).
    /// The error names the property: it is shown when the flow is saved.
    pub parse: Parse,
    /// The JSON schema of its own properties, with their documentation; title and description are the type's.
    pub properties: fn() -> Schema,
    /// The JSON schema of its outputs.
    pub outputs: fn() -> Schema,
    /// A complete example flow in YAML; compiled by a test.
    pub example: &'static str,
}

/// A property that is missing, unknown or of the wrong form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct PropertyError {
    /// Where, below the task: `options.timeout`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be right, where that is not plain from the message.
    pub hint: Option<String>,
}

impl PropertyError {
    /// An error without a hint.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same error with a proposal.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}
