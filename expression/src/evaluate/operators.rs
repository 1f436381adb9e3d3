//! Operators on values.

use std::cmp::Ordering;

use super::session::Session;
use crate::error::{Error, Limit};
use crate::java::class_name;
use crate::syntax::Binary;
use crate::value::equal::compare_texts;
use crate::value::number::Arithmetic;
use crate::value::{Kind, Number};
use crate::{Profile, Value};

/// The truth of a condition: booleans themselves, numbers but zero, texts but the empty one.
pub(super) fn truth(value: &Value) -> Result<bool, Error> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::Str(text) => Ok(!text.is_empty()),
        Value::Null => Err(Error::evaluation(
            "null value given to if statement and strict variables is set to true",
        )),
        value => match value.as_number() {
            Some(number) => Ok(!matches!(number.to_f64(), 0.0) && !number.to_f64().is_nan()),
            None => {
                let class = class_name::simple(value);
                Err(Error::evaluation(format!(
                    "Unsupported value type {class}. Expected Boolean, String, Number in \"if\" statement"
                )))
            }
        },
    }
}

/// Truth for filters that take a flag: null and everything without truth is false.
pub(crate) fn is_true(value: &Value) -> bool {
    truth(value).unwrap_or(false)
}

/// The truth of an operand of `and` or `or`.
pub(super) fn logic_operand(value: &Value) -> Result<bool, Error> {
    match value {
        Value::Null => Err(Error::evaluation(
            "null value used in and operator and strict variables is set to true",
        )),
        value => truth(value),
    }
}

/// What an operator says when anything in it fails.
pub(super) fn wrap(
    binary: Binary,
    profile: Profile,
    cause: &Error,
    at: impl Fn(Error) -> Error,
) -> Error {
    if cause.is_final() {
        return cause.clone();
    }
    let what = match binary {
        Binary::Add => "addition",
        Binary::Subtract => "subtraction",
        Binary::Multiply => "multiplication",
        Binary::Divide => "division",
        Binary::Remainder => "greater modulus",
        Binary::Equal => "equals comparison",
        Binary::NotEqual => "not equals comparison",
        Binary::Greater => "greater than comparison",
        Binary::GreaterOrEqual => "greater than or equals comparison",
        Binary::Less if profile == Profile::Legacy => "greater modulus",
        Binary::Less => "less than comparison",
        Binary::LessOrEqual => "less than or equals comparison",
        _ => "operation",
    };
    at(Error::evaluation(format!("Could not perform {what}")).caused_by(cause))
}

// === Arithmetic ===

pub(super) fn arithmetic(
    session: &Session<'_>,
    binary: Binary,
    left: Value,
    right: Value,
) -> Result<Value, Error> {
    let operator = match binary {
        Binary::Add => Arithmetic::Add,
        Binary::Subtract => Arithmetic::Subtract,
        Binary::Multiply => Arithmetic::Multiply,
        Binary::Divide => Arithmetic::Divide,
        _ => Arithmetic::Remainder,
    };
    if operator == Arithmetic::Add && (left.as_str().is_some() || right.as_str().is_some()) {
        let mut text = session.text();
        crate::formats::java_text::write(&left, &mut text)?;
        crate::formats::java_text::write(&right, &mut text)?;
        return Ok(Value::from(text.into_string()));
    }
    if left.kind() == Kind::List && matches!(operator, Arithmetic::Add | Arithmetic::Subtract) {
        return combine_lists(session, operator, &left, right);
    }
    let (left, right) = (to_number(&left)?, to_number(&right)?);
    left.combine(operator, &right)
        .ok_or_else(|| Error::evaluation("/ by zero"))
}

fn combine_lists(
    session: &Session<'_>,
    operator: Arithmetic,
    left: &Value,
    right: Value,
) -> Result<Value, Error> {
    let items = left.as_list().unwrap_or_default();
    let others = right.as_list();
    session.charge(items.len() + others.as_ref().map_or(0, |others| others.len()))?;
    if operator == Arithmetic::Add {
        let mut items = items.into_vec();
        match others {
            Some(others) => items.extend(others.into_vec()),
            None => items.push(right),
        }
        return session.accept(Value::from(items));
    }
    let Some(others) = others else {
        let mut items = items.into_vec();
        if let Some(found) = items.iter().position(|item| *item == right) {
            items.remove(found);
        }
        return Ok(Value::from(items));
    };
    session.charge(items.len().saturating_mul(others.len()))?;
    Ok(items
        .iter()
        .filter(|item| !others.contains(item))
        .cloned()
        .collect())
}

/// A number, or the number a text reads as.
fn to_number(value: &Value) -> Result<Number, Error> {
    if let Some(number) = value.as_number() {
        return Ok(number);
    }
    let Value::Str(text) = value else {
        return Err(Error::evaluation(format!(
            "Cannot convert to Number: {}",
            value.to_java_text()?
        )));
    };
    parse_number(text).ok_or_else(|| Error::evaluation(format!("For input string: \"{text}\"")))
}

/// `Long.parseLong`, or `Double.parseDouble` for texts with `.`, `e` or `E`.
fn parse_number(text: &str) -> Option<Number> {
    if !text.contains(['.', 'e', 'E']) {
        return text.parse().ok().map(Number::Int);
    }
    let trimmed = text.trim().trim_end_matches(['d', 'D', 'f', 'F']);
    if !trimmed
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    trimmed.parse().ok().map(Number::Float)
}

pub(super) fn negate(value: &Value) -> Result<Value, Error> {
    Ok(to_number(value)?.negate())
}

pub(super) fn plus(value: &Value) -> Result<Value, Error> {
    match to_number(value)? {
        Number::Int(value) => Ok(Value::Int(value)),
        Number::Float(value) => Ok(Value::Float(value)),
        _ => Ok(value.clone()),
    }
}

// === Comparison ===

/// `==` and its kin.
pub(super) fn comparison(binary: Binary, left: &Value, right: &Value) -> Result<bool, Error> {
    match binary {
        Binary::Equal => return Ok(equals(left, right)),
        Binary::NotEqual => return Ok(!equals(left, right)),
        _ => {}
    }
    if left.is_null() || right.is_null() {
        return Ok(false);
    }
    let ordering = match (left, right) {
        (Value::Str(left), Value::Str(right)) => Some(compare_texts(left, right)),
        _ => match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => left.compare(&right),
            _ => {
                return Err(Error::evaluation(
                    "invalid operands for mathematical comparison",
                ));
            }
        },
    };
    Ok(match binary {
        Binary::Greater => ordering.is_some_and(Ordering::is_gt),
        Binary::Less => ordering.is_some_and(Ordering::is_lt),
        Binary::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        _ => ordering.is_some_and(Ordering::is_le),
    })
}

/// Two numbers compare as doubles; anything else must be of one kind.
fn equals(left: &Value, right: &Value) -> bool {
    match (left.as_number(), right.as_number()) {
        (Some(left), Some(right)) => left.compare(&right).is_some_and(Ordering::is_eq),
        _ => left == right,
    }
}

/// The order of two values of one kind, for sorting; `None` for kinds without order.
pub(crate) fn compare_values(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => Some(compare_texts(left, right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => {
            let (left, right) = (left.as_number()?, right.as_number()?);
            if left.is_integer() != right.is_integer() {
                return None;
            }
            left.compare(&right).or(Some(Ordering::Equal))
        }
    }
}

// === Collections ===

pub(super) fn contains(session: &Session<'_>, left: &Value, right: &Value) -> Result<bool, Error> {
    match left.kind() {
        Kind::Null => Ok(false),
        Kind::List => {
            let items = left.as_list().unwrap_or_default();
            session.charge(items.len() + left.weight().min(right.weight()) / 16)?;
            let Some(wanted) = right.as_list() else {
                return Ok(items.contains(right));
            };
            session.charge(items.len().saturating_mul(wanted.len()))?;
            Ok(wanted.iter().all(|wanted| items.contains(wanted)))
        }
        Kind::Map => {
            let key = match right {
                Value::Str(key) => key.clone(),
                Value::Null => return Ok(false),
                right if right.as_number().is_some() => right.to_java_text()?.into(),
                _ => return Ok(false),
            };
            left.as_object()
                .map_or(Ok(false), |object| object.contains(&key))
        }
        Kind::Str => {
            let text = left.as_str().unwrap_or_default();
            Ok(text.contains(&right.to_java_text()?))
        }
        _ => Err(Error::evaluation(format!(
            "Contains operator can only be used on Collections, Maps and arrays. Actual type was: {}",
            class_name::of(left)
        ))),
    }
}

pub(super) fn is_in(session: &Session<'_>, left: &Value, right: &Value) -> Result<bool, Error> {
    if left.is_null() || right.is_null() {
        return Ok(false);
    }
    let wanted = left.to_java_text()?;
    let mut found = false;
    match right.kind() {
        Kind::List => {
            let items = right.as_list().unwrap_or_default();
            session.charge(items.len() + right.weight() / 16)?;
            for item in items.iter() {
                found = found || item.to_java_text()? == wanted;
            }
        }
        Kind::Map => {
            let map = right.as_map()?.unwrap_or_default();
            session.charge(map.len())?;
            for (key, value) in map.iter() {
                found = found || **key == *wanted || value.to_java_text()? == wanted;
            }
        }
        _ => {}
    }
    Ok(found)
}

/// The numbers or letters from one to the other, both included.
pub(crate) fn range(
    session: &Session<'_>,
    start: &Value,
    end: &Value,
    increment: Option<&Value>,
) -> Result<Value, Error> {
    let step = match increment {
        None | Some(Value::Null) => 1,
        Some(value) => match value.as_number() {
            Some(number) => number.to_i64(),
            None => {
                let text = value.to_java_text()?;
                return Err(Error::evaluation(format!(
                    "The increment of the range function must be a number {text}"
                )));
            }
        },
    };
    if step == 0 {
        return Err(Error::evaluation(
            "The increment of the range function must be different than 0",
        ));
    }
    let (first, last, letters) = match (start.as_number(), end.as_number()) {
        (Some(first), Some(last)) => (first.to_i64(), last.to_i64(), false),
        _ => match (letter(start), letter(end)) {
            (Some(first), Some(last)) => (first, last, true),
            _ => {
                return Err(Error::evaluation(
                    "Arguments of range function must be of type Number or String with a length of 1",
                ));
            }
        },
    };
    let span = i128::from(last) - i128::from(first);
    let count = if (span >= 0) == (step > 0) || span == 0 {
        span / i128::from(step) + 1
    } else {
        0
    };
    let limit = session.limits().range;
    if count > i128::from(limit) {
        let message = format!(
            "The range function cannot produce more than {limit} elements, but this call would produce {count}. (`limits.range`)"
        );
        return Err(Error::limit(Limit::Range, message));
    }
    let count = usize::try_from(count).unwrap_or(0);
    session.charge(count)?;
    let numbers = std::iter::successors(Some(first), |number| number.checked_add(step)).take(count);
    Ok(if letters {
        numbers
            .filter_map(|code| u32::try_from(code).ok().and_then(char::from_u32))
            .map(|unit| unit.to_string())
            .collect()
    } else {
        numbers.collect()
    })
}

/// The code of a text of one UTF-16 unit.
fn letter(value: &Value) -> Option<i64> {
    let mut units = value.as_str()?.encode_utf16();
    let first = units.next()?;
    units.next().is_none().then_some(i64::from(first))
}
