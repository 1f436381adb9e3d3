//! What the compiler found, in the words of Kestra's answers.

use flowmill_common::yaml::{self, Diagnostic, DiagnosticKind, Severity};

use crate::error::{ApiError, Violation};

/// The errors of a text as one: a broken rule with its path, what is not YAML with the line itself, anything else as it is.
pub(crate) fn constraints(diagnostics: &[Diagnostic], source: &str) -> String {
    let sentences: Vec<String> = errors(diagnostics)
        .map(|diagnostic| sentence(diagnostic, source))
        .collect();
    sentences.join("\n")
}

/// 422 for a flow that is refused.
pub(crate) fn refused(diagnostics: Vec<Diagnostic>, source: &str) -> ApiError {
    let violations = errors(&diagnostics).map(violation).collect();
    ApiError::invalid_entity(constraints(&diagnostics, source))
        .with_violations(violations)
        .with_diagnostics(diagnostics)
}

/// One broken rule that is not in the text itself (`flow.id: Flow id already exists`).
pub(crate) fn rule(path: &str, message: &str) -> ApiError {
    let violation = Violation {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    ApiError::invalid_entity(format!("{path}: {message}")).with_violations(vec![violation])
}

fn errors(diagnostics: &[Diagnostic]) -> impl Iterator<Item = &Diagnostic> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
}

fn sentence(diagnostic: &Diagnostic, source: &str) -> String {
    match diagnostic.kind {
        DiagnosticKind::Rule if !diagnostic.path.is_empty() => {
            format!("{}: {}", diagnostic.path, diagnostic.message)
        }
        DiagnosticKind::Syntax => {
            let Diagnostic {
                message,
                line,
                column,
                ..
            } = diagnostic;
            let rendered = yaml::render(diagnostic, None, source);
            let excerpt = rendered.split_once('\n').map_or("", |(_, excerpt)| excerpt);
            format!("Illegal flow yaml: {message}\n in line {line}, column {column}:\n{excerpt}")
        }
        DiagnosticKind::Rule
        | DiagnosticKind::Structure
        | DiagnosticKind::Expression
        | DiagnosticKind::Deprecation
        | DiagnosticKind::Unsupported => diagnostic.message.clone(),
    }
}

fn violation(diagnostic: &Diagnostic) -> Violation {
    let path = if diagnostic.kind == DiagnosticKind::Syntax {
        "yaml"
    } else {
        &diagnostic.path
    };
    Violation {
        path: path.to_owned(),
        message: diagnostic.message.clone(),
    }
}
