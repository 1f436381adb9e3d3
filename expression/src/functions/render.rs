//! Functions that render texts held in variables.

use std::sync::Arc;

use crate::evaluate::Call;
use crate::java::hash_order;
use crate::table::{Doc, Function, Parameters};
use crate::value::{Kind, Map, MapBuilder};
use crate::{Error, Value, render};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "render",
        parameters: Parameters::Names(&["toRender", "recursive"]),
        doc: Doc {
            signature: "render(toRender, recursive=true)",
            text: "Renders a text that holds expressions, again and again until it no longer changes; in lists and maps every \
                   text and every key.",
            example: "{{ vars.greeting }} -> {{ render(vars.greeting) }}",
            result: "Hello {{ user.name }} -> Hello Ada",
        },
        run: |call| {
            let recursive = match call.given(1) {
                None => true,
                Some(Value::Bool(recursive)) => *recursive,
                Some(_) => {
                    return Err(Error::evaluation(
                        "The 'render' function expects an optional argument 'recursive' with type boolean.",
                    ));
                }
            };
            run(call, recursive)
        },
    },
    Function {
        name: "renderOnce",
        parameters: Parameters::Names(&["toRender"]),
        doc: Doc {
            signature: "renderOnce(toRender)",
            text: "Renders a text that holds expressions, once.",
            example: "{{ renderOnce(vars.greeting) }}",
            result: "Hello Ada",
        },
        run: |call| run(call, false),
    },
    Function {
        name: "printContext",
        parameters: Parameters::None,
        doc: Doc {
            signature: "printContext()",
            text: "All variables that are seen, as a map.",
            example: "{{ printContext() | length > 0 }}",
            result: "true",
        },
        run: context,
    },
    Function {
        name: "fetchContext",
        parameters: Parameters::None,
        doc: Doc {
            signature: "fetchContext()",
            text: "Another name of `printContext`.",
            example: "{{ fetchContext().user.name }}",
            result: "Ada",
        },
        run: context,
    },
];

fn run(call: &mut Call<'_, '_>, recursive: bool) -> Result<Value, Error> {
    let missing = "The 'render' function expects an argument 'toRender'.";
    let value = call
        .given(0)
        .cloned()
        .ok_or_else(|| Error::evaluation(missing))?;
    deep(call, &value, recursive)
}

fn deep(call: &mut Call<'_, '_>, value: &Value, recursive: bool) -> Result<Value, Error> {
    call.session().step()?;
    match value.kind() {
        Kind::Str => text(call, value.as_str().unwrap_or_default(), recursive).map(Value::from),
        Kind::List => {
            let items = value.as_list().unwrap_or_default();
            items
                .iter()
                .map(|item| deep(call, item, recursive))
                .collect::<Result<Vec<Value>, Error>>()
                .map(Value::from)
        }
        Kind::Map => {
            let map = value.as_map()?.unwrap_or_default();
            let mut rendered = MapBuilder::with_capacity(map.len());
            for (key, value) in map.iter() {
                let key = text(call, key, recursive)?;
                let value = deep(call, value, recursive)?;
                rendered.insert_first(key, value);
            }
            Ok(Value::Map(rendered.build()))
        }
        _ => Ok(value.clone()),
    }
}

/// What fails inside is an error of its own: `??` does not see that it was a missing variable.
fn text(call: &mut Call<'_, '_>, text: &str, recursive: bool) -> Result<String, Error> {
    render::inner(call.evaluator, text, recursive).map_err(|error| {
        if error.is_final() {
            error
        } else {
            Error::evaluation(error.message())
        }
    })
}

fn context(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let (variables, root_is_seen) = call.evaluator.scopes.visible();
    let mut map = MapBuilder::default();
    for (name, value) in variables.iter().rev() {
        map.insert_first(Arc::clone(name), value.clone());
    }
    if root_is_seen {
        let root = call.session().root;
        for key in root.keys() {
            if let Some(value) = root.get(&key)? {
                map.insert_first(key, value);
            }
        }
    }
    let map = map.build();
    call.session().charge(map.len())?;
    let entries: Vec<(Arc<str>, Value, Value)> = map
        .iter()
        .map(|(key, value)| (Arc::clone(key), Value::Str(Arc::clone(key)), value.clone()))
        .collect();
    let capacity = hash_order::capacity_grown(entries.len());
    Ok(Value::Map(Map::with_keys(hash_order::order(
        entries, capacity,
    ))))
}
