//! Calls of filters, functions, tests and macros.

use std::sync::Arc;

use super::{Barrier, Evaluator, Output, Session};
use crate::java::class_name;
use crate::nearest::nearest;
use crate::syntax::ast::{Arguments, Call as Written};
use crate::table::{self, Filter, Function, Test};
use crate::{Error, Value};

/// What a filter, function or test sees when it runs: its arguments and the rendering it is part of.
pub(crate) struct Call<'c, 'a> {
    pub(crate) evaluator: &'c mut Evaluator<'a>,
    /// The arguments in the order of the parameters; `None` for those not given.
    arguments: Vec<Option<Value>>,
}

impl<'a> Call<'_, 'a> {
    pub(crate) fn session(&self) -> &'a Session<'a> {
        self.evaluator.session
    }

    /// The argument at `index`; `None` when it is not given or null.
    pub(crate) fn get(&self, index: usize) -> Option<&Value> {
        self.given(index).filter(|value| !value.is_null())
    }

    /// The argument at `index`; `None` only when it is not given.
    pub(crate) fn given(&self, index: usize) -> Option<&Value> {
        self.arguments.get(index)?.as_ref()
    }

    /// The argument at `index`, or an error with this message.
    pub(crate) fn require(&self, index: usize, message: &str) -> Result<&Value, Error> {
        self.get(index).ok_or_else(|| Error::evaluation(message))
    }

    /// The arguments of a variadic function.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Value> {
        self.arguments.iter().flatten()
    }

    /// A value of the context that is seen here: a variable the text made, or one of the root.
    pub(crate) fn variable(&self, name: &str) -> Result<Option<Value>, Error> {
        match self
            .evaluator
            .variable(&Arc::from(name), crate::syntax::ast::Span::default())
        {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_undefined() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A text of the context below a root variable: `flow.namespace`.
    pub(crate) fn context_text(&self, path: [&str; 2]) -> Result<Option<String>, Error> {
        let Some(root) = self.variable(path[0])? else {
            return Ok(None);
        };
        Ok(root
            .get(path[1])?
            .and_then(|value| value.as_str().map(str::to_owned)))
    }
}

/// An error for input that is not a text.
pub(crate) fn forbid_text(input: &Value, what: &str) -> Error {
    Error::evaluation(format!("{what} Actual type was: {}", class_name::of(input)))
}

impl<'a> Evaluator<'a> {
    pub(super) fn filter(
        &mut self,
        call: &Written<Filter>,
        input: Result<Value, Error>,
    ) -> Result<Value, Error> {
        let Some(target) = call.target else {
            input?;
            let names = table::all_filters().map(|filter| filter.name);
            return Err(self.at(
                call.span,
                missing(
                    format!("Filter [{}] does not exist.", call.name),
                    &call.name,
                    names,
                ),
            ));
        };
        let input = match input {
            Ok(input) => input,
            // Only `default` is called with an error, and only undefined values are what it is for.
            Err(error) if error.is_undefined() => Value::Null,
            Err(error) => return Err(error),
        };
        let result = self.bind(call).and_then(|arguments| {
            let mut call = Call {
                evaluator: self,
                arguments,
            };
            (target.run)(&mut call, input)
        });
        result
            .and_then(|value| self.session.accept(value))
            .map_err(|error| self.at(call.span, error))
    }

    pub(super) fn test(
        &mut self,
        call: &Written<Test>,
        input: Result<Value, Error>,
    ) -> Result<bool, Error> {
        let Some(target) = call.target else {
            input?;
            let names = crate::tests::TESTS.iter().map(|test| test.name);
            return Err(self.at(
                call.span,
                missing(
                    format!("Test [{}] does not exist.", call.name),
                    &call.name,
                    names,
                ),
            ));
        };
        let input = match input {
            Ok(input) => input,
            // Only `defined` is called with an error.
            Err(error) if error.is_undefined() => Value::Null,
            Err(error) => return Err(error),
        };
        let result = self.bind(call).and_then(|arguments| {
            let mut call = Call {
                evaluator: self,
                arguments,
            };
            (target.run)(&mut call, input)
        });
        result.map_err(|error| self.at(call.span, error))
    }

    pub(super) fn function(&mut self, call: &Written<Function>) -> Result<Value, Error> {
        let available = call
            .target
            .filter(|function| !self.is_blocked(function.name));
        let Some(target) = available else {
            return self.macro_call(call);
        };
        let result = self.bind(call).and_then(|arguments| {
            let mut call = Call {
                evaluator: self,
                arguments,
            };
            (target.run)(&mut call)
        });
        result
            .and_then(|value| self.session.accept(value))
            .map_err(|error| self.at(call.span, error))
    }

    /// Recursive rendering does what `render` does, so that does not exist there.
    fn is_blocked(&self, name: &str) -> bool {
        self.session.shared.options.recursive_rendering && matches!(name, "render" | "renderOnce")
    }

    /// The arguments in the order of the parameters.
    fn bind<T>(&mut self, call: &Written<T>) -> Result<Vec<Option<Value>>, Error> {
        let slots = call
            .slots
            .as_ref()
            .map_err(|message| Error::evaluation(message.as_str()))?;
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = self.values(&call.arguments)?;
        Ok(slots
            .iter()
            .map(|slot| {
                slot.and_then(|index| values.get_mut(usize::from(index)).map(std::mem::take))
            })
            .collect())
    }

    /// All arguments, positional ones first.
    fn values(&mut self, arguments: &Arguments) -> Result<Vec<Value>, Error> {
        arguments
            .iter()
            .map(|argument| self.expression(argument))
            .collect()
    }

    fn macro_call(&mut self, call: &Written<Function>) -> Result<Value, Error> {
        let template = self.template;
        let Some(found) = template
            .tree()
            .macros
            .iter()
            .find(|known| known.name == call.name)
        else {
            let macros = template.tree().macros.iter().map(|known| &*known.name);
            let names = table::all_functions()
                .map(|function| function.name)
                .chain(macros);
            let message = format!("Function or Macro [{}] does not exist.", call.name);
            return Err(self.at(call.span, missing(message, &call.name, names)));
        };
        let allowed = found.parameters.len();
        if call.arguments.positional.len() > allowed {
            return Err(self.at(call.span, Error::evaluation(table::surplus(allowed))));
        }
        let names = call.arguments.named.iter().map(|(name, _)| name);
        if let Some(unknown) = names
            .into_iter()
            .find(|name| found.parameters.iter().all(|(known, _)| known != *name))
        {
            let message = format!("The following named argument does not exist: {unknown}");
            return Err(self.at(call.span, Error::evaluation(message)));
        }
        let mut values = self.values(&call.arguments)?.into_iter();
        let mut given: Vec<(Arc<str>, Value)> = found
            .parameters
            .iter()
            .map(|(name, _)| Arc::clone(name))
            .zip(values.by_ref().take(call.arguments.positional.len()))
            .collect();
        given.extend(
            call.arguments
                .named
                .iter()
                .map(|(name, _)| Arc::clone(name))
                .zip(values),
        );
        self.scopes.enter(Barrier::All);
        let result = self.deeper(|evaluator| {
            for (name, default) in &found.parameters {
                let value = match given.iter_mut().find(|(known, _)| known == name) {
                    Some((_, value)) => std::mem::take(value),
                    None => match default {
                        Some(default) => evaluator.expression(default)?,
                        None => Value::Null,
                    },
                };
                evaluator.scopes.set_here(name, value);
            }
            let mut output = Output::Java(evaluator.session.text());
            evaluator.nodes(&found.body, &mut output)?;
            let (Output::Java(text) | Output::Json(text)) = output else {
                return Ok(Value::Null);
            };
            Ok(Value::from(text.into_string()))
        });
        self.scopes.leave();
        result
    }
}

/// Something that does not exist, with the nearest that does.
fn missing<'n>(message: String, name: &str, names: impl Iterator<Item = &'n str>) -> Error {
    let near = nearest(name, names, 3);
    let error = Error::evaluation(message);
    if near.is_empty() {
        error
    } else {
        error.hint(format!("did you mean `{}`?", near.join("` or `")))
    }
}
