//! The inputs of an execution, converted to what its flow declares.

use std::collections::HashMap;
use std::sync::Arc;

use flowmill_common::cipher::NONCE;
use flowmill_common::flow::Flow;
use flowmill_common::inputs::{Context, Failure, InputError, RenderError, Resolved, resolve};
use flowmill_expression::Value as Variable;
use serde_json::{Map, Value, json};

use crate::Api;
use crate::error::{ApiError, Result, Violation};
use crate::facts::{self, Answers, RenderHost, Secrecy};

/// Templates of inputs may ask for so many facts.
const MOST_FACTS: usize = 200;

/// What resolving came to: the inputs, and what is wrong with them.
pub(super) struct Outcome {
    pub(super) resolved: Resolved,
    pub(super) errors: Vec<InputError>,
}

/// Resolves the inputs of a flow from what was given.
pub(super) async fn resolved(
    api: &Api,
    flow: &Flow,
    given: &Map<String, Value>,
) -> Result<Outcome> {
    if flow.inputs.is_empty() && given.is_empty() {
        return Ok(Outcome {
            resolved: Resolved::default(),
            errors: Vec::new(),
        });
    }
    let mut answers = Answers::default();
    for _ in 0..MOST_FACTS {
        let context = Rendering {
            api,
            flow,
            answers: answers.clone(),
        };
        match resolve(&flow.inputs, given, &flow.full_id(), &context) {
            Ok(resolved) => {
                return Ok(Outcome {
                    resolved,
                    errors: Vec::new(),
                });
            }
            Err(Failure::Invalid(errors, resolved)) => {
                return Ok(Outcome {
                    resolved: *resolved,
                    errors,
                });
            }
            Err(Failure::Need(need)) => {
                let answer = facts::fetch(api, None, Secrecy::Revealed, &need).await;
                Arc::make_mut(&mut answers).insert(need, answer);
            }
        }
    }
    Err(ApiError::illegal_argument(format!(
        "the inputs of the flow ask for more than {MOST_FACTS} facts"
    )))
}

/// 422 with one message for each input that is wrong.
pub(super) fn refused(errors: &[InputError]) -> ApiError {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let violations = errors
        .iter()
        .map(|error| Violation {
            path: error.id.clone(),
            message: error.message.clone(),
        })
        .collect();
    ApiError::invalid_entity(messages.join("\n")).with_violations(violations)
}

/// Renders what stands in the declarations of inputs.
pub(super) struct Rendering<'a> {
    pub(super) api: &'a Api,
    pub(super) flow: &'a Flow,
    pub(super) answers: Answers,
}

impl Rendering<'_> {
    fn root(&self, inputs: &Map<String, Value>) -> Variable {
        let settings = &self.api.parts().settings;
        let flow = json!({
            "id": &*self.flow.id,
            "namespace": &*self.flow.namespace,
            "revision": self.flow.revision,
            "tenantId": "main",
        });
        let root = HashMap::from([
            ("inputs", Value::Object(inputs.clone())),
            ("flow", flow),
            ("vars", (*self.flow.variables).clone()),
            ("envs", (*settings.envs).clone()),
            ("globals", (*settings.globals).clone()),
            ("kestra", (*settings.kestra).clone()),
        ]);
        let root: Map<String, Value> = root
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Variable::from(Value::Object(root))
    }

    fn host(&self) -> RenderHost {
        RenderHost::new(self.api.now(), self.answers.clone())
    }
}

impl Context for Rendering<'_> {
    fn render(&self, template: &str, inputs: &Map<String, Value>) -> Result<String, RenderError> {
        let root = self.root(inputs);
        let root = root.as_object().expect("the root is made of a map");
        self.api
            .parts()
            .engine
            .render(template, root, &self.host())
            .map_err(failed)
    }

    fn render_typed(
        &self,
        template: &str,
        inputs: &Map<String, Value>,
    ) -> Result<Value, RenderError> {
        let root = self.root(inputs);
        let root = root.as_object().expect("the root is made of a map");
        let value = self
            .api
            .parts()
            .engine
            .render_typed(template, root, &self.host())
            .map_err(failed)?;
        value.to_json().map_err(failed)
    }

    fn encrypt(&self, text: &str) -> Option<String> {
        let cipher = self.api.parts().secrets.cipher()?;
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        let (other, _) = uuid::Uuid::new_v4().as_u64_pair();
        let random = [(high ^ low).to_le_bytes(), other.to_le_bytes()].concat();
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&random[..NONCE]);
        Some(cipher.encrypt(text, nonce))
    }
}

fn failed(error: flowmill_expression::Error) -> RenderError {
    match error.as_need() {
        Some(need) => RenderError::Need(need.clone()),
        None => RenderError::Failed(error.to_string()),
    }
}
