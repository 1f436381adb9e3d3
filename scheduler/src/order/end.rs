//! The end of an execution: its state, its outputs, the line about it.

use flowmill_common::StateType;
use flowmill_common::cipher::NONCE;
use flowmill_common::execution::Outcome;
use flowmill_common::inputs::{Context, RenderError, convert_output};
use flowmill_common::log::Level;
use flowmill_expression::{Host, Need};
use serde_json::{Map, Value};

use super::render;
use crate::draft::Draft;
use crate::facts::StepHost;

/// Main tasks, errors and finally are done: the final state is what the main tasks came to.
pub(crate) fn execution(draft: &mut Draft<'_>) -> Result<(), Need> {
    let state = match draft.header().progress.outcome {
        Outcome::Killed => StateType::Killed,
        Outcome::Failed => StateType::Failed,
        Outcome::Warning => StateType::Warning,
        Outcome::Success => StateType::Success,
    };
    draft.set_state(state);
    if !draft.flow.outputs.is_empty() && state != StateType::Killed {
        outputs(draft)?;
    }
    let (state, duration) = (
        draft.header().state.current(),
        draft.header().state.duration(draft.at),
    );
    let message = format!("Flow completed with state {state} in {}", clock(duration));
    draft.log(None, Level::Debug, message);
    Ok(())
}

/// Renders the flow's outputs. One that cannot be had fails the execution, unless it is not required.
fn outputs(draft: &mut Draft<'_>) -> Result<(), Need> {
    let flow = draft.flow.clone();
    let mut values = Map::new();
    for output in &flow.outputs {
        let rendered = render::typed(draft, None, &output.value)?;
        let context = OutputContext { draft };
        let converted = rendered.and_then(|value| convert_output(output, &value, &context));
        match converted {
            Ok(value) => {
                values.insert(output.id.to_string(), value);
            }
            Err(_) if !output.required => {
                let message = format!(
                    "Failed to render optional flow output '{}'. Output is ignored.",
                    output.id
                );
                draft.log(None, Level::Warn, message);
            }
            Err(message) => {
                draft.log(
                    None,
                    Level::Error,
                    format!("Failed to render output values: {message}"),
                );
                draft.set_state(StateType::Failed);
                draft.header_mut().error =
                    Some(format!("Failed to render output values: {message}"));
                return Ok(());
            }
        }
    }
    draft.header_mut().outputs = std::sync::Arc::new(Value::Object(values));
    Ok(())
}

/// `00:00:02.500`
fn clock(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        duration.subsec_millis()
    )
}

/// What the conversion of outputs needs: they are rendered already, and nothing else is rendered for them.
struct OutputContext<'d, 'a> {
    draft: &'d Draft<'a>,
}

impl Context for OutputContext<'_, '_> {
    fn render(&self, template: &str, _inputs: &Map<String, Value>) -> Result<String, RenderError> {
        settle(render::text(self.draft, None, template))
    }

    fn render_typed(
        &self,
        template: &str,
        _inputs: &Map<String, Value>,
    ) -> Result<Value, RenderError> {
        settle(render::typed(
            self.draft,
            None,
            &Value::String(template.to_owned()),
        ))
    }

    fn encrypt(&self, text: &str) -> Option<String> {
        let cipher = self.draft.facts.settings.cipher.as_ref()?;
        let host = StepHost::new(self.draft.facts, self.draft.at);
        let mut nonce = [0; NONCE];
        nonce[..8].copy_from_slice(&host.random().to_le_bytes());
        nonce[8..].copy_from_slice(&host.random().to_le_bytes()[..4]);
        Some(cipher.encrypt(text, nonce))
    }
}

fn settle<T>(rendered: render::Rendered<T>) -> Result<T, RenderError> {
    rendered
        .map_err(RenderError::Need)?
        .map_err(RenderError::Failed)
}
