//! Functions that read formats.

use crate::evaluate::Call;
use crate::formats::{ion_read, json_read, yaml_read};
use crate::table::{Doc, Function, Parameters};
use crate::{Error, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "fromJson",
        parameters: Parameters::Names(&["json"]),
        doc: Doc {
            signature: "fromJson(json)",
            text: "The value of a JSON text; what follows the first value is ignored.",
            example: "{{ fromJson('{\"a\": [1, 2]}').a[1] }}",
            result: "2",
        },
        run: from_json,
    },
    Function {
        name: "json",
        parameters: Parameters::Names(&["json"]),
        doc: Doc {
            signature: "json(json)",
            text: "Another name of `fromJson`; gone in Kestra 2.0.",
            example: "{{ json('[1, 2]') | last }}",
            result: "2",
        },
        run: from_json,
    },
    Function {
        name: "yaml",
        parameters: Parameters::Names(&["yaml"]),
        doc: Doc {
            signature: "yaml(yaml)",
            text: "The value of a YAML text; of several documents the first.",
            example: "{{ yaml('a: [1, 2]').a | last }}",
            result: "2",
        },
        run: |call| {
            let missing = "The 'yaml' function expects an argument 'yaml'.";
            let text = call.given(0).ok_or_else(|| Error::evaluation(missing))?;
            let Some(text) = text.as_str() else {
                return Err(Error::evaluation(
                    "The 'yaml' function expects an argument 'yaml' with type string.",
                ));
            };
            call.session().charge(text.len() / 16)?;
            yaml_read::read(text, call.session().limits().value_depth)
                .map_err(|problem| Error::evaluation(format!("Invalid yaml: {problem}")))
        },
    },
    Function {
        name: "fromIon",
        parameters: Parameters::Names(&["ion", "allRows"]),
        doc: Doc {
            signature: "fromIon(ion, allRows=false)",
            text: "The first value of an Amazon Ion text, or all of them as a list.",
            example: "{{ fromIon('{a:1}').a }} {{ fromIon('{a:1} {a:2}', allRows=true) }}",
            result: "1 [{\"a\":1},{\"a\":2}]",
        },
        run: from_ion,
    },
];

fn from_json(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let missing = "The 'fromJson' function expects an argument 'json'.";
    let text = match call.given(0).ok_or_else(|| Error::evaluation(missing))? {
        Value::Null => return Ok(Value::Null),
        Value::Str(text) => text,
        _ => {
            return Err(Error::evaluation(
                "The 'fromJson' function expects an argument 'json' with type string.",
            ));
        }
    };
    call.session().charge(text.len() / 16)?;
    json_read::read_first(text, call.session().limits().value_depth)
        .map_err(|problem| Error::evaluation(format!("Invalid json: {problem}")))
}

fn from_ion(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let missing = "The 'fromIon' function expects an argument 'ion'.";
    let text = match call.given(0).ok_or_else(|| Error::evaluation(missing))? {
        Value::Null => return Ok(Value::Null),
        Value::Str(text) => text,
        _ => {
            return Err(Error::evaluation(
                "The 'fromIon' function expects an argument 'ion' with type string.",
            ));
        }
    };
    call.session().charge(text.len() / 16)?;
    let values = ion_read::read(text, call.session().limits().value_depth)
        .map_err(|problem| Error::evaluation(format!("Invalid ion: {problem}")))?;
    if call.get(1).is_some_and(crate::evaluate::is_true) {
        return Ok(Value::from(values));
    }
    Ok(values.into_iter().next().unwrap_or_default())
}
