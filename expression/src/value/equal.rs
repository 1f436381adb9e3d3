//! Equality and order of values.

use std::cmp::Ordering;

use super::{Kind, Number, Value};
use crate::Error;

/// Java's `equals`: same kind, same content. 32-bit and 64-bit integers are one kind; lists and maps compare deeply.
pub(super) fn equal(left: &Value, right: &Value) -> Result<bool, Error> {
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Str(left), Value::Str(right)) => left == right,
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::Temporal(left), Value::Temporal(right)) => left == right,
        _ => match (left.kind(), right.kind()) {
            (Kind::Number, Kind::Number) => same_number(left, right),
            (Kind::List, Kind::List) => equal_lists(left, right)?,
            (Kind::Map, Kind::Map) => equal_maps(left, right)?,
            _ => false,
        },
    })
}

/// Equal numbers of one kind.
fn same_number(left: &Value, right: &Value) -> bool {
    match (left.as_number(), right.as_number()) {
        (Some(Number::Int(left)), Some(Number::Int(right))) => left == right,
        (Some(Number::Big(left)), Some(Number::Big(right))) => left == right,
        (Some(Number::F32(left)), Some(Number::F32(right))) => {
            same_float(f64::from(left), f64::from(right))
        }
        (Some(Number::Float(left)), Some(Number::Float(right))) => same_float(left, right),
        (Some(Number::Decimal(left)), Some(Number::Decimal(right))) => left == right,
        _ => false,
    }
}

/// Java's `Double.equals`: `NaN` equals itself, zeros of different sign differ.
fn same_float(left: f64, right: f64) -> bool {
    left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
}

fn equal_lists(left: &Value, right: &Value) -> Result<bool, Error> {
    let (Some(left), Some(right)) = (left.as_list(), right.as_list()) else {
        return Ok(false);
    };
    if left.len() != right.len() {
        return Ok(false);
    }
    for (left, right) in left.iter().zip(right.iter()) {
        if !equal(left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(left: &Value, right: &Value) -> Result<bool, Error> {
    let (Some(left), Some(right)) = (left.as_map()?, right.as_map()?) else {
        return Ok(false);
    };
    if left.len() != right.len() {
        return Ok(false);
    }
    for (key, left) in left.iter() {
        let Some(right) = right.get(key) else {
            return Ok(false);
        };
        if !equal(left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The order of two texts: by UTF-16 units, as Java's `compareTo`.
pub(crate) fn compare_texts(left: &str, right: &str) -> Ordering {
    if left.is_ascii() || right.is_ascii() {
        return left.cmp(right);
    }
    left.encode_utf16().cmp(right.encode_utf16())
}
