//! Checks of a text before it is ever rendered.

use crate::engine::Template;
use crate::error::{Error, Place};
use crate::nearest::nearest;
use crate::survey::{PathUse, ProblemKind, survey};
use crate::syntax::ast::Span;

/// What the caller knows about the variables a text will see.
pub trait Known {
    /// The names below `path` (the root variables for the empty path), if they are all known and no others can appear;
    /// `None` when anything may be there.
    fn names(&self, path: &[&str]) -> Option<Vec<String>>;
}

/// Nothing is known: every path is accepted.
impl Known for () {
    fn names(&self, _path: &[&str]) -> Option<Vec<String>> {
        None
    }
}

impl<F: Fn(&[&str]) -> Option<Vec<String>>> Known for F {
    fn names(&self, path: &[&str]) -> Option<Vec<String>> {
        self(path)
    }
}

/// Something a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub code: FindingCode,
    /// Whether the text can never be rendered, or only may fail.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The nearest existing name, if there is one.
    pub suggestion: Option<String>,
    /// The path that does not exist, for [`FindingCode::UnknownPath`].
    pub path: Vec<String>,
    /// Byte offset of the piece in the text.
    pub offset: usize,
    /// Its length in bytes.
    pub length: usize,
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The text may fail when it is rendered; Kestra would accept it.
    Warning,
    /// The text can never be rendered.
    Error,
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingCode {
    /// The text is not an expression.
    Syntax,
    /// A filter of this name does not exist.
    UnknownFilter,
    /// A function or macro of this name does not exist.
    UnknownFunction,
    /// A test of this name does not exist.
    UnknownTest,
    /// Too many arguments, or a named argument that does not exist.
    Arguments,
    /// A path that the caller knows not to exist.
    UnknownPath,
}

/// What is wrong with a template, in the order of the text.
pub(crate) fn check(template: &Template, known: &dyn Known) -> Vec<Finding> {
    let survey = survey(template);
    let severity = |conditional: bool| {
        if conditional {
            Severity::Warning
        } else {
            Severity::Error
        }
    };
    let mut findings: Vec<Finding> = survey
        .problems
        .into_iter()
        .map(|problem| {
            let code = match problem.kind {
                ProblemKind::Filter => FindingCode::UnknownFilter,
                ProblemKind::Function => FindingCode::UnknownFunction,
                ProblemKind::Test => FindingCode::UnknownTest,
                ProblemKind::Arguments => FindingCode::Arguments,
            };
            let finding = Finding::at(
                template,
                problem.span,
                code,
                severity(problem.conditional),
                problem.message,
            );
            Finding {
                suggestion: problem.suggestion,
                ..finding
            }
        })
        .collect();
    let paths = survey.paths.iter().filter(|path| !path.guarded);
    findings.extend(
        paths.filter_map(|path| unknown_path(template, path, known, severity(path.conditional))),
    );
    findings.sort_by_key(|finding| finding.offset);
    findings
}

/// The first segment of a path that is known not to exist.
fn unknown_path(
    template: &Template,
    path: &PathUse,
    known: &dyn Known,
    severity: Severity,
) -> Option<Finding> {
    let segments: Vec<&str> = path.segments.iter().map(|(name, _)| &**name).collect();
    for (index, (name, span)) in path.segments.iter().enumerate() {
        let parent = &segments[..index];
        let Some(names) = known.names(parent) else {
            // Nothing is known here, and so nothing further down, unless the caller says so for an inner path.
            continue;
        };
        if names.iter().any(|known| **known == **name) || (index == 0 && **name == *"locale") {
            continue;
        }
        let suggestion = nearest(name, names.iter().map(String::as_str), 1).pop();
        let shown = segments[..=index].join(".");
        let mut message = format!("`{shown}` does not exist");
        match &suggestion {
            Some(near) => message.push_str(&format!("; did you mean `{near}`?")),
            None if !names.is_empty() && names.len() <= 10 => {
                message.push_str(&format!(" (there is `{}`)", names.join("`, `")));
            }
            None => {}
        }
        let finding = Finding::at(template, *span, FindingCode::UnknownPath, severity, message);
        let path = segments[..=index]
            .iter()
            .map(|segment| (*segment).to_owned())
            .collect();
        return Some(Finding {
            suggestion,
            path,
            ..finding
        });
    }
    None
}

impl Finding {
    fn at(
        template: &Template,
        span: Span,
        code: FindingCode,
        severity: Severity,
        message: String,
    ) -> Finding {
        let place = Place::new(
            template.source(),
            span.offset as usize,
            span.length as usize,
        );
        Finding {
            code,
            severity,
            message,
            suggestion: None,
            path: Vec::new(),
            offset: place.offset,
            length: place.length,
            line: place.line,
            column: place.column,
        }
    }

    /// A text that cannot be read.
    pub(crate) fn from_syntax(error: &Error) -> Finding {
        let place = error.place();
        Finding {
            code: FindingCode::Syntax,
            severity: Severity::Error,
            message: error.text(),
            suggestion: None,
            path: Vec::new(),
            offset: place.map_or(0, |place| place.offset),
            length: place.map_or(0, |place| place.length),
            line: place.map_or(1, |place| place.line),
            column: place.map_or(1, |place| place.column),
        }
    }
}
