//! Operators, filters, tests and attributes, applied from left to right.

use super::Evaluator;
use super::expression::join;
use super::operators::{arithmetic, comparison, contains, is_in, logic_operand, range, wrap};
use crate::syntax::Binary;
use crate::syntax::ast::{Expression, ExpressionKind, Span, Step, StepKind};
use crate::value::Map;
use crate::{Error, Profile, Value};

impl Evaluator<'_> {
    /// Evaluates a chain: a value, or an error that a later step may yet turn into a value.
    pub(super) fn chain(&mut self, first: &Expression, steps: &[Step]) -> Result<Value, Error> {
        let state = self.expression(first);
        self.chain_from(state, first, steps)
    }

    /// The same where the first value is known.
    pub(super) fn chain_from(
        &mut self,
        mut state: Result<Value, Error>,
        first: &Expression,
        steps: &[Step],
    ) -> Result<Value, Error> {
        let mut root = match &first.kind {
            ExpressionKind::Name(name) => Some(name),
            _ => None,
        };
        let mut taken = 0;
        if let Ok(Value::Map(map)) = &state
            && let Some((found, count)) = self.descend(map, steps)?
        {
            (state, taken, root) = (Ok(found.clone()), count, None);
        }
        for step in &steps[taken..] {
            state = match state {
                Err(error) if !takes_errors(step) => Err(error),
                state => {
                    let result = self.step(state, step, root.map(|name| &**name));
                    result.map_err(|error| self.at(step.span, error))
                }
            };
            root = None;
        }
        state
    }

    /// What the leading attributes of maps in maps lead to, and how many they are. Everything is borrowed. An attribute that is missing
    /// is left to [`Self::step`], which says so.
    pub(super) fn descend<'m>(
        &self,
        map: &'m Map,
        steps: &[Step],
    ) -> Result<Option<(&'m Value, usize)>, Error> {
        let mut here = map;
        let mut found = None;
        let mut taken = 0;
        for step in steps {
            let StepKind::Attribute(name) = &step.kind else {
                break;
            };
            let Some(value) = here.get(name) else {
                break;
            };
            self.session
                .step()
                .map_err(|error| self.at(step.span, error))?;
            found = Some(value);
            taken += 1;
            let Value::Map(next) = value else {
                break;
            };
            here = next;
        }
        Ok(found.map(|value| (value, taken)))
    }

    fn step(
        &mut self,
        state: Result<Value, Error>,
        step: &Step,
        root: Option<&str>,
    ) -> Result<Value, Error> {
        self.session.step()?;
        match &step.kind {
            StepKind::Attribute(name) => self.attribute(state?, name, root),
            StepKind::Index(index) => {
                let value = state?;
                let index = self.expression(index)?;
                self.index(value, &index, root)
            }
            StepKind::Method { name, arguments } => {
                let value = state?;
                let arguments = arguments
                    .iter()
                    .map(|argument| self.expression(argument))
                    .collect::<Result<Vec<Value>, Error>>()?;
                self.method(&value, name, &arguments, root)
            }
            StepKind::Concat(parts) => {
                let mut text = self.session.text();
                join(&state?, &mut text)?;
                for part in parts {
                    let value = self.expression(part)?;
                    join(&value, &mut text)?;
                }
                Ok(Value::from(text.into_string()))
            }
            StepKind::Filter(call) => self.filter(call, state),
            StepKind::Test { call, negated } => {
                let holds = self.test(call, state)?;
                Ok(Value::Bool(holds != *negated))
            }
            StepKind::Binary(binary, right) => self.binary(state, *binary, right, step.span),
        }
    }

    fn binary(
        &mut self,
        state: Result<Value, Error>,
        binary: Binary,
        right: &Expression,
        span: Span,
    ) -> Result<Value, Error> {
        match binary {
            Binary::Or | Binary::And => {
                let deciding = binary == Binary::Or;
                if logic_operand(&state?)? == deciding {
                    return Ok(Value::Bool(deciding));
                }
                let right = self.expression(right)?;
                logic_operand(&right).map(Value::Bool)
            }
            Binary::Coalesce => match state {
                Ok(Value::Null) => self.expression(right),
                Err(error) if error.is_undefined() => self.expression(right),
                other => other,
            },
            Binary::CoalesceUndefined => match state {
                Err(error) if error.is_undefined() => self.expression(right),
                other => other,
            },
            Binary::Contains => {
                let left = state?;
                if left.is_null() {
                    return Ok(Value::Bool(false));
                }
                let right = self.expression(right)?;
                contains(self.session, &left, &right).map(Value::Bool)
            }
            Binary::IsIn => {
                let left = state?;
                let right = self.expression(right)?;
                is_in(self.session, &left, &right).map(Value::Bool)
            }
            Binary::Range => {
                let left = state?;
                let right = self.expression(right)?;
                range(self.session, &left, &right, None)
            }
            Binary::Concat => {
                let mut text = self.session.text();
                join(&state?, &mut text)?;
                let right = self.expression(right)?;
                join(&right, &mut text)?;
                Ok(Value::from(text.into_string()))
            }
            _ => self.wrapped(state, binary, right, span),
        }
    }

    /// Arithmetic and comparison: whatever fails inside, they say only that they could not be performed.
    fn wrapped(
        &mut self,
        state: Result<Value, Error>,
        binary: Binary,
        right: &Expression,
        span: Span,
    ) -> Result<Value, Error> {
        let ordering = matches!(
            binary,
            Binary::Greater | Binary::Less | Binary::GreaterOrEqual | Binary::LessOrEqual
        );
        let operands = match state {
            Ok(left) => self.expression(right).map(|right| (left, right)),
            Err(error) => Err(error),
        };
        let result = match operands {
            // Kestra 2.0 evaluates the operands of an ordering before the part that wraps.
            Err(error) if ordering && self.session.profile() == Profile::V2 => return Err(error),
            Err(error) => Err(error),
            Ok((left, right)) => match binary {
                Binary::Add
                | Binary::Subtract
                | Binary::Multiply
                | Binary::Divide
                | Binary::Remainder => arithmetic(self.session, binary, left, right),
                _ => {
                    let weight = left.weight().min(right.weight());
                    let charged = self.session.charge(weight / 16);
                    charged.and_then(|()| comparison(binary, &left, &right).map(Value::Bool))
                }
            },
        };
        result.map_err(|error| {
            wrap(binary, self.session.profile(), &error, |wrapped| {
                self.at(span, wrapped)
            })
        })
    }
}

/// Whether the steps are attributes, and nothing else.
pub(super) fn is_path(steps: &[Step]) -> bool {
    let is_attribute = |step: &Step| matches!(step.kind, StepKind::Attribute(_));
    steps.iter().all(is_attribute)
}

/// Whether a step looks at an error to its left, instead of passing it on.
fn takes_errors(step: &Step) -> bool {
    match &step.kind {
        StepKind::Binary(binary, _) => !matches!(
            binary,
            Binary::Or
                | Binary::And
                | Binary::Contains
                | Binary::IsIn
                | Binary::Range
                | Binary::Concat
        ),
        StepKind::Filter(call) => call.target.is_some_and(|filter| filter.name == "default"),
        StepKind::Test { call, .. } => call.target.is_some_and(|test| test.name == "defined"),
        _ => false,
    }
}
