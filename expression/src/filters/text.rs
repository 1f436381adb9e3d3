//! Filters on texts.

use std::sync::Arc;

use super::{java_text, text_input, wrong_class};
use crate::evaluate::Call;
use crate::java::{string_format, utf16};
use crate::table::{Doc, Filter, Parameters};
use crate::value::{Kind, MapBuilder};
use crate::{Error, Value};

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "abbreviate",
        parameters: Parameters::Names(&["length"]),
        doc: Doc {
            signature: "abbreviate(length)",
            text: "Cuts a text to `length` characters, the last three being dots. A text of exactly that length is cut too.",
            example: "{{ 'a long sentence' | abbreviate(9) }}",
            result: "a long...",
        },
        run: abbreviate,
    },
    Filter {
        name: "capitalize",
        parameters: Parameters::None,
        doc: Doc {
            signature: "capitalize",
            text: "Makes the first letter a capital one.",
            example: "{{ 'hello world' | capitalize }}",
            result: "Hello world",
        },
        run: |_, input| Ok(text_input(&input)?.map(capitalize).into()),
    },
    Filter {
        name: "title",
        parameters: Parameters::None,
        doc: Doc {
            signature: "title",
            text: "Makes the first letter of each word a capital one.",
            example: "{{ 'hello world' | title }}",
            result: "Hello World",
        },
        run: |_, input| Ok(text_input(&input)?.map(title).into()),
    },
    Filter {
        name: "lower",
        parameters: Parameters::None,
        doc: Doc {
            signature: "lower",
            text: "Makes all letters small ones.",
            example: "{{ 'AbC' | lower }}",
            result: "abc",
        },
        run: |call, input| of_text(call, &input, |text| text.to_lowercase()),
    },
    Filter {
        name: "upper",
        parameters: Parameters::None,
        doc: Doc {
            signature: "upper",
            text: "Makes all letters capital ones.",
            example: "{{ 'AbC' | upper }}",
            result: "ABC",
        },
        run: |call, input| of_text(call, &input, |text| text.to_uppercase()),
    },
    Filter {
        name: "trim",
        parameters: Parameters::None,
        doc: Doc {
            signature: "trim",
            text: "Takes blanks, tabs and line breaks off both ends.",
            example: "[{{ '  a b ' | trim }}]",
            result: "[a b]",
        },
        run: |_, input| {
            Ok(text_input(&input)?
                .map(|text| text.trim_matches(|unit| unit <= ' '))
                .into())
        },
    },
    Filter {
        name: "nl2br",
        parameters: Parameters::None,
        doc: Doc {
            signature: "nl2br",
            text: "Turns line breaks into `<br />`.",
            example: "{{ lines | nl2br }}",
            result: "one<br />two",
        },
        run: nl2br,
    },
    Filter {
        name: "format",
        parameters: Parameters::Variadic,
        doc: Doc {
            signature: "format(arguments…)",
            text: "Fills a text in the manner of Java's `String.format`.",
            example: "{{ '%05d %.2f %s' | format(7, 3.14159, 'x') }}",
            result: "00007 3.14 x",
        },
        run: format,
    },
    Filter {
        name: "startsWith",
        parameters: Parameters::Names(&["value"]),
        doc: Doc {
            signature: "startsWith(value)",
            text: "Whether the text begins with another.",
            example: "{{ 'flowmill' | startsWith('flow') }}",
            result: "true",
        },
        run: |call, input| affix(call, &input, |text, value| text.starts_with(value)),
    },
    Filter {
        name: "endsWith",
        parameters: Parameters::Names(&["value"]),
        doc: Doc {
            signature: "endsWith(value)",
            text: "Whether the text ends with another.",
            example: "{{ 'report.csv' | endsWith('.csv') }}",
            result: "true",
        },
        run: |call, input| affix(call, &input, |text, value| text.ends_with(value)),
    },
    Filter {
        name: "substringBefore",
        parameters: Parameters::Names(&["separator"]),
        doc: Doc {
            signature: "substringBefore(separator)",
            text: "The part before the first separator; the whole text if there is none.",
            example: "{{ 'a.b.c' | substringBefore('.') }}",
            result: "a",
        },
        run: |call, input| {
            substring(call, &input, "substringBefore", |text, separator| {
                text.find(separator).map_or(text, |at| &text[..at])
            })
        },
    },
    Filter {
        name: "substringBeforeLast",
        parameters: Parameters::Names(&["separator"]),
        doc: Doc {
            signature: "substringBeforeLast(separator)",
            text: "The part before the last separator; the whole text if there is none.",
            example: "{{ 'a.b.c' | substringBeforeLast('.') }}",
            result: "a.b",
        },
        run: |call, input| {
            substring(
                call,
                &input,
                "substringBeforeLast",
                |text, separator| match text.rfind(separator) {
                    Some(at) if !separator.is_empty() => &text[..at],
                    _ => text,
                },
            )
        },
    },
    Filter {
        name: "substringAfter",
        parameters: Parameters::Names(&["separator"]),
        doc: Doc {
            signature: "substringAfter(separator)",
            text: "The part after the first separator; nothing if there is none.",
            example: "{{ 'a.b.c' | substringAfter('.') }}",
            result: "b.c",
        },
        run: |call, input| {
            substring(call, &input, "substringAfter", |text, separator| {
                text.find(separator)
                    .map_or("", |at| &text[at + separator.len()..])
            })
        },
    },
    Filter {
        name: "substringAfterLast",
        parameters: Parameters::Names(&["separator"]),
        doc: Doc {
            signature: "substringAfterLast(separator)",
            text: "The part after the last separator; nothing if there is none.",
            example: "{{ 'a.b.c' | substringAfterLast('.') }}",
            result: "c",
        },
        run: |call, input| {
            substring(
                call,
                &input,
                "substringAfterLast",
                |text, separator| match text.rfind(separator) {
                    Some(at) if !separator.is_empty() => &text[at + separator.len()..],
                    _ => "",
                },
            )
        },
    },
    Filter {
        name: "replace",
        parameters: Parameters::Names(&["replace_pairs", "regexp"]),
        doc: Doc {
            signature: "replace(replace_pairs, regexp=false)",
            text: "Replaces every key of a map by its value; with `regexp` the keys are regular expressions. \
                   In lists and maps each part is replaced.",
            example: "{{ 'I like %this%.' | replace({'%this%': 'tea'}) }} {{ 'a1' | replace({'(\\d)': '<$1>'}, regexp=true) }}",
            result: "I like tea. a<1>",
        },
        run: replace,
    },
    Filter {
        name: "escapeChar",
        parameters: Parameters::Names(&["type"]),
        doc: Doc {
            signature: "escapeChar(type)",
            text: "Escapes quotes: `single`, `double`, or `shell` for a single-quoted word of a shell. \
                   In lists and maps each part is escaped.",
            example: "echo '{{ \"it's\" | escapeChar('shell') }}'",
            result: "echo 'it'\\''s'",
        },
        run: escape_char,
    },
    Filter {
        name: "indent",
        parameters: Parameters::Names(&["amount", "prefix"]),
        doc: Doc {
            signature: "indent(amount, prefix=' ')",
            text: "Puts the prefix, `amount` times, in front of every line but the first.",
            example: "{{ lines | indent(2) }}",
            result: "one\n  two",
        },
        run: |call, input| indent(call, &input, "indent"),
    },
    Filter {
        name: "nindent",
        parameters: Parameters::Names(&["amount", "prefix"]),
        doc: Doc {
            signature: "nindent(amount, prefix=' ')",
            text: "A line break, and then every line indented.",
            example: "key:{{ lines | nindent(2) }}",
            result: "key:\n  one\n  two",
        },
        run: |call, input| indent(call, &input, "nindent"),
    },
    Filter {
        name: "slugify",
        parameters: Parameters::None,
        doc: Doc {
            signature: "slugify",
            text: "Small letters, digits and dashes only: for names of files and addresses.",
            example: "{{ 'Été à Paris!' | slugify }}",
            result: "ete-a-paris",
        },
        run: |call, input| of_text(call, &input, slugify),
    },
];

/// Applies a function to the text of any value but null.
fn of_text(
    call: &Call<'_, '_>,
    input: &Value,
    apply: impl Fn(&str) -> String,
) -> Result<Value, Error> {
    match input {
        Value::Null => Ok(Value::Null),
        Value::Str(text) => Ok(Value::from(apply(text))),
        other => Ok(Value::from(apply(&java_text(call, other)?))),
    }
}

fn abbreviate(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    let Some(text) = text_input(&input)? else {
        return Ok(Value::Null);
    };
    let width = call.require(0, "the `abbreviate` filter expects an argument `length`")?;
    let width = width
        .as_int()
        .ok_or_else(|| wrong_class(width, "java.lang.Long"))?;
    let Ok(width) = usize::try_from(width) else {
        return Err(Error::evaluation(
            "Invalid argument to abbreviate filter; must be greater than zero",
        ));
    };
    let length = utf16::length(text);
    Ok(match () {
        () if length < width || length <= 3 => input,
        () if width <= 3 => Value::from(utf16::slice(text, 0, width)),
        () => Value::from(utf16::slice(text, 0, width - 3) + "..."),
    })
}

/// The letter as a capital, where that is a single character.
fn title_case(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => letter,
    }
}

fn capitalize(text: &str) -> String {
    let mut done = false;
    text.chars()
        .map(|unit| {
            if done || unit.is_whitespace() {
                return unit;
            }
            done = true;
            title_case(unit)
        })
        .collect()
}

fn title(text: &str) -> String {
    let mut at_start = true;
    text.chars()
        .map(|unit| {
            let result = if at_start { title_case(unit) } else { unit };
            at_start = unit.is_whitespace();
            result
        })
        .collect()
}

fn nl2br(_: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    match &input {
        Value::Null => Ok(Value::Null),
        Value::Str(text) => Ok(Value::from(
            text.replace("\r\n", "\n").replace('\n', "<br />"),
        )),
        _ => Err(Error::evaluation(
            "nl2br filters only supports String input.",
        )),
    }
}

fn format(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let pattern = java_text(call, &input)?;
    let arguments: Vec<Value> = call.all().cloned().collect();
    let mut text = call.session().text();
    string_format::format(
        &pattern,
        &arguments,
        &call.session().shared.options.locale,
        &mut text,
    )?;
    Ok(Value::from(text.into_string()))
}

fn affix(
    call: &mut Call<'_, '_>,
    input: &Value,
    holds: fn(&str, &str) -> bool,
) -> Result<Value, Error> {
    // Null has neither beginning nor end, whatever is asked.
    if input.is_null() {
        return Ok(Value::Bool(false));
    }
    let value = java_text(call, call.require(0, "The argument 'value' is required.")?)?;
    Ok(Value::Bool(holds(&java_text(call, input)?, &value)))
}

fn substring(
    call: &mut Call<'_, '_>,
    input: &Value,
    name: &str,
    part: for<'t> fn(&'t str, &str) -> &'t str,
) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let text = java_text(call, input)?;
    match call.given(0) {
        None => Err(Error::evaluation(format!(
            "The '{name}' filter expects an argument 'separator'."
        ))),
        // Null separates nothing: it is all before it, and nothing is after it.
        Some(Value::Null) if name.starts_with("substringBefore") => Ok(Value::from(text)),
        Some(Value::Null) => Ok(Value::from("")),
        Some(separator) => Ok(Value::from(part(&text, &java_text(call, separator)?))),
    }
}

// === replace and escapeChar ===

fn replace(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let pairs = call.require(0, "The argument 'replace_pairs' is required.")?;
    let pairs = pairs
        .as_map()?
        .ok_or_else(|| wrong_class(pairs, "java.util.Map"))?;
    let pairs = pairs
        .iter()
        .map(|(from, to)| match to {
            Value::Null => Err(Error::evaluation(format!(
                "the replacement of `{from}` is null"
            ))),
            Value::Str(to) => Ok((Arc::clone(from), Arc::clone(to))),
            to => Ok((Arc::clone(from), java_text(call, to)?.into())),
        })
        .collect::<Result<Vec<(Arc<str>, Arc<str>)>, Error>>()?;
    let by_regex = call.get(1).is_some_and(crate::evaluate::is_true);
    each_leaf(call, &input, &|leaf| {
        let mut text = java_text(call, leaf)?;
        for (from, to) in &pairs {
            call.session().charge(1 + text.len() / 16)?;
            text = if by_regex {
                let replaced = crate::java::regex::replace_all(call.session(), &text, from, to)?;
                replaced.as_str().unwrap_or_default().to_owned()
            } else {
                let mut output = call.session().text();
                let mut copied = 0;
                for (at, found) in text.match_indices(&**from) {
                    output.push_str(&text[copied..at])?;
                    output.push_str(to)?;
                    copied = at + found.len();
                }
                output.push_str(&text[copied..])?;
                output.into_string()
            };
        }
        Ok(Value::from(text))
    })
}

fn escape_char(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let is_empty = match input.kind() {
        Kind::List => input.as_list().is_some_and(|items| items.is_empty()),
        Kind::Map => input.as_object().is_some_and(|object| object.is_empty()),
        _ => false,
    };
    if is_empty {
        return Ok(input);
    }
    let kind = call.require(0, "The 'escapeChar' filter expects an argument 'type'.")?;
    let (from, to) = match java_text(call, kind)?.to_lowercase().as_str() {
        "single" => ("'", "\\'"),
        "double" => ("\"", "\\\""),
        "shell" => ("'", "'\\''"),
        _ => {
            return Err(Error::evaluation(
                "The 'escapeChar' filter expects the value of 'type' to be either 'single', 'double', or 'shell'.",
            ));
        }
    };
    each_leaf(call, &input, &|leaf| {
        Ok(Value::from(java_text(call, leaf)?.replace(from, to)))
    })
}

/// Applies a function to every scalar of a value; null stays null. Maps come out in the order of Java's hash maps.
fn each_leaf(
    call: &Call<'_, '_>,
    value: &Value,
    apply: &dyn Fn(&Value) -> Result<Value, Error>,
) -> Result<Value, Error> {
    call.session().step()?;
    match value.kind() {
        Kind::Null => Ok(Value::Null),
        Kind::List => {
            let items = value.as_list().unwrap_or_default();
            items
                .iter()
                .map(|item| each_leaf(call, item, apply))
                .collect::<Result<Vec<Value>, Error>>()
                .map(Value::from)
        }
        Kind::Map => {
            let map = value.as_map()?.unwrap_or_default();
            let entries = map.iter().map(|(key, value)| {
                Ok((
                    std::sync::Arc::clone(key),
                    Value::Str(std::sync::Arc::clone(key)),
                    each_leaf(call, value, apply)?,
                ))
            });
            let entries = entries.collect::<Result<Vec<_>, Error>>()?;
            let capacity = crate::java::hash_order::capacity_grown(entries.len());
            let mut result = MapBuilder::with_capacity(entries.len());
            for (key, _, value) in crate::java::hash_order::order(entries, capacity) {
                result.insert(key, value);
            }
            Ok(Value::Map(result.build()))
        }
        _ => apply(value),
    }
}

// === indent ===

fn indent(call: &mut Call<'_, '_>, input: &Value, name: &str) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    if input.as_str() == Some("") {
        return Ok(Value::from(""));
    }
    let amount = call
        .get(0)
        .and_then(Value::as_number)
        .filter(crate::value::Number::is_integer);
    let Some(amount) = amount else {
        let message = format!("The '{name}' filter expects an integer as argument 'amount'.");
        return Err(Error::evaluation(message));
    };
    let Ok(amount) = usize::try_from(amount.to_i64()) else {
        let message =
            format!("The '{name}' filter expects a positive integer >=0 as argument 'amount'.");
        return Err(Error::evaluation(message));
    };
    let prefix = match call.get(1) {
        Some(prefix) => java_text(call, prefix)?,
        None => " ".to_owned(),
    };
    let text = java_text(call, input)?;
    if text.is_empty() {
        return Ok(Value::from(""));
    }
    let line_break = ["\r\n", "\n\r", "\n", "\r"]
        .into_iter()
        .find(|unit| text.contains(unit))
        .unwrap_or("\n");
    let mut output = call.session().text();
    for (index, line) in text.split(line_break).enumerate() {
        if index > 0 || name == "nindent" {
            output.push_str(line_break)?;
            output.push_repeated(&prefix, amount)?;
        }
        output.push_str(line)?;
    }
    Ok(Value::from(output.into_string()))
}

// === slugify ===

fn slugify(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for unit in text.chars().flat_map(crate::java::accents::without) {
        let unit = match unit {
            'a'..='z' | 'A'..='Z' | '0'..='9' => unit.to_ascii_lowercase(),
            '-' | '_' => '-',
            unit if unit.is_whitespace() => '-',
            _ => continue,
        };
        if unit != '-' || !slug.ends_with('-') {
            slug.push(unit);
        }
    }
    slug.trim_matches('-').to_owned()
}
