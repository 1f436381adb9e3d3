//! Filters with regular expressions.

use super::{java_text, wrong_class};
use crate::evaluate::Call;
use crate::java::regex;
use crate::table::{Doc, Filter, Parameters};
use crate::{Error, Value};

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "regexMatch",
        parameters: Parameters::Names(&["regex"]),
        doc: Doc {
            signature: "regexMatch(regex)",
            text: "Whether the regular expression matches somewhere in the text.",
            example: "{{ 'order-123' | regexMatch('\\d+') }}",
            result: "true",
        },
        run: |call, input| {
            if input.is_null() {
                return Ok(Value::Bool(false));
            }
            let pattern = pattern(call)?;
            let text = java_text(call, &input)?;
            call.session().charge(text.len() / 16)?;
            Ok(Value::Bool(
                regex::compile(call.session(), &pattern)?
                    .find_at(&text, 0)?
                    .is_some(),
            ))
        },
    },
    Filter {
        name: "regexReplace",
        parameters: Parameters::Names(&["regex", "replacement"]),
        doc: Doc {
            signature: "regexReplace(regex, replacement)",
            text: "Replaces every match; `$1` stands for the first group.",
            example: "{{ 'a1b22' | regexReplace('(\\d+)', '[$1]') }}",
            result: "a[1]b[22]",
        },
        run: |call, input| {
            if input.is_null() {
                return Ok(Value::Null);
            }
            let pattern = pattern(call)?;
            let replacement = java_text(
                call,
                call.require(1, "The argument 'replacement' is required.")?,
            )?;
            regex::replace_all(
                call.session(),
                &java_text(call, &input)?,
                &pattern,
                &replacement,
            )
        },
    },
    Filter {
        name: "regexExtract",
        parameters: Parameters::Names(&["regex", "group"]),
        doc: Doc {
            signature: "regexExtract(regex, group=0)",
            text: "The first match, or one of its groups; null if nothing matches.",
            example: "{{ 'order-123' | regexExtract('order-(\\d+)', 1) }}",
            result: "123",
        },
        run: extract,
    },
    Filter {
        name: "split",
        parameters: Parameters::Names(&["delimiter", "limit"]),
        doc: Doc {
            signature: "split(delimiter, limit=0)",
            text: "Cuts a text at every match of a regular expression. A positive limit gives at most so many parts; \
                   without one trailing empty parts go, with a negative one they stay.",
            example: "{{ 'a,b,,' | split(',') }} {{ 'a,b,c' | split(',', 2) }}",
            result: "[\"a\",\"b\"] [\"a\",\"b,c\"]",
        },
        run: split,
    },
];

fn pattern(call: &Call<'_, '_>) -> Result<String, Error> {
    java_text(call, call.require(0, "The argument 'regex' is required.")?)
}

fn extract(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let pattern = pattern(call)?;
    let group = match call.get(1) {
        None => 0,
        Some(group) => match group.as_number() {
            Some(number) => number.to_i64(),
            None => java_text(call, group)?
                .parse()
                .map_err(|_| Error::evaluation("The argument 'group' must be an integer."))?,
        },
    };
    let regex = regex::compile(call.session(), &pattern)?;
    let text = java_text(call, &input)?;
    call.session().charge(text.len() / 16)?;
    // A group is asked for only where there is a match.
    let Some(groups) = regex.captures_at(&text, 0)? else {
        return Ok(Value::Null);
    };
    let Some(group) = usize::try_from(group)
        .ok()
        .filter(|group| *group <= regex.group_count())
    else {
        return Err(Error::evaluation(format!(
            "Group index {group} is out of bounds: the pattern has only {} capture group(s).",
            regex.group_count()
        )));
    };
    Ok(groups[group].map(|(start, end)| &text[start..end]).into())
}

fn split(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    let Some(text) = super::text_input(&input)? else {
        return Ok(Value::Null);
    };
    let delimiter = call.require(0, "missing delimiter parameter in split filter")?;
    let delimiter = delimiter
        .as_str()
        .ok_or_else(|| wrong_class(delimiter, "java.lang.String"))?
        .to_owned();
    let limit = match call.get(1) {
        None => 0,
        Some(limit) => limit
            .as_number()
            .ok_or_else(|| wrong_class(limit, "java.lang.Number"))?
            .to_i64(),
    };
    regex::split(call.session(), text, &delimiter, limit)
}
