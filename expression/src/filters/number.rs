//! Filters on numbers.

use std::sync::Arc;

use super::{java_text, wrong_class};
use crate::dates::locale;
use crate::error::{Error, Limit};
use crate::evaluate::Call;
use crate::java::decimal_format::DecimalFormat;
use crate::java::double;
use crate::table::{Doc, Filter, Parameters};
use crate::value::{BigInt, Decimal, Number, Value};

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "abs",
        parameters: Parameters::None,
        doc: Doc {
            signature: "abs",
            text: "The size of a number.",
            example: "{{ -5 | abs }}",
            result: "5",
        },
        run: |_, input| match input.as_number() {
            Some(number) => Ok(absolute(&input, &number)),
            None if input.is_null() => Err(Error::evaluation(
                "Can not pass null value to \"abs\" filter.",
            )),
            None => Err(Error::evaluation(
                "The 'abs' filter does require as input a number.",
            )),
        },
    },
    Filter {
        name: "numberFormat",
        parameters: Parameters::Names(&["format"]),
        doc: Doc {
            signature: "numberFormat(format='#,##0.###')",
            text: "The number in a pattern of Java's `DecimalFormat`; half is rounded to even.",
            example: "{{ 1234.5 | numberFormat('#,##0.00') }} {{ 0.256 | numberFormat('0%') }}",
            result: "1,234.50 26%",
        },
        run: number_format,
    },
    Filter {
        name: "number",
        parameters: Parameters::Names(&["type"]),
        doc: Doc {
            signature: "number(type)",
            text: "The number that a text reads as: of the given type (`INT`, `LONG`, `FLOAT`, `DOUBLE`, `BIGDECIMAL`, \
                   `BIGINTEGER`), or of the smallest that holds it. `0x1F` is hexadecimal, a leading `0` makes it octal.",
            example: "{{ ('12' | number) + 1 }} {{ '0x1F' | number }}",
            result: "13 31",
        },
        run: number,
    },
];

fn absolute(input: &Value, number: &Number) -> Value {
    match (input, number) {
        (Value::Int32(value), _) => Value::Int32(value.wrapping_abs()),
        (_, Number::Int(value)) => Value::Int(value.wrapping_abs()),
        (_, Number::Big(value)) => Value::Big(Arc::new(BigInt::from((*value).magnitude().clone()))),
        (_, Number::F32(value)) => Value::F32(value.abs()),
        (_, Number::Float(value)) => Value::Float(value.abs()),
        (_, Number::Decimal(value)) if value.is_negative() => {
            Value::Decimal(Arc::new(value.negate()))
        }
        _ => input.clone(),
    }
}

fn number_format(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let Some(number) = input.as_number() else {
        return Err(Error::evaluation(
            "The input for the 'NumberFormat' filter has to be a number.",
        ));
    };
    let format = match call.get(0) {
        None => DecimalFormat::default_format()?,
        Some(pattern) => {
            let pattern = pattern
                .as_str()
                .ok_or_else(|| wrong_class(pattern, "java.lang.String"))?;
            DecimalFormat::parse(pattern, call.session().limits().number_digits)?
        }
    };
    let name = &call.session().shared.options.locale;
    let symbols = &locale::find(name).unwrap_or_else(locale::english).symbols;
    Ok(Value::from(format.format(
        &number,
        symbols,
        locale::currency(name),
    )))
}

// === number ===

fn number(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let Some(text) = input.as_str() else {
        return Err(crate::evaluate::forbid_text(
            &input,
            "'number' filter can only be applied to String.",
        ));
    };
    let limit = call.session().limits().number_digits;
    if text.len() > limit {
        let message = format!("a number of more than {limit} digits (`limits.numberDigits`)");
        return Err(Error::limit(Limit::NumberDigits, message));
    }
    let kind = match call.get(0) {
        Some(kind) => java_text(call, kind)?,
        None => String::new(),
    };
    let parsed = match kind.as_str() {
        "INT" => parse_integer(text)
            .and_then(|value| i32::try_from(value).ok())
            .map(Value::Int32),
        "LONG" => parse_integer(text).map(Value::Int),
        "FLOAT" => parse_float(text).map(|(_, single)| single).map(Value::F32),
        "DOUBLE" => parse_float(text)
            .map(|(double, _)| double)
            .map(Value::Float),
        "BIGDECIMAL" => Decimal::parse(text).map(|value| Value::Decimal(Arc::new(value))),
        "BIGINTEGER" => parse_big(text).map(|value| Value::Big(Arc::new(value))),
        _ => smallest(text),
    };
    parsed.ok_or_else(|| Error::evaluation(format!("{text} is not a valid number.")))
}

/// `Long.parseLong`
fn parse_integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn parse_big(text: &str) -> Option<BigInt> {
    BigInt::parse_bytes(text.as_bytes(), 10).filter(|_| !text.contains('_'))
}

/// `Double.parseDouble` and `Float.parseFloat`.
fn parse_float(text: &str) -> Option<(f64, f32)> {
    let trimmed = text.trim_matches(|unit| unit <= ' ');
    match trimmed.trim_start_matches(['+', '-']) {
        "NaN" => return Some((f64::NAN, f32::NAN)),
        "Infinity" if trimmed.starts_with('-') => {
            return Some((f64::NEG_INFINITY, f32::NEG_INFINITY));
        }
        "Infinity" => return Some((f64::INFINITY, f32::INFINITY)),
        _ => {}
    }
    let digits = trimmed
        .strip_suffix(['d', 'D', 'f', 'F'])
        .unwrap_or(trimmed);
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !plain || !digits.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().ok()?, digits.parse().ok()?))
}

/// The smallest kind of number that holds it: `NumberUtils.createNumber`.
fn smallest(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let hexadecimal = ["0x", "0X", "#"]
        .into_iter()
        .find_map(|prefix| unsigned.strip_prefix(prefix));
    if let Some(digits) = hexadecimal {
        return integer_of(digits, 16, text.starts_with('-'));
    }
    let last = text.chars().last()?;
    if !last.is_ascii_digit() && last != '.' {
        let body = &text[..text.len() - last.len_utf8()];
        return match last {
            'l' | 'L' if is_plain_integer(body) => match body.parse() {
                Ok(value) => Some(Value::Int(value)),
                Err(_) => parse_big(body).map(|value| Value::Big(Arc::new(value))),
            },
            'f' | 'F' => parse_float(body)
                .filter(|(_, single)| single.is_finite())
                .map(|(_, single)| Value::F32(single)),
            'd' | 'D' => parse_float(body)
                .filter(|(double, _)| double.is_finite())
                .map(|(double, _)| Value::Float(double)),
            _ => None,
        };
    }
    if !text.contains(['.', 'e', 'E']) {
        // A second minus is taken for no sign at all.
        let (negative, digits) = match text.strip_prefix("--") {
            Some(rest) => (false, rest),
            None => (text.starts_with('-'), unsigned),
        };
        return match digits.strip_prefix('0').filter(|octal| !octal.is_empty()) {
            Some(octal) => integer_of(octal, 8, negative),
            None => integer_of(digits, 10, negative),
        };
    }
    let (double, single) = parse_float(text).filter(|_| last.is_ascii_digit() || last == '.')?;
    let zero = !text
        .split(['e', 'E'])
        .next()?
        .contains(|unit: char| matches!(unit, '1'..='9'));
    let same_text = double::float_to_string(single) == double::to_string(double);
    if single.is_finite() && (single != 0.0 || zero) && same_text {
        return Some(Value::F32(single));
    }
    let exact = Decimal::parse(text.strip_suffix('.').unwrap_or(text))?;
    if double.is_finite() && (double != 0.0 || zero) {
        let shortest = Decimal::from_shortest(double)?;
        if exact.compare(&shortest).is_eq() {
            return Some(Value::Float(double));
        }
    }
    Some(Value::Decimal(Arc::new(exact)))
}

fn is_plain_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The smallest kind of integer.
fn integer_of(digits: &str, radix: u32, negative: bool) -> Option<Value> {
    if digits.is_empty() || !digits.chars().all(|unit| unit.is_digit(radix)) {
        return None;
    }
    let size = BigInt::parse_bytes(digits.as_bytes(), radix)?;
    let value = if negative { -size } else { size };
    if let Ok(small) = i32::try_from(&value) {
        return Some(Value::Int32(small));
    }
    Some(i64::try_from(&value).map_or_else(|_| Value::Big(Arc::new(value)), Value::Int))
}
