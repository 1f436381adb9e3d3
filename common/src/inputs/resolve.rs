//! All inputs of one execution.

use std::collections::HashMap;

use flowmill_expression::{Need, nearest};
use serde_json::{Map, Value};

use super::constraint;
use super::context::{Context, RenderError};
use super::convert::{Problem, convert, type_named};
use super::nested::{covers, lookup, nested};
use super::text::text_of;
use crate::flow::{Input, InputType};

/// The inputs of an execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// What is stored with the execution: dots of ids made mappings, disabled inputs left out, optional ones without a value null.
    pub values: Map<String, Value>,
    /// Each declared input in its order.
    pub inputs: Vec<ResolvedInput>,
    /// Kestra's warnings about what was given and is not declared.
    pub warnings: Vec<String>,
}

/// One input.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedInput {
    /// Its full id.
    pub id: String,
    /// Its value; null when it has none.
    pub value: Value,
    /// Whether what it depends on holds; a disabled one is dropped.
    pub enabled: bool,
    /// Whether the value is the default.
    pub is_default: bool,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// Why inputs could not be resolved.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// Some are wrong; one error for each, in the order of the declaration. The other inputs are there as well, for a form that
    /// shows them.
    #[error("{}", joined(.0))]
    Invalid(Vec<InputError>, Box<Resolved>),
    /// A fact must be fetched first; ask again when it is there.
    #[error("`{}` must be fetched first", .0.name())]
    Need(Need),
}

/// What is wrong with one input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputError {
    /// The id of the input.
    pub id: String,
    /// The message as Kestra 1.3 words it; it names the input.
    pub message: String,
}

/// Converts what was given to what is declared. `data` has values by full id (`db.port`) or nested; texts of a form or JSON.
/// `flow` is the flow's full id (`company.team.hello`), for the warnings.
pub fn resolve(
    inputs: &[Input],
    data: &Map<String, Value>,
    flow: &str,
    context: &dyn Context,
) -> Result<Resolved, Failure> {
    let positions = inputs
        .iter()
        .enumerate()
        .map(|(position, input)| (&*input.id, position))
        .collect();
    let mut resolver = Resolver {
        inputs,
        positions,
        data,
        context,
        found: vec![State::Open; inputs.len()],
    };
    for position in 0..inputs.len() {
        resolver.resolve(position).map_err(Failure::Need)?;
    }
    let mut resolved = Resolved {
        warnings: undeclared(inputs, data, flow),
        ..Resolved::default()
    };
    resolved.values = resolver.values();
    let mut errors = Vec::new();
    for (input, state) in inputs.iter().zip(resolver.found) {
        if let State::Done(done) = state
            && input.input_type != InputType::Form
        {
            errors.extend(done.error.clone().map(|message| InputError {
                id: input.id.to_string(),
                message,
            }));
            resolved.inputs.push(done);
        }
    }
    if errors.is_empty() {
        Ok(resolved)
    } else {
        Err(Failure::Invalid(errors, Box::new(resolved)))
    }
}

fn undeclared(inputs: &[Input], data: &Map<String, Value>, flow: &str) -> Vec<String> {
    let ids = || inputs.iter().map(|input| &*input.id);
    data.keys()
        .filter(|key| !ids().any(|id| covers(key, id)))
        .map(|key| {
            let near = match nearest(key, ids(), 1).first() {
                Some(name) => format!(", did you mean `{name}`?"),
                None => String::new(),
            };
            format!("Input {key} was provided for workflow {flow} but isn't declared in the workflow inputs{near}")
        })
        .collect()
}

fn joined(errors: &[InputError]) -> String {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    messages.join("\n")
}

#[derive(Clone)]
enum State {
    Open,
    /// Being worked on: an input that depends on itself is refused when the flow is saved, here it counts as disabled.
    Busy,
    Done(ResolvedInput),
}

struct Resolver<'a> {
    inputs: &'a [Input],
    positions: HashMap<&'a str, usize>,
    data: &'a Map<String, Value>,
    context: &'a dyn Context,
    found: Vec<State>,
}

impl Resolver<'_> {
    /// Resolves one input, those that it depends on first; whether it is enabled.
    fn resolve(&mut self, position: usize) -> Result<bool, Need> {
        match &self.found[position] {
            State::Busy => return Ok(false),
            State::Done(done) => return Ok(done.enabled),
            State::Open => {}
        }
        self.found[position] = State::Busy;
        let input = &self.inputs[position];
        let mut done = ResolvedInput {
            id: input.id.to_string(),
            value: Value::Null,
            enabled: true,
            is_default: false,
            error: None,
        };
        match self.value(input, &mut done) {
            Ok(()) => {}
            Err(Stop::Need(need)) => return Err(need),
            Err(Stop::Error(message)) => done.error = Some(message),
        }
        let enabled = done.enabled;
        self.found[position] = State::Done(done);
        Ok(enabled)
    }

    fn value(&mut self, input: &Input, done: &mut ResolvedInput) -> Result<(), Stop> {
        done.enabled = self.is_enabled(input)?;
        if !done.enabled || input.input_type == InputType::Form {
            return Ok(());
        }
        let inputs = self.values();
        let chooses = matches!(
            input.input_type,
            InputType::Select | InputType::Multiselect | InputType::Enum
        );
        let choices = match chooses {
            true => constraint::choices(input, &inputs, self.context)
                .map_err(|error| invalid(input, error))?,
            false => Vec::new(),
        };
        let given =
            lookup(self.data, &input.id).filter(|value| !is_nothing(value, input.input_type));
        let raw = match given {
            // only the flow itself may name a file of the server
            Some(value)
                if input.input_type == InputType::File && text_of(value).starts_with("file:") =>
            {
                return Err(cause(
                    input,
                    "a file of the server cannot be given, upload it or use `kestra:///…`",
                ));
            }
            Some(value) => value.clone(),
            None => {
                done.is_default = true;
                self.default(input, &inputs, &choices)?
            }
        };
        if raw.is_null() {
            done.is_default = false;
            if input.required && input.input_type != InputType::Bool {
                return Err(Stop::Error(format!("Missing required input:{}", input.id)));
            }
            if input.input_type == InputType::Bool {
                done.value = Value::Bool(false);
            }
            return Ok(());
        }
        let items = input
            .properties
            .get("itemType")
            .and_then(Value::as_str)
            .and_then(type_named);
        let items =
            items.or((input.input_type == InputType::Multiselect).then_some(InputType::String));
        let value =
            convert(input.input_type, items, &raw, self.context).map_err(
                |problem| match problem {
                    Problem::Cause(message) => cause(input, &message),
                    Problem::Whole(message) => Stop::Error(message),
                },
            )?;
        let broken = constraint::check(input, &choices, &raw, &value);
        if !broken.is_empty() {
            return Err(cause(input, &broken.join(", ")));
        }
        done.value = value;
        Ok(())
    }

    fn is_enabled(&mut self, input: &Input) -> Result<bool, Stop> {
        let Some(depends_on) = &input.depends_on else {
            return Ok(true);
        };
        for needed in &depends_on.inputs {
            if let Some(position) = self.positions.get(needed.as_str()).copied()
                && !self.resolve(position).map_err(Stop::Need)?
            {
                return Ok(false);
            }
        }
        let Some(condition) = &depends_on.condition else {
            return Ok(true);
        };
        let rendered = self
            .context
            .render(condition, &self.values())
            .map_err(|error| invalid(input, error))?;
        Ok(rendered.trim() == "true")
    }

    /// The default, rendered; null when there is none.
    fn default(
        &self,
        input: &Input,
        inputs: &Map<String, Value>,
        choices: &[String],
    ) -> Result<Value, Stop> {
        if let Some(defaults) = &input.defaults {
            return self
                .render(defaults, inputs)
                .map_err(|error| invalid(input, error));
        }
        let selects_first = input
            .properties
            .get("autoSelectFirst")
            .is_some_and(|flag| text_of(flag) == "true");
        Ok(match choices.first() {
            Some(first) if selects_first && input.input_type == InputType::Multiselect => {
                Value::from(vec![first.clone()])
            }
            Some(first) if selects_first => Value::String(first.clone()),
            _ => Value::Null,
        })
    }

    fn render(&self, value: &Value, inputs: &Map<String, Value>) -> Result<Value, RenderError> {
        match value {
            Value::String(text) if text.contains('{') => {
                self.context.render(text, inputs).map(Value::String)
            }
            Value::Array(items) => items.iter().map(|item| self.render(item, inputs)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(key, member)| Ok((key.clone(), self.render(member, inputs)?)))
                .collect::<Result<Map<String, Value>, RenderError>>()
                .map(Value::Object),
            other => Ok(other.clone()),
        }
    }

    /// What is resolved so far, nested.
    fn values(&self) -> Map<String, Value> {
        let done = self
            .inputs
            .iter()
            .zip(&self.found)
            .filter_map(|(input, state)| match state {
                State::Done(done)
                    if done.enabled
                        && done.error.is_none()
                        && input.input_type != InputType::Form =>
                {
                    Some((&*input.id, done.value.clone()))
                }
                _ => None,
            });
        nested(done)
    }
}

enum Stop {
    Error(String),
    Need(Need),
}

fn cause(input: &Input, cause: &str) -> Stop {
    Stop::Error(format!(
        "Invalid value for input `{}`. Cause: {cause}",
        input.id
    ))
}

fn invalid(input: &Input, error: RenderError) -> Stop {
    match error {
        RenderError::Failed(message) => cause(input, &message),
        RenderError::Need(need) => Stop::Need(need),
    }
}

/// An empty text counts as nothing but for types that are text.
fn is_nothing(value: &Value, input_type: InputType) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => {
            text.is_empty() && !matches!(input_type, InputType::String | InputType::Secret)
        }
        _ => false,
    }
}
