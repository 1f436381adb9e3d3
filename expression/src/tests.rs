//! Tests: `x is …`.

use crate::evaluate::Call;
use crate::table::{Doc, Parameters, Test};
use crate::value::Kind;
use crate::{Error, Value};

/// All tests.
pub(crate) const TESTS: &[Test] = &[
    Test {
        name: "null",
        parameters: Parameters::None,
        doc: Doc {
            signature: "is null",
            text: "Whether it is null.",
            example: "{{ null is null }}",
            result: "true",
        },
        run: |_, input| Ok(input.is_null()),
    },
    Test {
        name: "defined",
        parameters: Parameters::None,
        doc: Doc {
            signature: "is defined",
            text: "Whether it exists and is not null; the only test that may look at something undefined.",
            example: "{{ nothing.here is defined }} {{ user.name is defined }}",
            result: "false true",
        },
        run: |_, input| Ok(!input.is_null()),
    },
    Test {
        name: "empty",
        parameters: Parameters::None,
        doc: Doc {
            signature: "is empty",
            text: "Whether it is null, a blank text, or an empty list or map.",
            example: "{{ ' ' is empty }} {{ [1] is empty }}",
            result: "true false",
        },
        run: |_, input| Ok(is_empty(&input)),
    },
    Test {
        name: "even",
        parameters: Parameters::None,
        doc: Doc {
            signature: "is even",
            text: "Whether an integer is even.",
            example: "{{ 2 is even }}",
            result: "true",
        },
        run: |_, input| Ok(integer(&input, "even")? % 2 == 0),
    },
    Test {
        name: "odd",
        parameters: Parameters::None,
        doc: Doc {
            signature: "is odd",
            text: "Whether an integer is odd.",
            example: "{{ 3 is odd }}",
            result: "true",
        },
        run: |_, input| Ok(integer(&input, "odd")? % 2 != 0),
    },
    Test {
        name: "iterable",
        parameters: Parameters::None,
        doc: Doc {
            signature: "is iterable",
            text: "Whether it is a list.",
            example: "{{ [] is iterable }} {{ user is iterable }}",
            result: "true false",
        },
        run: |_, input| Ok(input.kind() == Kind::List),
    },
    Test {
        name: "map",
        parameters: Parameters::None,
        doc: Doc {
            signature: "is map",
            text: "Whether it is a map.",
            example: "{{ user is map }}",
            result: "true",
        },
        run: |_, input| Ok(input.kind() == Kind::Map),
    },
    Test {
        name: "json",
        parameters: Parameters::None,
        doc: Doc {
            signature: "is json",
            text: "Whether a text is JSON.",
            example: "{{ '[1]' is json }} {{ 'x y' is json }}",
            result: "true false",
        },
        run: is_json,
    },
];

/// Whether something is null, a blank text, or an empty list or map.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value.kind() {
        Kind::Null => true,
        Kind::Str => value
            .as_str()
            .is_some_and(|text| text.trim_matches(|unit| unit <= ' ').is_empty()),
        Kind::List => value.as_list().is_some_and(|items| items.is_empty()),
        Kind::Map => value.as_object().is_some_and(|object| object.is_empty()),
        _ => false,
    }
}

fn integer(value: &Value, test: &str) -> Result<i64, Error> {
    if value.is_null() {
        return Err(Error::evaluation(format!(
            "Can not pass null value to \"{test}\" test."
        )));
    }
    value
        .as_int()
        .ok_or_else(|| crate::filters::wrong_class(value, "java.lang.Long"))
}

fn is_json(call: &mut Call<'_, '_>, input: Value) -> Result<bool, Error> {
    let Some(text) = input.as_str() else {
        return Err(crate::filters::wrong_class(&input, "java.lang.String"));
    };
    if text.trim().is_empty() {
        return Ok(true);
    }
    Ok(crate::formats::json_read::read_first(text, call.session().limits().value_depth).is_ok())
}
