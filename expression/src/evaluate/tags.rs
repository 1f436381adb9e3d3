//! Tags.

use std::sync::Arc;

use super::chain::is_path;
use super::operators::truth;
use super::{Barrier, Evaluator, Output};
use crate::formats::text::Text;
use crate::syntax::ast::{Expression, ExpressionKind, Node, Span};
use crate::value::{Entry, Kind, List, MapBuilder};
use crate::{Error, Value};

impl Evaluator<'_> {
    pub(super) fn nodes(&mut self, nodes: &[Node], output: &mut Output) -> Result<(), Error> {
        for node in nodes {
            match node {
                Node::Text(text) => output.text(text)?,
                Node::Print(expression) => self.print(expression, output)?,
                Node::If {
                    branches,
                    otherwise,
                } => self.if_node(branches, otherwise, output)?,
                Node::For {
                    name,
                    iterable,
                    body,
                    otherwise,
                } => {
                    self.for_node(name, iterable, body, otherwise, output)?;
                }
                Node::Set { name, value } => {
                    let value = self.expression(value)?;
                    let root = self.session.root;
                    self.scopes
                        .set(name, value, || root.contains(name).unwrap_or(true));
                }
                Node::Filter { calls, body } => {
                    let text = self.body_text(body)?;
                    let mut value = Value::from(text.into_string());
                    for call in calls {
                        value = self.filter(call, Ok(value))?;
                    }
                    output.value(&value)?;
                }
                Node::Block(index) => {
                    let template = self.template;
                    let body = &template.tree().blocks[*index].1;
                    self.deeper(|evaluator| evaluator.nodes(body, output))?;
                }
            }
        }
        Ok(())
    }

    /// Prints a value; what a path through maps leads to is printed where it is, without a copy.
    fn print(&mut self, expression: &Expression, output: &mut Output) -> Result<(), Error> {
        let printed = match &expression.kind {
            ExpressionKind::Chain(first, steps) if is_path(steps) => self.deeper(|evaluator| {
                evaluator.session.step()?;
                let state = evaluator.expression(first);
                if let Ok(Value::Map(map)) = &state
                    && let Some((found, taken)) = evaluator.descend(map, steps)?
                    && taken == steps.len()
                {
                    return output.value(found);
                }
                output.value(&evaluator.chain_from(state, first, steps)?)
            }),
            _ => self
                .expression(expression)
                .and_then(|value| output.value(&value)),
        };
        printed.map_err(|error| self.at(expression.span, error))
    }

    /// The text of a body that is not printed in place.
    pub(super) fn body_text(&mut self, body: &[Node]) -> Result<Text, Error> {
        self.deeper(|evaluator| {
            let mut output = Output::Java(evaluator.session.text());
            evaluator.nodes(body, &mut output)?;
            let (Output::Java(text) | Output::Json(text)) = output else {
                return Ok(evaluator.session.text());
            };
            Ok(text)
        })
    }

    /// What a block prints, as Java's text; nothing if there is no such block.
    pub(crate) fn block(&mut self, name: &str) -> Result<Value, Error> {
        let template = self.template;
        let Some((_, body)) = template
            .tree()
            .blocks
            .iter()
            .find(|(known, _)| **known == *name)
        else {
            return Ok(Value::from(""));
        };
        Ok(Value::from(self.body_text(body)?.into_string()))
    }

    fn if_node(
        &mut self,
        branches: &[(Expression, Vec<Node>)],
        otherwise: &[Node],
        output: &mut Output,
    ) -> Result<(), Error> {
        for (condition, body) in branches {
            let holds = match self.expression(condition) {
                Ok(value) => truth(&value),
                Err(error) if error.is_final() => return Err(error),
                Err(error) => Err(error),
            };
            match holds {
                Ok(true) => return self.deeper(|evaluator| evaluator.nodes(body, output)),
                Ok(false) => {}
                Err(cause) => {
                    let error =
                        Error::evaluation("Wrong operand(s) type in conditional expression");
                    return Err(self.at(condition.span, error.caused_by(&cause)));
                }
            }
        }
        self.deeper(|evaluator| evaluator.nodes(otherwise, output))
    }

    fn for_node(
        &mut self,
        name: &Arc<str>,
        iterable: &Expression,
        body: &[Node],
        otherwise: &[Node],
        output: &mut Output,
    ) -> Result<(), Error> {
        let value = self.expression(iterable)?;
        if value.is_null() {
            return Ok(());
        }
        let items = self.items(&value, iterable.span)?;
        if items.is_empty() {
            return self.deeper(|evaluator| evaluator.nodes(otherwise, output));
        }
        self.deeper(|evaluator| {
            evaluator.scopes.enter(Barrier::None);
            let result = evaluator.rounds(name, &items, body, output);
            evaluator.scopes.leave();
            result
        })
    }

    fn rounds(
        &mut self,
        name: &Arc<str>,
        items: &[Value],
        body: &[Node],
        output: &mut Output,
    ) -> Result<(), Error> {
        let reads_loop = self.template.reads_loop();
        for (index, item) in items.iter().enumerate() {
            self.session.step()?;
            if reads_loop {
                self.scopes.set_here(
                    &self.session.shared.words.loop_name,
                    self.loop_variable(index, items.len()),
                );
            }
            self.scopes.set_here(name, item.clone());
            self.nodes(body, output)?;
        }
        Ok(())
    }

    fn loop_variable(&self, index: usize, length: usize) -> Value {
        let mut map = MapBuilder::with_capacity(5);
        let words = &self.session.shared.words;
        map.insert(Arc::clone(&words.first), index == 0);
        map.insert(Arc::clone(&words.last), index + 1 == length);
        map.insert(Arc::clone(&words.length), length);
        map.insert(Arc::clone(&words.index), index);
        map.insert(Arc::clone(&words.revindex), length - index - 1);
        Value::Map(map.build())
    }

    /// The elements of a list, or the entries of a map.
    fn items(&self, value: &Value, span: Span) -> Result<List, Error> {
        match value.kind() {
            Kind::List => Ok(value.as_list().unwrap_or_default()),
            Kind::Map => {
                let map = value.as_map()?.unwrap_or_default();
                let keys = map.key_values();
                let entries = keys.into_iter().zip(map.iter());
                Ok(entries
                    .map(|(key, (_, value))| {
                        Value::Entry(Arc::new(Entry {
                            key,
                            value: value.clone(),
                        }))
                    })
                    .collect())
            }
            _ => {
                let text = value.to_java_text()?;
                let error = Error::evaluation(format!("Not an iterable object. Value = [{text}]"));
                Err(self.at(span, error))
            }
        }
    }
}
