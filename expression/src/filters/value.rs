//! Filters on anything.

use super::java_text;
use crate::java::class_name;
use crate::table::{Doc, Filter, Parameters};
use crate::{Value, tests};

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "default",
        parameters: Parameters::Names(&["default"]),
        doc: Doc {
            signature: "default(default)",
            text: "The argument in place of something undefined, null or empty (a blank text, an empty list or map).",
            example: "{{ nothing.here | default('none') }}",
            result: "none",
        },
        run: |call, input| {
            let replaced = tests::is_empty(&input);
            Ok(if replaced {
                call.given(0).cloned().unwrap_or_default()
            } else {
                input
            })
        },
    },
    Filter {
        name: "string",
        parameters: Parameters::None,
        doc: Doc {
            signature: "string",
            text: "The value as a text; null stays null.",
            example: "{{ [1, 2] | string }}",
            result: "[1, 2]",
        },
        run: |call, input| match input {
            Value::Null | Value::Str(_) => Ok(input),
            input => Ok(Value::from(java_text(call, &input)?)),
        },
    },
    Filter {
        name: "className",
        parameters: Parameters::None,
        doc: Doc {
            signature: "className",
            text: "The name of the Java class that the value has in Kestra.",
            example: "{{ 1 | className }} {{ 'a' | className }}",
            result: "java.lang.Long java.lang.String",
        },
        run: |_, input| {
            Ok(if input.is_null() {
                Value::Null
            } else {
                Value::from(class_name::of(&input))
            })
        },
    },
];
