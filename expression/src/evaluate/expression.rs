//! Expressions.

use std::sync::Arc;

use super::Evaluator;
use super::operators::{negate, truth};
use super::scope::Found;
use crate::formats::java_text;
use crate::formats::text::Text;
use crate::java::hash_order;
use crate::syntax::Unary;
use crate::syntax::ast::{Expression, ExpressionKind, Span};
use crate::value::Map;
use crate::{Error, Value};

impl Evaluator<'_> {
    /// The value of an expression.
    pub(crate) fn expression(&mut self, expression: &Expression) -> Result<Value, Error> {
        self.session
            .step()
            .map_err(|error| self.at(expression.span, error))?;
        match &expression.kind {
            ExpressionKind::Literal(value) => Ok(value.clone()),
            ExpressionKind::Name(name) => self.variable(name, expression.span),
            _ => {
                let result = self.deeper(|evaluator| evaluator.nested_expression(expression));
                result.map_err(|error| self.at(expression.span, error))
            }
        }
    }

    fn nested_expression(&mut self, expression: &Expression) -> Result<Value, Error> {
        match &expression.kind {
            ExpressionKind::Interpolated(parts) => {
                let mut text = self.session.text();
                for part in parts {
                    let value = self.expression(part)?;
                    join(&value, &mut text)?;
                }
                Ok(Value::from(text.into_string()))
            }
            ExpressionKind::List(items) => {
                let items = items
                    .iter()
                    .map(|item| self.expression(item))
                    .collect::<Result<Vec<Value>, Error>>()?;
                self.session.accept(Value::from(items))
            }
            ExpressionKind::Map(entries) => self.map(entries),
            ExpressionKind::Unary(unary, operand) => {
                let value = self.expression(operand)?;
                match unary {
                    Unary::Not => match value {
                        Value::Null => Err(Error::evaluation(
                            "null value given to not() and strict variables is set to true",
                        )),
                        value => truth(&value).map(|holds| Value::Bool(!holds)),
                    },
                    Unary::Plus => super::operators::plus(&value),
                    Unary::Minus => negate(&value),
                }
            }
            ExpressionKind::Ternary(parts) => {
                let [condition, then, otherwise] = &**parts;
                let value = self.expression(condition)?;
                let holds = !value.is_null()
                    && truth(&value).map_err(|error| self.at(condition.span, error))?;
                self.expression(if holds { then } else { otherwise })
            }
            ExpressionKind::Function(call) => self.function(call),
            ExpressionKind::Chain(first, steps) => self.chain(first, steps),
            ExpressionKind::Literal(value) => Ok(value.clone()),
            ExpressionKind::Name(name) => self.variable(name, expression.span),
        }
    }

    /// A map literal, in the order of Java's hash maps.
    fn map(&mut self, entries: &[(Expression, Expression)]) -> Result<Value, Error> {
        let mut pairs: Vec<(Arc<str>, Value, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.expression(key)?;
            let value = self.expression(value)?;
            pairs.push((key_text(&key)?, key, value));
        }
        let pairs = hash_order::order(pairs, hash_order::capacity_for(entries.len()));
        self.session.accept(Value::Map(Map::with_keys(pairs)))
    }

    /// The value of a variable.
    pub(super) fn variable(&self, name: &Arc<str>, span: Span) -> Result<Value, Error> {
        match self.scopes.find(name) {
            Found::Here(value) => return Ok(value.clone()),
            Found::AskRoot => {
                if let Some(value) = self
                    .session
                    .root
                    .get(name)
                    .map_err(|error| self.at(span, error))?
                {
                    return Ok(value);
                }
                if **name == *"locale" {
                    return Ok(Value::from(self.session.shared.options.locale.as_str()));
                }
            }
            Found::Hidden => {}
        }
        Err(self.at(span, Error::undefined(&**name, None)))
    }
}

/// Appends a value as `~` does: null as nothing, everything else as Java's text.
pub(super) fn join(value: &Value, text: &mut Text) -> Result<(), Error> {
    if value.is_null() {
        Ok(())
    } else {
        java_text::write(value, text)
    }
}

/// The text under which a map keeps a key.
pub(super) fn key_text(key: &Value) -> Result<Arc<str>, Error> {
    match key {
        Value::Str(text) => Ok(Arc::clone(text)),
        Value::Null => Err(Error::evaluation("Null key for a Map not allowed in JSON")),
        key => Ok(key.to_java_text()?.into()),
    }
}
