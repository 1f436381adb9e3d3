//! Methods of Java's classes that flows call: `s.length()`, `list.size()`, `map.keySet()`.
//!
//! Names are found without regard to case, and also in their bean form (`s.empty` is `isEmpty()`), as reflection finds
//! them in the original.

use std::sync::Arc;

use super::session::Session;
use crate::java::{hash_order, regex, utf16};
use crate::value::equal::compare_texts;
use crate::value::{Entry, Kind, List, Map, Number};
use crate::{Error, Value};

/// Calls a method; `None` when there is none of this name that takes these arguments.
pub(super) fn call(
    session: &Session<'_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Option<Value>, Error> {
    let lower = name.to_ascii_lowercase();
    if arguments.is_empty()
        && matches!(
            &*lower,
            "class" | "getclass" | "wait" | "notify" | "notifyall"
        )
    {
        let message = format!("For security reasons access to the method `{name}` is denied.");
        return Err(Error::evaluation(message));
    }
    for candidate in [
        lower.as_str(),
        &format!("get{lower}"),
        &format!("is{lower}"),
        &format!("has{lower}"),
    ] {
        let result = match value.kind() {
            Kind::Str => text_method(
                session,
                value.as_str().unwrap_or_default(),
                candidate,
                arguments,
            )?,
            Kind::List => list_method(
                session,
                &value.as_list().unwrap_or_default(),
                candidate,
                arguments,
            )?,
            Kind::Map => map_method(session, value, candidate, arguments)?,
            Kind::Number => number_method(value, candidate, arguments),
            Kind::Bool if candidate == "booleanvalue" && arguments.is_empty() => {
                Some(value.clone())
            }
            Kind::Entry => entry_method(value, candidate, arguments),
            _ => None,
        };
        let result = match result {
            None => any_method(value, candidate, arguments)?,
            found => found,
        };
        if result.is_some() {
            return Ok(result);
        }
    }
    Ok(None)
}

fn any_method(value: &Value, name: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    Ok(match (name, arguments) {
        ("tostring", []) => Some(Value::from(value.to_java_text()?)),
        _ => None,
    })
}

fn text_method(
    session: &Session<'_>,
    text: &str,
    name: &str,
    arguments: &[Value],
) -> Result<Option<Value>, Error> {
    let result = match arguments {
        [] => plain_text_method(text, name),
        [Value::Str(argument)] => return text_method_with_text(session, text, name, argument),
        [Value::Str(first), Value::Str(second)] => match name {
            "replace" => {
                session.charge(text.len())?;
                let room = text.len().saturating_mul(second.len().max(1));
                if room > session.limits().output_bytes {
                    session.accept(Value::from(text.replace(&**first, second)))?;
                }
                Some(Value::from(text.replace(&**first, second)))
            }
            "replaceall" => Some(regex::replace_all(session, text, first, second)?),
            "replacefirst" => Some(regex::replace_first(session, text, first, second)?),
            _ => None,
        },
        [first] => match (name, first.as_int()) {
            ("substring", Some(start)) => substring(text, start, None),
            ("charat", Some(index)) => substring(text, index, Some(index.saturating_add(1))),
            ("repeat", Some(count)) => {
                let mut repeated = session.text();
                repeated.push_repeated(text, usize::try_from(count).unwrap_or(0))?;
                Some(Value::from(repeated.into_string()))
            }
            _ => None,
        },
        [first, second] => match (name, first.as_int(), second.as_int()) {
            ("substring", Some(start), Some(end)) => substring(text, start, Some(end)),
            _ => None,
        },
        _ => None,
    };
    Ok(result)
}

fn plain_text_method(text: &str, name: &str) -> Option<Value> {
    Some(match name {
        "length" => length(utf16::length(text)),
        "isempty" => Value::Bool(text.is_empty()),
        "isblank" => Value::Bool(text.trim().is_empty()),
        "touppercase" => Value::from(text.to_uppercase()),
        "tolowercase" => Value::from(text.to_lowercase()),
        "trim" => Value::from(text.trim_matches(|unit| unit <= ' ')),
        "strip" => Value::from(text.trim()),
        "stripleading" => Value::from(text.trim_start()),
        "striptrailing" => Value::from(text.trim_end()),
        "hashcode" => Value::Int32(hash_order::string_hash(text).cast_signed()),
        "intern" => Value::from(text),
        "getbytes" => Value::Bytes(text.as_bytes().into()),
        "lines" => text.lines().collect(),
        _ => return None,
    })
}

fn text_method_with_text(
    session: &Session<'_>,
    text: &str,
    name: &str,
    argument: &str,
) -> Result<Option<Value>, Error> {
    Ok(Some(match name {
        "startswith" => Value::Bool(text.starts_with(argument)),
        "endswith" => Value::Bool(text.ends_with(argument)),
        "contains" => Value::Bool(text.contains(argument)),
        "equals" => Value::Bool(text == argument),
        "equalsignorecase" => Value::Bool(text.to_lowercase() == argument.to_lowercase()),
        "compareto" => Value::Int32(compare(text, argument)),
        "comparetoignorecase" => {
            Value::Int32(compare(&text.to_lowercase(), &argument.to_lowercase()))
        }
        "indexof" => Value::Int32(position(text, text.find(argument))),
        "lastindexof" => Value::Int32(position(text, text.rfind(argument))),
        "concat" => Value::from([text, argument].concat()),
        "split" => regex::split(session, text, argument, 0)?,
        "matches" => Value::Bool(regex::matches_whole(session, text, argument)?),
        _ => return Ok(None),
    }))
}

/// `compareTo`: the difference of the first units that differ, or of the lengths.
fn compare(left: &str, right: &str) -> i32 {
    let units = left
        .encode_utf16()
        .zip(right.encode_utf16())
        .find(|(left, right)| left != right);
    match units {
        Some((left, right)) => i32::from(left) - i32::from(right),
        None if compare_texts(left, right).is_eq() => 0,
        None => position_of(utf16::length(left)) - position_of(utf16::length(right)),
    }
}

fn position(text: &str, offset: Option<usize>) -> i32 {
    offset.map_or(-1, |offset| position_of(utf16::index_of(text, offset)))
}

fn position_of(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn length(count: usize) -> Value {
    Value::Int32(position_of(count))
}

fn substring(text: &str, start: i64, end: Option<i64>) -> Option<Value> {
    let length = utf16::length(text);
    let start = usize::try_from(start).ok()?;
    let end = end.map_or(Some(length), |end| usize::try_from(end).ok())?;
    (start <= end && end <= length).then(|| Value::from(utf16::slice(text, start, end)))
}

fn list_method(
    session: &Session<'_>,
    list: &List,
    name: &str,
    arguments: &[Value],
) -> Result<Option<Value>, Error> {
    session.charge(list.len())?;
    Ok(Some(match (name, arguments) {
        ("size", []) => length(list.len()),
        ("isempty", []) => Value::Bool(list.is_empty()),
        ("getfirst", []) => match list.first() {
            Some(item) => item.clone(),
            None => return Err(Error::evaluation("Could not call getFirst")),
        },
        ("getlast", []) => match list.last() {
            Some(item) => item.clone(),
            None => return Err(Error::evaluation("Could not call getLast")),
        },
        ("reversed", []) => list.iter().rev().cloned().collect(),
        ("toarray", []) => Value::List(list.clone()),
        ("indexof", [item]) => Value::Int32(
            list.iter()
                .position(|known| known == item)
                .map_or(-1, position_of),
        ),
        ("lastindexof", [item]) => Value::Int32(
            list.iter()
                .rposition(|known| known == item)
                .map_or(-1, position_of),
        ),
        ("contains", [item]) => Value::Bool(list.contains(item)),
        ("equals", [other]) => Value::Bool(Value::List(list.clone()) == *other),
        ("get", [index]) => match index
            .as_int()
            .and_then(|index| list.get(usize::try_from(index).ok()?))
        {
            Some(item) => item.clone(),
            None => return Ok(None),
        },
        ("sublist", [start, end]) => {
            let bounds = (
                start.as_int().and_then(|start| usize::try_from(start).ok()),
                end.as_int().and_then(|end| usize::try_from(end).ok()),
            );
            match bounds {
                (Some(start), Some(end)) if start <= end && end <= list.len() => {
                    list[start..end].iter().cloned().collect()
                }
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    }))
}

fn map_method(
    session: &Session<'_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Option<Value>, Error> {
    let Some(object) = value.as_object() else {
        return Ok(None);
    };
    let key = |value: &Value| super::expression::key_text(value);
    match (name, arguments) {
        ("get", [wanted]) => return Ok(Some(object.get(&key(wanted)?)?.unwrap_or_default())),
        ("getordefault", [wanted, default]) => {
            return Ok(Some(
                object
                    .get(&key(wanted)?)?
                    .unwrap_or_else(|| default.clone()),
            ));
        }
        ("containskey", [wanted]) => return Ok(Some(Value::Bool(object.contains(&key(wanted)?)?))),
        ("size", []) => return Ok(Some(length(object.len()))),
        ("isempty", []) => return Ok(Some(Value::Bool(object.is_empty()))),
        ("keyset" | "values" | "entryset", []) | ("containsvalue" | "equals", [_]) => {}
        _ => return Ok(None),
    }
    let map: Map = value.as_map()?.unwrap_or_default();
    session.charge(map.len())?;
    Ok(Some(match (name, arguments) {
        ("keyset", _) => Value::from(map.key_values()),
        ("values", _) => map.iter().map(|(_, value)| value.clone()).collect(),
        ("containsvalue", [wanted]) => Value::Bool(map.iter().any(|(_, value)| value == wanted)),
        ("equals", [other]) => Value::Bool(value == other),
        _ => {
            let values = map.iter().map(|(_, value)| value.clone());
            let entries = map.key_values().into_iter().zip(values);
            entries
                .map(|(key, value)| Value::Entry(Arc::new(Entry { key, value })))
                .collect()
        }
    }))
}

fn entry_method(value: &Value, name: &str, arguments: &[Value]) -> Option<Value> {
    let Value::Entry(entry) = value else {
        return None;
    };
    match (name, arguments) {
        ("getkey", []) => Some(entry.key.clone()),
        ("getvalue", []) => Some(entry.value.clone()),
        _ => None,
    }
}

fn number_method(value: &Value, name: &str, arguments: &[Value]) -> Option<Value> {
    let number = value.as_number()?;
    if !arguments.is_empty() {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Java cuts to 32 bits, and rounds to floats"
    )]
    Some(match name {
        "intvalue" => Value::Int32(match number {
            Number::F32(value) => value as i32,
            Number::Float(value) => value as i32,
            number => number.to_i64() as i32,
        }),
        "longvalue" => Value::Int(number.to_i64()),
        "doublevalue" => Value::Float(number.to_f64()),
        "floatvalue" => Value::F32(number.to_f64() as f32),
        "isnan" if !number.is_integer() => Value::Bool(number.to_f64().is_nan()),
        "isinfinite" if !number.is_integer() => Value::Bool(number.to_f64().is_infinite()),
        _ => return None,
    })
}
