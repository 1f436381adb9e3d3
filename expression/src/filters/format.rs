//! Filters that write and query formats.

use super::{java_text, wrong_class};
use crate::evaluate::Call;
use crate::formats::{ion_write, json_write, yaml_write};
use crate::jq;
use crate::table::{Doc, Filter, Parameters};
use crate::{Error, Value};

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "toJson",
        parameters: Parameters::None,
        doc: Doc {
            signature: "toJson",
            text: "The value as compact JSON, without null entries of maps.",
            example: "{{ 'a \"b\"' | toJson }} {{ user | toJson }}",
            result: "\"a \\\"b\\\"\" {\"name\":\"Ada\",\"age\":36}",
        },
        run: to_json,
    },
    Filter {
        name: "json",
        parameters: Parameters::None,
        doc: Doc {
            signature: "json",
            text: "Another name of `toJson`; gone in Kestra 2.0.",
            example: "{{ [1, 'a'] | json }}",
            result: "[1,\"a\"]",
        },
        run: to_json,
    },
    Filter {
        name: "toIon",
        parameters: Parameters::None,
        doc: Doc {
            signature: "toIon",
            text: "The value as compact Amazon Ion text.",
            example: "{{ {'a': 1.5} | toIon }}",
            result: "{a:1.5e0}",
        },
        run: |call, input| {
            let mut text = call.session().text();
            ion_write::write(&input, &mut text)?;
            Ok(Value::from(text.into_string()))
        },
    },
    Filter {
        name: "yaml",
        parameters: Parameters::None,
        doc: Doc {
            signature: "yaml",
            text: "The value as YAML, with a line break at its end.",
            example: "{{ user | yaml }}",
            result: "name: Ada\nage: 36\n",
        },
        run: |call, input| {
            if input.is_null() {
                return Ok(Value::from("null"));
            }
            let mut text = call.session().text();
            yaml_write::write(&input, &mut text)?;
            Ok(Value::from(text.into_string()))
        },
    },
    Filter {
        name: "jq",
        parameters: Parameters::Names(&["expression"]),
        doc: Doc {
            signature: "jq(expression)",
            text: "All outputs of a jq program, always as a list. A text is read as JSON first.",
            example: "{{ users | jq('.[] | select(.age > 30) | .name') }} {{ '{\"a\": [1, 2]}' | jq('.a[1]') | first }}",
            result: "[\"Ada\"] 2",
        },
        run: jq_filter,
    },
];

fn to_json(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    let mut text = call.session().text();
    json_write::write(&input, &mut text)?;
    Ok(Value::from(text.into_string()))
}

fn jq_filter(call: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let expression = call.require(0, "The 'jq' filter expects an argument 'expression'.")?;
    let program = expression
        .as_str()
        .ok_or_else(|| wrong_class(expression, "java.lang.String"))?
        .to_owned();
    jq::run(call.session(), &program, &input).map_err(|cause| {
        if cause.is_final() {
            return cause;
        }
        let shown = java_text(call, &input).unwrap_or_default();
        let class = crate::java::class_name::of(&input);
        Error::evaluation(format!(
            "Unable to parse jq value '{shown}' with type '{class}'"
        ))
        .caused_by(&cause)
    })
}
