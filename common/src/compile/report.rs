//! Collects what is found, in the order of the text.

use std::cell::RefCell;
use std::fmt;

use crate::yaml::{Diagnostic, DiagnosticKind, Node, Span};

/// No more findings are kept of one document: a broken generator would give thousands.
const LIMIT: usize = 200;

/// What was found so far.
pub(super) struct Report<'a> {
    source: &'a str,
    found: RefCell<Vec<Diagnostic>>,
}

/// Where in the document: `tasks[0].id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(String);

impl<'a> Report<'a> {
    pub(super) fn new(source: &'a str, found: Vec<Diagnostic>) -> Self {
        Self {
            source,
            found: RefCell::new(found),
        }
    }

    /// The text that is compiled.
    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    /// Notes a finding about this part of the text.
    pub(super) fn add(&self, mut diagnostic: Diagnostic, path: &Path, span: Span) {
        if diagnostic.title.is_none() {
            diagnostic.title = spoken(&diagnostic.message, path);
        }
        let mut found = self.found.borrow_mut();
        if found.len() < LIMIT {
            found.push(diagnostic.at(span, self.source).with_path(path.0.clone()));
        }
    }

    /// Whether further findings are dropped, and need not be worked out.
    pub(super) fn is_full(&self) -> bool {
        self.found.borrow().len() >= LIMIT
    }

    /// A broken rule, in Kestra's words.
    pub(super) fn rule(&self, path: &Path, span: Span, message: impl Into<String>) {
        self.add(Diagnostic::error(DiagnosticKind::Rule, message), path, span);
    }

    /// A value of the wrong form: Kestra's words, and ours.
    pub(super) fn structure(
        &self,
        path: &Path,
        span: Span,
        message: impl Into<String>,
        title: impl Into<String>,
    ) {
        self.add(
            Diagnostic::error(DiagnosticKind::Structure, message).titled(title),
            path,
            span,
        );
    }

    /// Something that is likely wrong, or that flowmill does not do.
    pub(super) fn warn(
        &self,
        kind: DiagnosticKind,
        path: &Path,
        span: Span,
        message: impl Into<String>,
    ) {
        self.add(Diagnostic::warning(kind, message), path, span);
    }

    /// Whether something was found that refuses the document.
    pub(super) fn has_errors(&self) -> bool {
        self.found.borrow().iter().any(Diagnostic::is_error)
    }

    /// All findings, in the order of the text.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        found.dedup();
        found
    }
}

impl Path {
    /// A member of what this path leads to.
    pub(super) fn key(&self, key: &str) -> Self {
        if self.0.is_empty() {
            Self(key.to_owned())
        } else {
            Self(format!("{}.{key}", self.0))
        }
    }

    /// An item of the list that this path leads to.
    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// A path below this one, as a catalogue gives it.
    pub(super) fn below(&self, path: &str) -> Self {
        match path {
            "" => self.clone(),
            _ if path.starts_with('[') => Self(format!("{}{path}", self.0)),
            _ => self.key(path),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Rules that speak of their property without naming it, for people.
fn spoken(message: &str, path: &Path) -> Option<String> {
    let name = path.0.rsplit('.').next().filter(|name| !name.is_empty())?;
    match message {
        "must not be null" => Some(format!("`{name}` is missing")),
        _ if message.starts_with("must ") => Some(format!("`{name}` {message}")),
        _ => None,
    }
}

/// What a value is, for a message: `a list`, `` `yes` ``.
pub(super) fn described(node: &Node) -> String {
    match node.as_scalar() {
        Some(scalar) if scalar.is_null() => "nothing".to_owned(),
        Some(scalar) => format!("`{}`", shortened(scalar.as_str())),
        None if node.as_sequence().is_some() => "a list".to_owned(),
        None => "a mapping".to_owned(),
    }
}

/// The first line of a text, at most 60 characters of it.
pub(super) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(60).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}
