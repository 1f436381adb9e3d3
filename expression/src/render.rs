//! The ways of rendering.

use std::sync::Arc;

use crate::engine::{Shared, Template};
use crate::error::{Error, Limit};
use crate::evaluate::output::Typed;
use crate::evaluate::{Barrier, Evaluator, Output, Scopes, Session};
use crate::syntax::{raw, strip_tags};
use crate::{Host, Object, Value};

/// What becomes of the texts inside a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// They stay texts.
    Text,
    /// They keep the type of their value.
    Typed,
}

pub(crate) fn text(
    shared: &Shared,
    text: &str,
    root: &dyn Object,
    host: &dyn Host,
) -> Result<String, Error> {
    if !text.contains('{') {
        return Ok(text.to_owned());
    }
    let session = Session::new(shared, root, host);
    if shared.options.recursive_rendering {
        return rounds(&session, &mut Scopes::default(), text)
            .map_err(|error| finish(&session, error));
    }
    let compiled = shared.compile(text)?;
    once(&session, &compiled, &mut Scopes::default()).map_err(|error| finish(&session, error))
}

pub(crate) fn template(
    shared: &Shared,
    template: &Template,
    root: &dyn Object,
    host: &dyn Host,
) -> Result<String, Error> {
    if shared.options.recursive_rendering {
        return text(shared, template.source(), root, host);
    }
    let session = Session::new(shared, root, host);
    once(&session, template, &mut Scopes::default()).map_err(|error| finish(&session, error))
}

pub(crate) fn typed(
    shared: &Shared,
    text: &str,
    root: &dyn Object,
    host: &dyn Host,
) -> Result<Value, Error> {
    if !text.contains('{') {
        return Ok(Value::from(text));
    }
    let session = Session::new(shared, root, host);
    typed_in(&session, text).map_err(|error| finish(&session, error))
}

fn typed_in(session: &Session<'_>, text: &str) -> Result<Value, Error> {
    let compiled = session.shared.compile(text)?;
    let mut output = Output::Typed(Typed::new(session.limits().output_bytes));
    let mut scopes = Scopes::default();
    Evaluator {
        session,
        template: &compiled,
        scopes: &mut scopes,
    }
    .run(&mut output)?;
    let Output::Typed(typed) = output else {
        return Ok(Value::Null);
    };
    let parts = &compiled.tree().raw;
    Ok(typed.finish(
        |text| strip_tags(raw::restore(text, parts)),
        session.limits().value_depth,
    ))
}

/// Adds what only the outermost rendering knows: the nearest names.
fn finish(session: &Session<'_>, error: Error) -> Error {
    error.with_candidates(|| session.root.keys())
}

/// Renders once, with the given variables around.
fn once(session: &Session<'_>, template: &Template, scopes: &mut Scopes) -> Result<String, Error> {
    let text = unrestored(session, template, scopes)?;
    Ok(strip_tags(raw::restore(text, &template.tree().raw)))
}

/// Renders once and leaves the tokens of raw parts in the output.
fn unrestored(
    session: &Session<'_>,
    template: &Template,
    scopes: &mut Scopes,
) -> Result<String, Error> {
    let text = crate::formats::text::Text::with_capacity(
        session.limits().output_bytes,
        template.source().len(),
    );
    let mut output = Output::Json(text);
    Evaluator {
        session,
        template,
        scopes,
    }
    .run(&mut output)?;
    let (Output::Json(text) | Output::Java(text)) = output else {
        return Ok(String::new());
    };
    Ok(text.into_string())
}

/// Renders again and again until the text no longer changes. Raw parts are kept out of it to the end.
fn rounds(session: &Session<'_>, scopes: &mut Scopes, text: &str) -> Result<String, Error> {
    let mut kept: Vec<Arc<str>> = Vec::new();
    let mut current = text.to_owned();
    let mut count = 0;
    while current.contains('{') {
        if count > session.limits().render_rounds {
            return Err(Error::limit(
                Limit::RenderRounds,
                format!(
                    "Too many rendering attempts: the text still changes after {} rounds (`limits.renderRounds`)",
                    session.limits().render_rounds
                ),
            ));
        }
        count += 1;
        let template = session.shared.compile(&current)?;
        let rendered = raw::keep(
            unrestored(session, &template, scopes)?,
            &template.tree().raw,
            &mut kept,
        );
        if rendered == current {
            break;
        }
        current = rendered;
    }
    Ok(strip_tags(raw::restore_kept(current, &kept)))
}

/// Renders a text that an expression holds, as `render()` does: the same variables are seen, but none of them changed.
pub(crate) fn inner(
    evaluator: &mut Evaluator<'_>,
    text: &str,
    recursive: bool,
) -> Result<String, Error> {
    if !text.contains('{') {
        return Ok(text.to_owned());
    }
    let session = evaluator.session;
    evaluator.scopes.enter(Barrier::Writes);
    let result = if recursive {
        rounds(session, evaluator.scopes, text)
    } else {
        session
            .shared
            .compile(text)
            .and_then(|template| once(session, &template, evaluator.scopes))
    };
    evaluator.scopes.leave();
    result
}

/// Whether a rendered condition holds: everything but `false`, `0`, `-0` and the empty text does, blanks around aside.
///
/// ```
/// use flowmill_expression::is_truthy;
///
/// assert!(is_truthy("no") && is_truthy("[]") && is_truthy("0.0"));
/// assert!(!is_truthy(" false\n") && !is_truthy("0") && !is_truthy(""));
/// ```
pub fn is_truthy(text: &str) -> bool {
    !matches!(text.trim(), "false" | "0" | "-0" | "")
}

pub(crate) fn json(
    shared: &Shared,
    json: &serde_json::Value,
    root: &dyn Object,
    host: &dyn Host,
    leaves: Leaves,
) -> Result<serde_json::Value, Error> {
    Ok(match json {
        serde_json::Value::String(leaf) if leaf.contains('{') => match leaves {
            Leaves::Text => serde_json::Value::String(text(shared, leaf, root, host)?),
            Leaves::Typed => typed(shared, leaf, root, host)?.to_json()?,
        },
        serde_json::Value::Array(items) => {
            let items = items
                .iter()
                .map(|item| self::json(shared, item, root, host, leaves));
            serde_json::Value::Array(items.collect::<Result<_, Error>>()?)
        }
        serde_json::Value::Object(entries) => {
            let mut rendered = serde_json::Map::with_capacity(entries.len());
            for (key, value) in entries {
                let key = text(shared, key, root, host)?;
                let value = self::json(shared, value, root, host, leaves)?;
                if !rendered.contains_key(&key) {
                    rendered.insert(key, value);
                }
            }
            serde_json::Value::Object(rendered)
        }
        scalar => scalar.clone(),
    })
}
