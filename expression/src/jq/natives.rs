//! The filters of jq that are not defined in jq.

use jaq_core::native::{Fun, bome, run, unary, v};
use jaq_core::{Bind, Error, ValR};

use super::number::whole_or_float;
use super::ops::{call, spend, split, unshared_items};
use super::value::{Entries, Jq};
use super::{Data, text};
use crate::formats::json_read;
use crate::value::Value;

/// Natives of jaq that are replaced here, or that reach the world outside.
const LEFT_OUT: &[&str] = &[
    "env",
    "now",
    "halt",
    "debug_empty",
    "stderr_empty",
    "localtime",
    "strflocaltime",
    "floor",
    "ceil",
    "round",
    "fabs",
    "ltrimstr",
    "rtrimstr",
    "escape_html",
    "matches",
    "split_matches",
    "split_",
    "pow",
    "trunc",
    "implode",
    "log",
    "log2",
    "log10",
    "exp",
    "exp2",
    "exp10",
];

/// All natives.
pub(super) fn all() -> impl Iterator<Item = Fun<Data>> {
    let ours = ours().into_iter().chain(numbers()).chain(texts());
    let theirs = jaq_core::funs().chain(jaq_std::funs());
    theirs
        .filter(|(name, _, _)| !LEFT_OUT.contains(name))
        .chain(ours)
}

fn ours() -> Vec<Fun<Data>> {
    vec![
        run(("_step", v(0), |_| bome(spend(1).map(|()| Jq::Bool(true))))),
        run(("_call", v(0), |_| bome(call().map(|()| Jq::Bool(true))))),
        run(("type", v(0), |cv| bome(Ok(Jq::text(cv.1.type_name()))))),
        run(("length", v(0), |cv| bome(length(&cv.1)))),
        run(("has", v(1), |cv| unary(cv, |value, key| has(&value, &key)))),
        run(("contains", v(1), |cv| {
            unary(cv, |value, part| contains(&value, &part).map(Jq::Bool))
        })),
        run(("indices", v(1), |cv| {
            unary(cv, |value, part| value.indices(&part))
        })),
        run(("bsearch", v(1), |cv| {
            unary(cv, |value, wanted| {
                let Jq::List(list) = value.forced() else {
                    return Err(Error::str("only arrays can be searched"));
                };
                let at = list
                    .items
                    .binary_search(&wanted)
                    .map_or_else(|at| -1 - at as isize, |at| at as isize);
                Ok(Jq::from(at))
            })
        })),
        run(("now", v(0), |cv| {
            let now = cv.0.data().session.host.now();
            bome(Ok(Jq::Float(now.as_nanosecond() as f64 / 1e9)))
        })),
        run(("_delete", v(1), |cv| unary(cv, delete_paths))),
        run(("_flatten", v(1), |cv| {
            unary(cv, |value, depth| {
                let depth = depth.number().map_or(0.0, |depth| depth.to_f64());
                let mut flat = Vec::new();
                flatten(&value, depth, &mut flat)?;
                Ok(Jq::list(flat))
            })
        })),
        run(("getpath_value", v(1), |cv| {
            unary(cv, |value, path| {
                let Jq::List(path) = path.forced() else {
                    return Err(Error::str("a path must be an array"));
                };
                path.items.iter().try_fold(value, |value, key| match value {
                    Jq::Null => Ok(Jq::Null),
                    value => jaq_core::ValT::index(value, key),
                })
            })
        })),
    ]
}

fn numbers() -> Vec<Fun<Data>> {
    fn float(input: &Jq, apply: fn(f64) -> f64) -> ValR<Jq> {
        match input.number() {
            Some(number) => Ok(Jq::Float(apply(number.to_f64()))),
            None => Err(Error::str(format!(
                "{} ({input}) number required",
                input.type_name()
            ))),
        }
    }
    vec![
        run(("floor", v(0), |cv| bome(float(&cv.1, f64::floor)))),
        run(("ceil", v(0), |cv| bome(float(&cv.1, f64::ceil)))),
        run(("trunc", v(0), |cv| bome(float(&cv.1, f64::trunc)))),
        // Java rounds halves up.
        run(("round", v(0), |cv| {
            bome(float(&cv.1, |value| (value + 0.5).floor()))
        })),
        run(("log", v(0), |cv| bome(float(&cv.1, f64::ln)))),
        run(("log2", v(0), |cv| bome(float(&cv.1, f64::log2)))),
        run(("log10", v(0), |cv| bome(float(&cv.1, f64::log10)))),
        run(("exp", v(0), |cv| bome(float(&cv.1, f64::exp)))),
        run(("exp2", v(0), |cv| bome(float(&cv.1, f64::exp2)))),
        run(("exp10", v(0), |cv| {
            bome(float(&cv.1, |value| 10_f64.powf(value)))
        })),
        run(("fabs", v(0), |cv| bome(float(&cv.1, f64::abs)))),
        run(("pow", v(2), |mut cv| {
            let exponent = cv.0.pop_var();
            let base = cv.0.pop_var();
            bome(match (base.number(), exponent.number()) {
                (Some(base), Some(exponent)) => {
                    Ok(whole_or_float(base.to_f64().powf(exponent.to_f64())))
                }
                _ => Err(Error::str("pow needs numbers")),
            })
        })),
        run(("infinite", v(0), |_| bome(Ok(Jq::Float(f64::INFINITY))))),
        run(("nan", v(0), |_| bome(Ok(Jq::Float(f64::NAN))))),
        run(("isnan", v(0), |cv| bome(classify(&cv.1, f64::is_nan)))),
        run(("isinfinite", v(0), |cv| {
            bome(classify(&cv.1, f64::is_infinite))
        })),
        run(("isnormal", v(0), |cv| bome(classify(&cv.1, f64::is_normal)))),
        run(("tonumber", v(0), |cv| {
            bome(match &cv.1 {
                Jq::Str(text) => match text.trim().parse::<i64>() {
                    Ok(value) => Ok(Jq::Int(value)),
                    Err(_) => match text.trim().parse::<f64>() {
                        Ok(value) if value.is_finite() => Ok(whole_or_float(value)),
                        _ => Err(Error::str(format!("Cannot be parsed as a number: {text}"))),
                    },
                },
                number if number.number().is_some() => Ok(number.clone()),
                other => Err(Error::str(format!(
                    "{} cannot be parsed as a number",
                    other.type_name()
                ))),
            })
        })),
    ]
}

fn classify(input: &Jq, test: fn(f64) -> bool) -> ValR<Jq> {
    match input.number() {
        Some(number) => Ok(Jq::Bool(test(number.to_f64()))),
        None => Err(Error::str(format!("{} number required", input.type_name()))),
    }
}

fn texts() -> Vec<Fun<Data>> {
    vec![
        run(("tostring", v(0), |cv| bome(text::plain(&cv.1)))),
        run(("tojson", v(0), |cv| bome(text::to_json(&cv.1)))),
        run(("fromjson", v(0), |cv| bome(from_json(&cv.1)))),
        run(("ltrimstr", v(1), |cv| {
            unary(cv, |value, prefix| match (&value, &prefix) {
                (Jq::Str(text), Jq::Str(prefix)) => {
                    Ok(text.strip_prefix(&**prefix).map_or(value.clone(), Jq::text))
                }
                _ => Ok(value),
            })
        })),
        run(("rtrimstr", v(1), |cv| {
            unary(cv, |value, suffix| match (&value, &suffix) {
                (Jq::Str(text), Jq::Str(suffix)) if !suffix.is_empty() => {
                    Ok(text.strip_suffix(&**suffix).map_or(value.clone(), Jq::text))
                }
                _ => Ok(value),
            })
        })),
        run(("implode", v(0), |cv| {
            let Jq::List(list) = cv.1.forced() else {
                return bome(Err(Error::str("implode input must be an array")));
            };
            let units = list.items.iter().map(|code| match code {
                Jq::Int(code) => u32::try_from(*code).ok().and_then(char::from_u32),
                Jq::Float(code) if code.fract() == 0.0 => {
                    u32::try_from(*code as i64).ok().and_then(char::from_u32)
                }
                _ => None,
            });
            let text: Option<String> = units.collect();
            bome(
                text.map(Jq::text)
                    .ok_or_else(|| Error::str("Unicode codepoint must be numeric and valid")),
            )
        })),
        run(("escape_html", v(0), |cv| {
            bome(text::plain(&cv.1).map(|value| match value {
                Jq::Str(text) => {
                    let escaped = text
                        .replace('&', "&amp;")
                        .replace('<', "&lt;")
                        .replace('>', "&gt;");
                    Jq::text(escaped.replace('\'', "&#39;").replace('"', "&quot;"))
                }
                other => other,
            }))
        })),
        run(("_csv", v(0), |cv| bome(text::line(&cv.1, ',')))),
        run(("_tsv", v(0), |cv| bome(text::line(&cv.1, '\t')))),
        run(("_match", v(2), |mut cv| {
            let flags = cv.0.pop_var();
            let pattern = cv.0.pop_var();
            bome(text::match_objects(cv.0.data(), &cv.1, &pattern, &flags))
        })),
        run(("_pieces", v(2), |mut cv| {
            let flags = cv.0.pop_var();
            let pattern = cv.0.pop_var();
            bome(text::pieces(cv.0.data(), &cv.1, &pattern, &flags))
        })),
        run(("split", Box::new([Bind::Var(())]), |cv| {
            unary(cv, |value, separator| match (&value, &separator) {
                (Jq::Str(text), Jq::Str(separator)) => {
                    spend(text.len() / 64)?;
                    Ok(split(text, separator))
                }
                _ => Err(Error::str("split input and separator must be strings")),
            })
        })),
        run(("join", Box::new([Bind::Var(())]), |cv| unary(cv, join))),
    ]
}

fn length(input: &Jq) -> ValR<Jq> {
    Ok(match input {
        Jq::Null => Jq::Int(0),
        Jq::Str(text) => Jq::from(text.chars().count()),
        Jq::List(list) => Jq::from(list.items.len()),
        Jq::Map(map) => Jq::from(map.table.len()),
        Jq::Lazy(_) => return length(&input.clone().forced()),
        Jq::Int(value) => Jq::Int(value.wrapping_abs()),
        Jq::Float(value) => whole_or_float(value.abs()),
        Jq::Big(value) => Jq::Big(std::sync::Arc::new(value.magnitude().clone().into())),
        Jq::Bool(_) => return Err(Error::str("boolean has no length")),
    })
}

fn has(value: &Jq, key: &Jq) -> ValR<Jq> {
    match (value.clone().forced(), key) {
        (Jq::Map(map), Jq::Str(key)) => Ok(Jq::Bool(map.table.contains_key(key))),
        (Jq::List(list), Jq::Int(index)) => Ok(Jq::Bool(
            usize::try_from(*index).is_ok_and(|index| index < list.items.len()),
        )),
        (value, key) => Err(Error::str(format!(
            "Cannot check whether {} has a {} key",
            value.type_name(),
            key.type_name()
        ))),
    }
}

fn contains(value: &Jq, part: &Jq) -> Result<bool, Error<Jq>> {
    spend(1)?;
    match (value.clone().forced(), part.clone().forced()) {
        (Jq::Str(text), Jq::Str(part)) => Ok(text.contains(&*part)),
        (Jq::List(list), Jq::List(parts)) => {
            for part in &parts.items {
                let mut found = false;
                for item in &list.items {
                    found =
                        found || (item.type_name() == part.type_name() && contains(item, part)?);
                }
                if !found {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Jq::Map(map), Jq::Map(parts)) => {
            for (key, part) in &parts.table {
                match map.table.get(key) {
                    Some(value)
                        if value.type_name() == part.type_name() && contains(value, part)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (value, part) if value.type_name() == part.type_name() => Ok(value == part),
        (value, part) => Err(Error::str(format!(
            "{} and {} cannot have their containment checked",
            value.type_name(),
            part.type_name()
        ))),
    }
}

impl Jq {
    /// The places of a part: of a text in a text, of a list in a list, of an element in a list.
    pub(super) fn indices(&self, part: &Jq) -> ValR<Jq> {
        match (self.clone().forced(), part.clone().forced()) {
            (Jq::Null, _) => Ok(Jq::Null),
            (Jq::Str(text), Jq::Str(part)) => {
                if part.is_empty() {
                    return Ok(Jq::list(Vec::new()));
                }
                spend(text.len())?;
                // As in jackson-jq, places in texts count UTF-16 units.
                let mut places = Vec::new();
                let mut units = 0_usize;
                for (at, unit) in text.char_indices() {
                    if text[at..].starts_with(&*part) {
                        places.push(Jq::from(units));
                    }
                    units += unit.len_utf16();
                }
                Ok(Jq::list(places))
            }
            (Jq::List(list), Jq::List(part)) => {
                if part.items.is_empty() {
                    return Ok(Jq::Null);
                }
                spend(list.items.len())?;
                let windows = list.items.windows(part.items.len()).enumerate();
                Ok(windows
                    .filter(|(_, window)| *window == part.items)
                    .map(|(index, _)| Jq::from(index))
                    .collect())
            }
            (Jq::List(list), part) => {
                let items = list.items.iter().enumerate();
                Ok(items
                    .filter(|(_, item)| **item == part)
                    .map(|(index, _)| Jq::from(index))
                    .collect())
            }
            (value, part) => Err(Error::str(format!(
                "Cannot determine indices of {} in {}",
                part.type_name(),
                value.type_name()
            ))),
        }
    }
}

fn join(value: Jq, separator: Jq) -> ValR<Jq> {
    let Jq::List(list) = value.forced() else {
        return Err(Error::str("only arrays can be joined"));
    };
    let Jq::Str(separator) = separator else {
        return if list.items.is_empty() {
            Ok(Jq::text(""))
        } else {
            Err(Error::str("the separator must be a string"))
        };
    };
    let mut text = String::new();
    for (index, item) in list.items.iter().enumerate() {
        spend(1)?;
        if index > 0 {
            text.push_str(&separator);
        }
        match item {
            Jq::Null => {}
            Jq::Str(item) => text.push_str(item),
            Jq::List(_) | Jq::Map(_) | Jq::Lazy(_) => {
                return Err(Error::str(format!("{} cannot be joined", item.type_name())));
            }
            scalar => {
                scalar.write_json(&mut text, super::value::Style::Jq);
            }
        }
        if !super::budget::may_write(text.len()) {
            return Err(super::ops::stopped());
        }
    }
    Ok(Jq::text(text))
}

fn from_json(input: &Jq) -> ValR<Jq> {
    let Jq::Str(text) = input else {
        return Err(Error::str(format!(
            "{} only strings can be parsed",
            input.type_name()
        )));
    };
    spend(1 + text.len() / 16)?;
    match json_read::read(text, json_read::MAX_DEPTH) {
        Ok(value) => Ok(from_value(&value)),
        Err(problem) => Err(Error::str(format!("{problem} (while parsing '{text}')"))),
    }
}

fn from_value(value: &Value) -> Jq {
    super::ops::nested(Jq::exact(value))
}

fn flatten(value: &Jq, depth: f64, flat: &mut Vec<Jq>) -> Result<(), Error<Jq>> {
    let Jq::List(list) = value.clone().forced() else {
        return Err(Error::str(format!(
            "Cannot iterate over {}",
            value.type_name()
        )));
    };
    if depth < 0.0 {
        return Err(Error::str("flatten depth must not be negative"));
    }
    for item in &list.items {
        spend(1)?;
        if item.type_name() == "array" && depth > 0.0 {
            flatten(item, depth - 1.0, flat)?;
        } else {
            flat.push(item.clone());
        }
    }
    Ok(())
}

/// Deletes paths, the last ones first, so that none moves another.
fn delete_paths(value: Jq, paths: Jq) -> ValR<Jq> {
    let Jq::List(paths) = paths.forced() else {
        return Err(Error::str("Paths must be specified as an array"));
    };
    let mut paths = unshared_items(paths);
    paths.sort();
    let mut value = value;
    for path in paths.into_iter().rev() {
        let Jq::List(path) = path.forced() else {
            return Err(Error::str("Path must be specified as an array"));
        };
        value = delete(value, &path.items)?;
    }
    Ok(value)
}

fn delete(value: Jq, path: &[Jq]) -> ValR<Jq> {
    spend(1)?;
    let Some((key, rest)) = path.split_first() else {
        return Ok(Jq::Null);
    };
    let value = value.forced();
    if matches!(value, Jq::Null) {
        return Ok(Jq::Null);
    }
    if !rest.is_empty() {
        let inner = jaq_core::ValT::index(value.clone(), key)?;
        if matches!(inner, Jq::Null) {
            return Ok(value);
        }
        let changed = delete(inner, rest)?;
        return replace(value, key, changed);
    }
    match (value, key) {
        (Jq::Map(mut map), Jq::Str(key)) => {
            std::sync::Arc::<Entries>::make_mut(&mut map)
                .table
                .shift_remove(key);
            Ok(Jq::Map(map))
        }
        (Jq::List(list), Jq::Int(index)) => {
            let length = list.items.len();
            let at = if *index < 0 {
                index.checked_add_unsigned(length as u64)
            } else {
                Some(*index)
            };
            let mut items = unshared_items(list);
            if let Some(at) = at
                .and_then(|at| usize::try_from(at).ok())
                .filter(|at| *at < length)
            {
                items.remove(at);
            }
            Ok(Jq::list(items))
        }
        (list @ Jq::List(_), Jq::Map(_)) => replace(list, key, Jq::list(Vec::new())),
        (value, key) => Err(Error::str(format!(
            "Cannot delete field at {} index of {}",
            key.type_name(),
            value.type_name()
        ))),
    }
}

/// The value with what stands under a key replaced.
fn replace(value: Jq, key: &Jq, by: Jq) -> ValR<Jq> {
    let replaced = jaq_core::ValT::map_index(value, key, jaq_core::path::Opt::Essential, |_| {
        std::iter::once(Ok::<Jq, jaq_core::Exn<'static, Jq>>(by.clone()))
    });
    replaced.map_err(|exception| {
        exception
            .get_err()
            .unwrap_or_else(|_| Error::str("cannot replace"))
    })
}
