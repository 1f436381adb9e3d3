//! The parser's complaints in words that help, and the complaints of the composer.

use granit_parser::{ErrorKind, ScanError};

use super::compose::Limits;
use super::diagnostic::{Diagnostic, Kind};
use super::node::Span;

const QUOTE_EXPRESSION: &str = "a value that begins with an expression needs quotes: \"{{ … }}\"";
const QUOTE_COLON: &str =
    "a value that holds `: ` needs quotes, or a block: `key: |` with the text on the next lines";

/// What the parser says, with a hint for the usual mistakes.
pub(super) fn from_parser(error: &ScanError, source: &str, limits: &Limits) -> Diagnostic {
    let marker = error.marker();
    let (line, column) = match error.kind() {
        // the parser says where the text stops being indented, the quote that is not closed stands before
        ErrorKind::InvalidQuotedScalarIndent => open_quote(source, marker.line()),
        _ => within(source, marker.line().max(1), marker.col() + 1),
    };
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(
            Span {
                line,
                column,
                start: 0,
                end: 0,
            },
            limits,
        );
    }
    let mut diagnostic = Diagnostic::error(Kind::Syntax, words(error));
    diagnostic.line = line;
    diagnostic.column = column;
    diagnostic.hint = hint(error.kind(), line, source).map(str::to_owned);
    diagnostic
}

/// A place in the text: what the parser finds at the end of the text belongs to the last line.
fn within(source: &str, line: usize, column: usize) -> (usize, usize) {
    match source.lines().count() {
        lines if line > lines && lines > 0 => (
            lines,
            source.lines().last().unwrap_or_default().chars().count() + 1,
        ),
        _ => (line, column),
    }
}

/// The last quote before a line that has no other on its line.
fn open_quote(source: &str, line: usize) -> (usize, usize) {
    let before: Vec<&str> = source.lines().take(line).collect();
    for (index, text) in before.iter().enumerate().rev() {
        for quote in ['"', '\''] {
            let places: Vec<usize> = text
                .chars()
                .enumerate()
                .filter(|(_, unit)| *unit == quote)
                .map(|(place, _)| place)
                .collect();
            if places.len() % 2 == 1 {
                return (index + 1, places[places.len() - 1] + 1);
            }
        }
    }
    within(source, line.max(1), 1)
}

fn words(error: &ScanError) -> String {
    match error.kind() {
        ErrorKind::MappingValueNotAllowed => "mapping values are not allowed here".to_owned(),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInBlockIndentation => "a tab cannot be used for indentation".to_owned(),
        ErrorKind::UnknownAnchor => "this alias has no anchor before it".to_owned(),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "could not find expected `:`".to_owned()
        }
        ErrorKind::UnexpectedCharacter { character } => {
            format!(
                "found character `{}` that cannot start any value",
                character.escape_default()
            )
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            "a quote that is opened here is not closed".to_owned()
        }
        _ => error.info(),
    }
}

fn hint(kind: &ErrorKind, line: usize, source: &str) -> Option<&'static str> {
    if lines_around(source, line).any(begins_with_bare_expression) {
        return Some(QUOTE_EXPRESSION);
    }
    match kind {
        ErrorKind::MappingValueNotAllowed => Some(QUOTE_COLON),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInBlockIndentation => Some("use spaces, two for each level"),
        ErrorKind::UnknownAnchor => Some(
            "define it earlier with `&name`, or put the value in quotes if it is meant to begin with `*`",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => Some(
            "a key needs `: ` after it; text of several lines needs `|` and more indentation than its key",
        ),
        ErrorKind::UnexpectedCharacter { .. } => Some("put the value in quotes"),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed => {
            Some("keys of one mapping, and the dashes of one list, must stand in the same column")
        }
        ErrorKind::UnknownQuotedScalarEscape => Some(
            "in double quotes a backslash is written `\\\\`; in single quotes it stands for itself",
        ),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            Some("close the quote, or use a block: `key: |`")
        }
        ErrorKind::InvalidColonPlacement
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping => Some(
            "a `[` or `{` before this is not closed, or a text with `,`, `[` or `{` in it needs quotes",
        ),
        ErrorKind::InvalidBlockScalarIndent => {
            Some("every line of the block must be indented at least as far as its first line")
        }
        _ => None,
    }
}

fn lines_around(source: &str, line: usize) -> impl Iterator<Item = &str> {
    let first = line.saturating_sub(2);
    source.lines().skip(first).take(line - first)
}

/// `key: {{ …` or `- {{ …`, which YAML reads as a mapping in a mapping.
fn begins_with_bare_expression(line: &str) -> bool {
    [": {{", ": {%", "- {{", "- {%"]
        .iter()
        .any(|start| line.contains(start))
}

pub(super) fn key_is_no_text(span: Span, source: &str) -> Diagnostic {
    let line = lines_around(source, span.line).last().unwrap_or_default();
    let (message, hint) = if begins_with_bare_expression(line) {
        (
            "an expression without quotes around it: YAML reads its braces as mappings",
            QUOTE_EXPRESSION,
        )
    } else {
        (
            "a key must be text, this is a list, a mapping or an alias",
            "put the key in quotes",
        )
    };
    Diagnostic::error(Kind::Syntax, message).with_hint(hint).at(
        Span {
            end: span.start,
            ..span
        },
        source,
    )
}

pub(super) fn empty(span: Span) -> Diagnostic {
    at(span, "the document is empty")
        .with_hint("a flow needs at least `id`, `namespace` and `tasks`")
}

pub(super) fn several_documents(span: Span) -> Diagnostic {
    at(span, "a second document begins here")
        .with_hint("only one document is expected: remove the `---` or split the file")
}

pub(super) fn merge_of_no_mapping(span: Span) -> Diagnostic {
    at(span, "`<<` needs a mapping, or a list of mappings").with_hint("for example `<<: *defaults`")
}

pub(super) fn alias_of_itself(span: Span) -> Diagnostic {
    at(
        span,
        "this alias stands inside of what it stands for: it would hold itself",
    )
}

pub(super) fn too_big(bytes: usize, limit: usize) -> Diagnostic {
    Diagnostic::error(
        Kind::Syntax,
        format!("the document has {bytes} bytes, more than the limit of {limit}"),
    )
    .with_hint("keep long scripts and data in namespace files")
}

pub(super) fn too_many_nodes(span: Span, limits: &Limits) -> Diagnostic {
    at(
        span,
        format!(
            "the document has more than {} values, aliases expanded",
            limits.nodes
        ),
    )
}

pub(super) fn expands_too_far(span: Span, limits: &Limits) -> Diagnostic {
    at(
        span,
        format!(
            "the aliases of this document expand to more than {} bytes",
            limits.bytes
        ),
    )
}

pub(super) fn too_deep(span: Span, limits: &Limits) -> Diagnostic {
    at(
        span,
        format!(
            "lists and mappings lie more than {} levels deep within one another",
            limits.depth
        ),
    )
}

fn at(span: Span, message: impl Into<String>) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(Kind::Syntax, message);
    diagnostic.line = span.line.max(1);
    diagnostic.column = span.column.max(1);
    diagnostic
}
