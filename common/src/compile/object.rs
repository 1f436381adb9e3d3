//! Reads the members of a mapping as types, and says what is wrong with those that are not of their type.

use std::sync::Arc;
use std::time::Duration;

use flowmill_expression::nearest;

use super::report::{Path, Report, described};
use crate::time::parse_duration;
use crate::yaml::{Diagnostic, DiagnosticKind, Mapping, Node, Span};

/// A mapping of the document that is read as something with known properties.
#[derive(Clone)]
pub(super) struct Object<'a> {
    pub(super) mapping: &'a Mapping,
    /// Where to point at when something is missing.
    pub(super) span: Span,
    pub(super) path: Path,
    report: &'a Report<'a>,
}

impl<'a> Object<'a> {
    /// The node as a mapping; says so if it is none.
    pub(super) fn of(node: &'a Node, path: Path, report: &'a Report<'a>) -> Option<Self> {
        match node.as_mapping() {
            Some(mapping) => {
                // the mapping itself is as long as all that is in it: its first key is what one wants to see
                let span = mapping
                    .iter()
                    .next()
                    .map_or(node.span, |(_, entry)| entry.key_span);
                Some(Self {
                    mapping,
                    span,
                    path,
                    report,
                })
            }
            None => {
                let title = format!(
                    "a mapping is expected here, but this is {}",
                    described(node)
                );
                let message = format!(
                    "Cannot construct instance from {}: a mapping is expected",
                    described(node)
                );
                report.structure(&path, node.span, message, title);
                None
            }
        }
    }

    /// A member that is not null.
    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.mapping.get(key).filter(|node| !node.is_null())
    }

    /// Where to point at for a member: its value where that is short, otherwise its key; the object itself if it is missing.
    pub(super) fn span_of(&self, key: &str) -> Span {
        match self.mapping.entry(key) {
            Some(entry) if entry.value.as_text().is_some() && !entry.value.is_block() => {
                entry.value.span
            }
            Some(entry) => entry.key_span,
            None => self.span,
        }
    }

    /// Where the key of a member stands.
    pub(super) fn key_span(&self, key: &str) -> Span {
        self.mapping
            .entry(key)
            .map_or(self.span, |entry| entry.key_span)
    }

    /// A broken rule about a member.
    pub(super) fn rule(&self, key: &str, message: impl Into<String>) {
        self.report
            .rule(&self.path.key(key), self.span_of(key), message);
    }

    /// A member that must be there.
    pub(super) fn required(&self, key: &str) -> Option<&'a Node> {
        let node = self.node(key);
        if node.is_none() {
            let title = format!("`{key}` is missing");
            let diagnostic =
                Diagnostic::error(DiagnosticKind::Rule, "must not be null").titled(title);
            self.report
                .add(diagnostic, &self.path.key(key), self.key_span(key));
        }
        node
    }

    /// Text: any single value as it was written.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        let node = self.node(key)?;
        let text = node.as_text();
        if text.is_none() {
            self.mismatch(key, node, "java.lang.String", "text");
        }
        text
    }

    /// Text that must be there.
    pub(super) fn required_text(&self, key: &str) -> Option<&'a str> {
        self.required(key)?;
        self.text(key)
    }

    /// Text, shared.
    pub(super) fn shared_text(&self, key: &str) -> Option<Arc<str>> {
        self.text(key).map(Arc::from)
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let node = self.node(key)?;
        let flag = match node.to_json() {
            serde_json::Value::Bool(flag) => Some(flag),
            serde_json::Value::String(text) => match text.trim() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            serde_json::Value::Number(number) => number.as_i64().map(|number| number != 0),
            _ => None,
        };
        if flag.is_none() {
            self.mismatch(key, node, "java.lang.Boolean", "`true` or `false`");
        }
        flag
    }

    /// A whole number.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        let node = self.node(key)?;
        let number = match node.to_json() {
            serde_json::Value::Number(number) => number.as_i64().or_else(|| {
                number
                    .as_f64()
                    .filter(|float| float.fract() == 0.0)
                    .map(|float| float as i64)
            }),
            serde_json::Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.mismatch(key, node, "java.lang.Integer", "a whole number");
        }
        number
    }

    /// A whole number that is at least `least`.
    pub(super) fn integer_from(&self, key: &str, least: i64) -> Option<i64> {
        let number = self.integer(key)?;
        if number < least {
            self.rule(key, format!("must be greater than or equal to {least}"));
            return None;
        }
        Some(number)
    }

    /// A number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let node = self.node(key)?;
        let number = match node.to_json() {
            serde_json::Value::Number(number) => number.as_f64(),
            serde_json::Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.mismatch(key, node, "java.lang.Double", "a number");
        }
        number
    }

    /// A duration: `PT30S`, or seconds.
    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        let text = self.text(key)?;
        match parse_duration(text) {
            Ok(duration) => Some(duration),
            Err(title) => {
                let message = format!(
                    "Cannot deserialize value of type `java.time.Duration` from String \"{text}\": \
                     Failed to deserialize java.time.Duration: Text cannot be parsed to a Duration"
                );
                self.report
                    .structure(&self.path.key(key), self.span_of(key), message, title);
                None
            }
        }
    }

    /// One of several names.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "Cannot deserialize value from String \"{text}\": not one of the values accepted for Enum class: [{}]",
                names.join(", ")
            );
            let mut diagnostic = Diagnostic::error(DiagnosticKind::Structure, message).titled(
                format!("`{key}` cannot be `{text}`, only `{}`", names.join("`, `")),
            );
            let near = nearest(text, names.into_iter(), 1);
            diagnostic.hint = near.first().map(|name| format!("did you mean `{name}`?"));
            self.report
                .add(diagnostic, &self.path.key(key), self.span_of(key));
        }
        found.map(|(_, value)| *value)
    }

    /// The items of a list with their paths; a single value counts as a list of one only if it says so.
    pub(super) fn list(&self, key: &str) -> Option<&'a [Node]> {
        let node = self.node(key)?;
        let items = node.as_sequence();
        if items.is_none() {
            self.mismatch(key, node, "java.util.ArrayList", "a list");
        }
        items
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let items = self.list(key).unwrap_or_default();
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_text() {
                Some(text) => texts.push(text.to_owned()),
                None => {
                    let path = self.path.key(key).index(index);
                    let title = format!("text is expected here, but this is {}", described(item));
                    self.report
                        .structure(&path, item.span, wrong("java.lang.String", item), title);
                }
            }
        }
        texts
    }

    /// A member that is a mapping with known properties.
    pub(super) fn object(&self, key: &str) -> Option<Object<'a>> {
        let node = self.node(key)?;
        Object::of(node, self.path.key(key), self.report)
    }

    /// A member that is not of its type.
    pub(super) fn mismatch(&self, key: &str, node: &Node, java: &str, expected: &str) {
        let mut title = format!("`{key}` must be {expected}, but is {}", described(node));
        if node.as_text().is_some_and(|text| text.contains("{{")) {
            title.push_str("; it cannot be an expression");
        }
        self.report.structure(
            &self.path.key(key),
            self.span_of(key),
            wrong(java, node),
            title,
        );
    }

    /// Refuses members that are not among the known ones, in Kestra's words.
    pub(super) fn refuse_unknown(&self, class: &str, known: &[&str]) {
        for (key, entry) in self.mapping.iter() {
            if known.contains(&key) || self.report.is_full() {
                continue;
            }
            let listed: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
            let message = format!(
                "Unrecognized field \"{key}\" (class {class}), not marked as ignorable ({} known properties: {}])",
                known.len(),
                listed.join(", ")
            );
            let mut diagnostic = Diagnostic::error(DiagnosticKind::Structure, message)
                .titled(format!("unknown property `{key}` of {}", spoken(class)));
            diagnostic.hint = Some(match &nearest(key, known.iter().copied(), 3)[..] {
                [] => format!("known: {}", shown_names(known)),
                near => format!("did you mean `{}`?", near.join("` or `")),
            });
            self.report
                .add(diagnostic, &self.path.key(key), entry.key_span);
        }
    }
}

fn wrong(java: &str, node: &Node) -> String {
    match node.as_text() {
        Some(text) => {
            let simple = java.rsplit('.').next().unwrap_or(java);
            format!(
                "Cannot deserialize value of type `{java}` from String \"{text}\": not a valid {simple} value"
            )
        }
        None => {
            let token = if node.as_sequence().is_some() {
                "Array value (token `JsonToken.START_ARRAY`)"
            } else {
                "Object value (token `JsonToken.START_OBJECT`)"
            };
            format!("Cannot deserialize value of type `{java}` from {token}")
        }
    }
}

/// A class of Kestra's in words: tasks and triggers go by their type, everything else by what it is.
fn spoken(class: &str) -> String {
    if class == "io.kestra.core.models.flows.Flow" {
        return "a flow".to_owned();
    }
    if let Some(input) = class.strip_prefix("io.kestra.core.models.flows.input.") {
        return format!("{} inputs", input.trim_end_matches("Input").to_uppercase());
    }
    match class.strip_prefix("io.kestra.core.models.") {
        Some(name) => format!("`{}`", name.rsplit(['.', '$']).next().unwrap_or(name)),
        None => class.to_owned(),
    }
}

fn shown_names(known: &[&str]) -> String {
    let mut names = known.to_vec();
    names.sort_unstable();
    format!("`{}`", names.join("`, `"))
}
