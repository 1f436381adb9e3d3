//! What is wrong with a document, where, and what would be right.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::node::Span;

/// One finding about a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding it is.
    pub kind: Kind,
    /// What is wrong, in one sentence without a full stop. Where Kestra has a text for it, that text: this is what the API answers.
    pub message: String,
    /// The same for people, where `message` is clumsy; [`render`](super::render) shows it instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The property it is about: `tasks[0].message`; empty when it is about the whole document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of that line it is about, at least 1.
    pub length: usize,
    /// What would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Other places that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document is taken, but something about it is likely wrong.
    Warning,
    /// Worth knowing.
    Info,
}

/// What kind of finding it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The text is not YAML, or not one document, or beyond a limit. Kestra: `Illegal flow yaml: …`.
    Syntax,
    /// A property or a type that does not exist, or a value of the wrong form.
    Structure,
    /// A rule about values is broken. Kestra shows these with their path.
    Rule,
    /// An expression that will fail when it is rendered.
    Expression,
    /// An older name; the message is Kestra's info text.
    Deprecation,
    /// Known to Kestra, not done by flowmill.
    Unsupported,
}

/// Another place that belongs to a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// What is there.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of that line it is about, at least 1.
    pub length: usize,
}

impl Diagnostic {
    /// An error at the beginning of the document; the builders say more.
    pub fn error(kind: Kind, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, kind, message.into())
    }

    /// A warning at the beginning of the document.
    pub fn warning(kind: Kind, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, kind, message.into())
    }

    /// An information at the beginning of the document.
    pub fn info(kind: Kind, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, kind, message.into())
    }

    fn new(severity: Severity, kind: Kind, message: String) -> Self {
        Self {
            severity,
            kind,
            message,
            title: None,
            path: String::new(),
            line: 1,
            column: 1,
            length: 1,
            hint: None,
            related: Vec::new(),
        }
    }

    /// With words for people.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// With what would be right.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the property it is about.
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// With another place.
    pub fn with_related(mut self, related: Related) -> Self {
        self.related.push(related);
        self
    }

    /// At this part of the text, as far as it reaches on its first line.
    pub fn at(mut self, span: Span, source: &str) -> Self {
        let covered = source.get(span.bytes()).unwrap_or_default();
        self.line = span.line.max(1);
        self.column = span.column.max(1);
        self.length = covered
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end()
            .chars()
            .count()
            .max(1);
        self
    }

    /// Whether the document is refused because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The finding in a text before which other lines stand.
    pub fn shifted(mut self, lines_before: usize) -> Self {
        self.line += lines_before;
        for related in &mut self.related {
            related.line += lines_before;
        }
        self
    }

    /// The line of Kestra's `constraints`: rules with their path, everything else by its message alone.
    pub fn constraint(&self) -> String {
        match self.kind {
            Kind::Syntax => format!("Illegal flow yaml: {}", self.message),
            Kind::Rule if !self.path.is_empty() => format!("{}: {}", self.path, self.message),
            Kind::Rule
            | Kind::Structure
            | Kind::Expression
            | Kind::Deprecation
            | Kind::Unsupported => self.message.clone(),
        }
    }
}

/// One line without the text around it: `12:5: error: …`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.title.as_ref().unwrap_or(&self.message);
        write!(
            f,
            "{}:{}: {}: {message}",
            self.line, self.column, self.severity
        )?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}
