//! Texts within programs: regular expressions and formats.

use std::sync::Arc;

use jaq_core::{Error, ValR};

use super::ops::{spend, stopped};
use super::value::{Entries, Jq, Style};
use super::{Reach, budget};
use crate::java::regex::{Groups, Regex, compile};

/// Flags of a regular expression.
struct Flags {
    global: bool,
    skip_empty: bool,
    inline: String,
}

fn flags(value: &Jq) -> Result<Flags, Error<Jq>> {
    let text = match value {
        Jq::Null => "",
        Jq::Str(text) => text,
        other => return Err(Error::str(format!("{other} is not a string of flags"))),
    };
    let mut flags = Flags {
        global: false,
        skip_empty: false,
        inline: String::new(),
    };
    for flag in text.chars() {
        match flag {
            'g' => flags.global = true,
            'n' => flags.skip_empty = true,
            'i' | 'x' | 's' => flags.inline.push(flag),
            'p' => flags.inline.push('s'),
            'l' => {}
            other => {
                return Err(Error::str(format!(
                    "{other} is not a flag of a regular expression"
                )));
            }
        }
    }
    Ok(flags)
}

fn regex(reach: &Reach<'_>, pattern: &Jq, flags: &Flags) -> Result<Arc<Regex>, Error<Jq>> {
    let Jq::Str(pattern) = pattern else {
        return Err(Error::str(format!(
            "{} cannot be matched, as it is not a string",
            pattern.type_name()
        )));
    };
    let pattern = if flags.inline.is_empty() {
        pattern.to_string()
    } else {
        format!("(?{}){pattern}", flags.inline)
    };
    compile(reach.session, &pattern).map_err(|error| Error::str(error.text()))
}

/// The places of all matches, or of the first.
fn matches(
    reach: &Reach<'_>,
    text: &str,
    pattern: &Jq,
    flag: &Jq,
) -> Result<(Arc<Regex>, Vec<Groups>), Error<Jq>> {
    let flags = flags(flag)?;
    let regex = regex(reach, pattern, &flags)?;
    let mut found = Vec::new();
    let mut start = 0;
    loop {
        spend(1 + text.len() / 64)?;
        let groups = regex
            .captures_at(text, start)
            .map_err(|error| Error::str(error.text()))?;
        let Some(groups) = groups else { break };
        let Some(Some((from, to))) = groups.first().copied() else {
            break;
        };
        if from < to || !flags.skip_empty {
            found.push(groups);
        }
        if !flags.global || to >= text.len() {
            break;
        }
        start = if from == to {
            to + text[to..].chars().next().map_or(1, char::len_utf8)
        } else {
            to
        };
    }
    Ok((regex, found))
}

fn subject(input: &Jq) -> Result<&str, Error<Jq>> {
    match input {
        Jq::Str(text) => Ok(text),
        other => Err(Error::str(format!(
            "{} ({other}) cannot be matched, as it is not a string",
            other.type_name()
        ))),
    }
}

fn characters(text: &str, end: usize) -> usize {
    text[..end].chars().count()
}

/// All match objects.
pub(super) fn match_objects(reach: &Reach<'_>, input: &Jq, pattern: &Jq, flags: &Jq) -> ValR<Jq> {
    let text = subject(input)?;
    let (regex, found) = matches(reach, text, pattern, flags)?;
    let names = regex.names();
    let objects = found.iter().map(|groups| {
        let part = |group: &Option<(usize, usize)>| {
            let mut entries = Entries::default();
            let (offset, length, string) = match group {
                Some((from, to)) => {
                    let string = &text[*from..*to];
                    (
                        Jq::from(characters(text, *from)),
                        string.chars().count(),
                        Jq::text(string),
                    )
                }
                None => (Jq::Int(-1), 0, Jq::Null),
            };
            entries.insert("offset".into(), offset);
            entries.insert("length".into(), Jq::from(length));
            entries.insert("string".into(), string);
            entries
        };
        let mut whole = part(&groups[0]);
        let captures = groups.iter().zip(&names).skip(1).map(|(group, name)| {
            let mut capture = part(group);
            capture.insert("name".into(), name.as_deref().map_or(Jq::Null, Jq::text));
            Jq::Map(Arc::new(capture))
        });
        whole.insert("captures".into(), captures.collect());
        Jq::Map(Arc::new(whole))
    });
    Ok(objects.collect())
}

/// The texts between matches, and for each match a map of its named groups.
pub(super) fn pieces(reach: &Reach<'_>, input: &Jq, pattern: &Jq, flags: &Jq) -> ValR<Jq> {
    let text = subject(input)?;
    let (regex, found) = matches(reach, text, pattern, flags)?;
    let names = regex.names();
    let mut pieces = Vec::new();
    let mut copied = 0;
    for groups in &found {
        let Some((from, to)) = groups[0] else {
            continue;
        };
        pieces.push(Jq::text(&text[copied..from]));
        let mut captures = Entries::default();
        for (group, name) in groups.iter().zip(&names) {
            if let Some(name) = name {
                captures.insert(
                    name.as_str().into(),
                    group.map_or(Jq::Null, |(from, to)| Jq::text(&text[from..to])),
                );
            }
        }
        pieces.push(Jq::Map(Arc::new(captures)));
        copied = to;
    }
    pieces.push(Jq::text(&text[copied..]));
    Ok(pieces.into_iter().collect())
}

/// A text, or the JSON of anything else.
pub(super) fn plain(value: &Jq) -> ValR<Jq> {
    match value {
        text @ Jq::Str(_) => Ok(text.clone()),
        other => to_json(other),
    }
}

pub(super) fn to_json(value: &Jq) -> ValR<Jq> {
    let mut text = String::new();
    if value.write_json(&mut text, Style::Jq) {
        Ok(Jq::text(text))
    } else {
        Err(stopped())
    }
}

/// One line of CSV or of tab-separated values.
pub(super) fn line(value: &Jq, separator: char) -> ValR<Jq> {
    let format = if separator == ',' { "csv" } else { "tsv" };
    let Jq::List(list) = value.clone().forced() else {
        return Err(Error::str(format!(
            "{} ({value}) cannot be {format}-formatted, only an array can be",
            value.type_name()
        )));
    };
    let mut text = String::new();
    for (index, item) in list.items.iter().enumerate() {
        spend(1)?;
        if index > 0 {
            text.push(separator);
        }
        match item {
            Jq::Null => {}
            Jq::Str(string) if separator == ',' => {
                text.push_str(&format!("\"{}\"", string.replace('"', "\"\"")))
            }
            Jq::Str(string) => text.push_str(
                &string
                    .replace('\\', "\\\\")
                    .replace('\t', "\\t")
                    .replace('\n', "\\n")
                    .replace('\r', "\\r"),
            ),
            Jq::Bool(_) | Jq::Int(_) | Jq::Big(_) | Jq::Float(_) => {
                item.write_json(&mut text, Style::Jq);
            }
            other => {
                return Err(Error::str(format!(
                    "{} is not valid in a {format} row",
                    other.type_name()
                )));
            }
        }
        if !budget::may_write(text.len()) {
            return Err(stopped());
        }
    }
    Ok(Jq::text(text))
}
