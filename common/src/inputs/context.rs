//! What the conversion of inputs needs from its caller.

use flowmill_expression::Need;
use serde_json::{Map, Value};

/// Renders templates and encrypts secrets.
pub trait Context {
    /// Renders a template to text. It sees `inputs` (nested, those that are resolved so far), `flow`, `envs`, `globals` and so on.
    fn render(&self, template: &str, inputs: &Map<String, Value>) -> Result<String, RenderError>;

    /// Renders a template to a value that keeps its type where the template is a single expression.
    fn render_typed(
        &self,
        template: &str,
        inputs: &Map<String, Value>,
    ) -> Result<Value, RenderError>;

    /// Encrypts the value of a SECRET; none when no key is configured.
    fn encrypt(&self, text: &str) -> Option<String>;
}

/// Why a template could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// It is wrong; the message is for the one who gave the inputs.
    #[error("{0}")]
    Failed(String),
    /// A fact must be fetched first; ask again when it is there.
    #[error("`{}` must be fetched first", .0.name())]
    Need(Need),
}
