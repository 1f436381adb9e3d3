//! Functions of the language itself.

use std::cmp::Ordering;

use crate::evaluate::{Call, operators};
use crate::filters::wrong_class;
use crate::table::{Doc, Function, Parameters};
use crate::{Error, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "max",
        parameters: Parameters::Variadic,
        doc: Doc {
            signature: "max(numbers…)",
            text: "The largest number; nulls are skipped.",
            example: "{{ max(5, 10, 3) }}",
            result: "10",
        },
        run: |call| extreme(call, Ordering::Greater),
    },
    Function {
        name: "min",
        parameters: Parameters::Variadic,
        doc: Doc {
            signature: "min(numbers…)",
            text: "The smallest number; nulls are skipped.",
            example: "{{ min(5, 10, 3) }}",
            result: "3",
        },
        run: |call| extreme(call, Ordering::Less),
    },
    Function {
        name: "range",
        parameters: Parameters::Names(&["start", "end", "increment"]),
        doc: Doc {
            signature: "range(start, end, increment=1)",
            text: "The numbers or letters from one to the other, both included. `start..end` is short for it.",
            example: "{{ range(1, 9, 3) }} {{ 'a'..'c' }}",
            result: "[1,4,7] [\"a\",\"b\",\"c\"]",
        },
        run: |call| {
            let argument = |index: usize| call.given(index).cloned().unwrap_or_default();
            operators::range(call.session(), &argument(0), &argument(1), call.get(2))
        },
    },
    Function {
        name: "block",
        parameters: Parameters::Names(&["name"]),
        doc: Doc {
            signature: "block(name)",
            text: "What a block prints, once more.",
            example: "{% block title %}Report{% endblock %} / {{ block('title') }}",
            result: "Report / Report",
        },
        run: block,
    },
    Function {
        name: "parent",
        parameters: Parameters::None,
        doc: Doc {
            signature: "parent()",
            text: "The block of the parent template. Templates have no parents here, so it always fails.",
            example: "",
            result: "",
        },
        run: |_| {
            let message =
                "Can not use parent function if template does not extend another template.";
            Err(Error::evaluation(message))
        },
    },
];

/// The argument that is the furthest in one direction; anything may stand alone.
fn extreme(call: &mut Call<'_, '_>, direction: Ordering) -> Result<Value, Error> {
    let mut best: Option<Value> = None;
    for value in call.all().filter(|value| !value.is_null()) {
        let Some(current) = &best else {
            best = Some(value.clone());
            continue;
        };
        let (Some(left), Some(right)) = (value.as_number(), current.as_number()) else {
            return Err(Error::evaluation(
                "invalid operands for mathematical comparison",
            ));
        };
        if left.compare(&right) == Some(direction) {
            best = Some(value.clone());
        }
    }
    Ok(best.unwrap_or_default())
}

fn block(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let name = call.require(0, "the `block` function expects an argument `name`")?;
    let name = name
        .as_str()
        .ok_or_else(|| wrong_class(name, "java.lang.String"))?
        .to_owned();
    call.evaluator.block(&name)
}
