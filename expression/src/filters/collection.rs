//! Filters on lists and maps.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{java_text, wrong_class};
use crate::evaluate::{Call, compare_values};
use crate::java::{class_name, hash_order, utf16};
use crate::table::{Doc, Filter, Parameters};
use crate::value::{Entry, Kind, List, Map};
use crate::{Error, Value};

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "first",
        parameters: Parameters::None,
        doc: Doc {
            signature: "first",
            text: "The first element of a list, or the first character of a text; null for an empty list.",
            example: "{{ [1, 2, 3] | first }}",
            result: "1",
        },
        run: |_, input| {
            end(
                &input,
                |items| items.first().cloned(),
                |length| 0..length.min(1),
            )
        },
    },
    Filter {
        name: "last",
        parameters: Parameters::None,
        doc: Doc {
            signature: "last",
            text: "The last element of a list, or the last character of a text; null for an empty list.",
            example: "{{ [1, 2, 3] | last }}",
            result: "3",
        },
        run: |_, input| {
            end(
                &input,
                |items| items.last().cloned(),
                |length| length.saturating_sub(1)..length,
            )
        },
    },
    Filter {
        name: "join",
        parameters: Parameters::Names(&["separator"]),
        doc: Doc {
            signature: "join(separator='')",
            text: "The elements of a list as one text.",
            example: "{{ ['a', 'b'] | join(', ') }}",
            result: "a, b",
        },
        run: join,
    },
    Filter {
        name: "length",
        parameters: Parameters::None,
        doc: Doc {
            signature: "length",
            text: "The number of characters, elements or entries; 0 for anything else.",
            example: "{{ 'abc' | length }} {{ [1, 2] | length }}",
            result: "3 2",
        },
        run: |_, input| {
            let length = match input.kind() {
                Kind::Str => utf16::length(input.as_str().unwrap_or_default()),
                Kind::List => input.as_list().map_or(0, |items| items.len()),
                Kind::Map => input.as_object().map_or(0, |object| object.len()),
                _ => 0,
            };
            Ok(Value::from(length))
        },
    },
    Filter {
        name: "merge",
        parameters: Parameters::Names(&["items"]),
        doc: Doc {
            signature: "merge(items)",
            text: "Two lists or two maps made one; of equal keys the second wins.",
            example: "{{ [1, 2] | merge([3]) }} {{ {'a': 1} | merge({'a': 2}) }}",
            result: "[1,2,3] {\"a\":2}",
        },
        run: merge,
    },
    Filter {
        name: "reverse",
        parameters: Parameters::None,
        doc: Doc {
            signature: "reverse",
            text: "A list from its end to its beginning.",
            example: "{{ [1, 2, 3] | reverse }}",
            result: "[3,2,1]",
        },
        run: |call, input| {
            let Some(items) = list_input(call, &input)? else {
                return Ok(Value::Null);
            };
            Ok(items.iter().rev().cloned().collect())
        },
    },
    Filter {
        name: "sort",
        parameters: Parameters::None,
        doc: Doc {
            signature: "sort",
            text: "A list of numbers or of texts in rising order.",
            example: "{{ [3, 1, 2] | sort }}",
            result: "[1,2,3]",
        },
        run: |call, input| sort(call, &input, |ordering| ordering),
    },
    Filter {
        name: "rsort",
        parameters: Parameters::None,
        doc: Doc {
            signature: "rsort",
            text: "A list of numbers or of texts in falling order.",
            example: "{{ [3, 1, 2] | rsort }}",
            result: "[3,2,1]",
        },
        run: |call, input| sort(call, &input, Ordering::reverse),
    },
    Filter {
        name: "slice",
        parameters: Parameters::Names(&["fromIndex", "toIndex"]),
        doc: Doc {
            signature: "slice(fromIndex=0, toIndex=length)",
            text: "A part of a list or a text; the end is not included.",
            example: "{{ 'flowmill' | slice(0, 4) }} {{ [1, 2, 3] | slice(1) }}",
            result: "flow [2,3]",
        },
        run: slice,
    },
    Filter {
        name: "chunk",
        parameters: Parameters::Names(&["size"]),
        doc: Doc {
            signature: "chunk(size)",
            text: "A list cut into lists of `size` elements.",
            example: "{{ [1, 2, 3, 4, 5] | chunk(2) }}",
            result: "[[1,2],[3,4],[5]]",
        },
        run: chunk,
    },
    Filter {
        name: "distinct",
        parameters: Parameters::None,
        doc: Doc {
            signature: "distinct",
            text: "A list without repeats; the first of equal elements stays.",
            example: "{{ [1, 2, 1] | distinct }}",
            result: "[1,2]",
        },
        run: distinct,
    },
    Filter {
        name: "flatten",
        parameters: Parameters::None,
        doc: Doc {
            signature: "flatten",
            text: "The elements of the lists in a list, one level deep.",
            example: "{{ [1, [2, [3]]] | flatten }}",
            result: "[1,2,[3]]",
        },
        run: flatten,
    },
    Filter {
        name: "keys",
        parameters: Parameters::None,
        doc: Doc {
            signature: "keys",
            text: "The keys of a map, or the indexes of a list.",
            example: "{{ user | keys }}",
            result: "[\"name\",\"age\"]",
        },
        run: keys,
    },
    Filter {
        name: "values",
        parameters: Parameters::None,
        doc: Doc {
            signature: "values",
            text: "The values of a map.",
            example: "{{ user | values }}",
            result: "[\"Ada\",36]",
        },
        run: |call, input| match input.kind() {
            Kind::Null => Ok(Value::Null),
            Kind::Map => {
                let map = map_of(call, &input)?;
                Ok(map.iter().map(|(_, value)| value.clone()).collect())
            }
            _ => Err(crate::evaluate::forbid_text(
                &input,
                "'values' filter can only be applied to Map.",
            )),
        },
    },
];

/// The elements of an input that must be a list; `None` for null.
fn list_input(call: &Call<'_, '_>, input: &Value) -> Result<Option<List>, Error> {
    if input.is_null() {
        return Ok(None);
    }
    let items = input
        .as_list()
        .ok_or_else(|| wrong_class(input, "java.util.List"))?;
    call.session().charge(items.len())?;
    Ok(Some(items))
}

fn map_of(call: &Call<'_, '_>, input: &Value) -> Result<Map, Error> {
    let map = input.as_map()?.unwrap_or_default();
    call.session().charge(map.len())?;
    Ok(map)
}

fn end(
    input: &Value,
    item: fn(&[Value]) -> Option<Value>,
    units: fn(usize) -> std::ops::Range<usize>,
) -> Result<Value, Error> {
    match input.kind() {
        Kind::Null => Ok(Value::Null),
        Kind::Str => {
            let text = input.as_str().unwrap_or_default();
            let range = units(utf16::length(text));
            if range.is_empty() {
                return Err(Error::evaluation("an empty text has no characters"));
            }
            Ok(Value::from(utf16::slice(text, range.start, range.end)))
        }
        Kind::List => Ok(input
            .as_list()
            .and_then(|items| item(&items))
            .unwrap_or_default()),
        _ => Err(wrong_class(input, "java.util.Collection")),
    }
}

fn join(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let Some(items) = input.as_list() else {
        return Err(Error::evaluation(
            "The 'join' filter expects that the input is either a collection or an array.",
        ));
    };
    call.session().charge(items.len())?;
    let separator = match call.get(0) {
        None => "",
        Some(separator) => separator
            .as_str()
            .ok_or_else(|| wrong_class(separator, "java.lang.String"))?,
    };
    let mut text = call.session().text();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push_str(separator)?;
        }
        crate::formats::java_text::write(item, &mut text)?;
    }
    Ok(Value::from(text.into_string()))
}

// === merge ===

fn merge(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    let items = call.given(0).cloned().unwrap_or_default();
    match (input.kind(), items.kind()) {
        (Kind::Null, Kind::Null) => {
            Err(Error::evaluation("The two arguments to be merged are null"))
        }
        (Kind::Null, _) => Ok(items),
        (_, Kind::Null) => Ok(input),
        (Kind::Map, _) => merge_map(call, &input, &items),
        (Kind::List, Kind::List | Kind::Map) => {
            let mut merged = input.as_list().unwrap_or_default().into_vec();
            if let Some(others) = items.as_list() {
                merged.extend(others.into_vec());
            } else {
                let map = map_of(call, &items)?;
                let values = map.iter().map(|(_, value)| value.clone());
                let entries = map.key_values().into_iter().zip(values);
                merged.extend(
                    entries.map(|(key, value)| Value::Entry(Arc::new(Entry { key, value }))),
                );
            }
            call.session().charge(merged.len())?;
            Ok(Value::from(merged))
        }
        (Kind::List, _) => Err(Error::evaluation(format!(
            "Currently, only Maps and Lists can be merged with a List. Arg2: {}",
            class_name::of(&items)
        ))),
        _ => Err(Error::evaluation(format!(
            "The object being filtered is not a Map/List/Array. Actual type was: {}",
            class_name::of(&input)
        ))),
    }
}

fn merge_map(call: &Call<'_, '_>, input: &Value, items: &Value) -> Result<Value, Error> {
    let left = map_of(call, input)?;
    let mut entries = entries_of(&left);
    let added = match items.kind() {
        Kind::Map => entries_of(&map_of(call, items)?),
        Kind::List => {
            let items = list_input(call, items)?.unwrap_or_default();
            let pairs = items
                .iter()
                .map(|item| Ok((java_text(call, item)?.into(), item.clone(), item.clone())));
            pairs.collect::<Result<Vec<_>, Error>>()?
        }
        _ => {
            return Err(Error::evaluation(format!(
                "Currently, only Maps and Lists can be merged with a Map. Arg2: {}",
                class_name::of(items)
            )));
        }
    };
    let capacity = left.len() + added.len() + 16;
    entries.extend(added);
    let capacity = hash_order::capacity_from(capacity, entries.len());
    Ok(Value::Map(Map::with_keys(hash_order::order(
        entries, capacity,
    ))))
}

fn entries_of(map: &Map) -> Vec<(Arc<str>, Value, Value)> {
    let keys = map.key_values();
    map.iter()
        .zip(keys)
        .map(|((text, value), key)| (Arc::clone(text), key, value.clone()))
        .collect()
}

// === Order and parts ===

fn sort(
    call: &mut Call<'_, '_>,
    input: &Value,
    direction: fn(Ordering) -> Ordering,
) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let Some(items) = input.as_list() else {
        let class = class_name::of(input);
        return Err(Error::evaluation(format!(
            "Unsupported input type for sort filter. Actual type was: {class}"
        )));
    };
    call.session().charge(
        items
            .len()
            .saturating_mul(items.len().max(2).ilog2() as usize),
    )?;
    let comparable = items
        .windows(2)
        .all(|pair| compare_values(&pair[0], &pair[1]).is_some());
    if !comparable {
        return Err(Error::evaluation(
            "the elements of the list cannot be compared with one another",
        ));
    }
    let mut sorted = items.into_vec();
    sorted.sort_by(|left, right| direction(compare_values(left, right).unwrap_or(Ordering::Equal)));
    Ok(Value::from(sorted))
}

fn slice(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let argument = |index: usize, name: &str| match call.get(index) {
        None => Ok(None),
        Some(value) => match value.as_number() {
            Some(number) => Ok(Some(number.to_i64())),
            None => Err(Error::evaluation(format!(
                "Argument {name} must be a number. Actual type: {}",
                class_name::of(value)
            ))),
        },
    };
    let from = argument(0, "fromIndex")?.unwrap_or(0);
    let to = argument(1, "toIndex")?;
    if from < 0 {
        return Err(Error::evaluation("fromIndex must be greater than 0"));
    }
    let length = match input.kind() {
        Kind::Str => utf16::length(input.as_str().unwrap_or_default()),
        Kind::List => input.as_list().map_or(0, |items| items.len()),
        _ => {
            return Err(Error::evaluation(format!(
                "Slice filter can only be applied to String, List and array inputs. Actual type was: {}",
                class_name::of(&input)
            )));
        }
    };
    if to.is_some_and(|to| to <= from) {
        return Err(Error::evaluation("toIndex must be greater than fromIndex"));
    }
    if to.is_some_and(|to| to > i64::try_from(length).unwrap_or(i64::MAX)) {
        return Err(Error::evaluation(format!(
            "toIndex must be smaller than input size: {length}"
        )));
    }
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let to = to.and_then(|to| usize::try_from(to).ok()).unwrap_or(length);
    if from > to {
        return Err(Error::evaluation(format!(
            "fromIndex({from}) > toIndex({to})"
        )));
    }
    call.session().charge(to - from)?;
    match &input {
        Value::Str(text) => Ok(Value::from(utf16::slice(text, from, to))),
        list => Ok(list.as_list().unwrap_or_default()[from..to]
            .iter()
            .cloned()
            .collect()),
    }
}

fn chunk(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let size = call.require(0, "'chunk' filter expects an argument 'size'.")?;
    let size = size
        .as_int()
        .ok_or_else(|| wrong_class(size, "java.lang.Long"))?;
    let Some(items) = input.as_list() else {
        return Err(crate::evaluate::forbid_text(
            &input,
            "'chunk' filter can only be applied to List.",
        ));
    };
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        return Err(Error::evaluation(
            "the size of chunks must be greater than 0",
        ));
    };
    call.session().charge(items.len())?;
    Ok(items
        .chunks(size)
        .map(|chunk| Value::from(chunk.to_vec()))
        .collect())
}

fn distinct(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::from("null"));
    }
    let Some(items) = input.as_list() else {
        let class = class_name::of(&input);
        return Err(Error::evaluation(format!(
            "Input must be a list, but received : {class}"
        )));
    };
    // Equal elements have equal texts; only those of one text need to be compared.
    let mut seen: std::collections::HashMap<String, Vec<usize>> = std::collections::HashMap::new();
    let mut kept: Vec<Value> = Vec::new();
    for item in items.iter() {
        let text = java_text(call, item)?;
        call.session().charge(1 + text.len() / 16)?;
        let same_text = seen.entry(text).or_default();
        if !same_text.iter().any(|index| kept[*index] == *item) {
            same_text.push(kept.len());
            kept.push(item.clone());
        }
    }
    Ok(Value::from(kept))
}

fn flatten(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let Some(items) = input.as_list() else {
        return Err(Error::evaluation(
            "The 'flatten' filter can only be applied to lists.",
        ));
    };
    let mut flat = Vec::with_capacity(items.len());
    for item in items.iter() {
        match item.as_list() {
            Some(inner) => {
                call.session().charge(inner.len())?;
                flat.extend(inner.into_vec());
            }
            None => flat.push(item.clone()),
        }
    }
    call.session().charge(items.len())?;
    Ok(Value::from(flat))
}

fn keys(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    match input.kind() {
        Kind::Null => Ok(Value::Null),
        Kind::Map => match &input {
            // The values of a lazy map are not made for this.
            Value::Object(object) => {
                let keys = object.keys();
                call.session().charge(keys.len())?;
                Ok(keys.into_iter().map(Value::from).collect())
            }
            _ => Ok(Value::from(map_of(call, &input)?.key_values())),
        },
        Kind::List => {
            let length = list_input(call, &input)?.map_or(0, |items| items.len());
            Ok((0..length).collect())
        }
        _ => Err(crate::evaluate::forbid_text(
            &input,
            "'keys' filter can only be applied to List, Map, Array.",
        )),
    }
}
