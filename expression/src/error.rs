//! What goes wrong, said twice: in Kestra's words, and with the place, a caret and the nearest names.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::nearest::nearest;
use crate::{Need, Value};

/// A failed compilation or rendering.
///
/// [`Error::message`] is the one line Kestra would log. [`fmt::Display`] adds the line, the column, the offending piece
/// with a caret under it and, for names, the nearest that exist.
#[derive(Clone)]
pub struct Error(Box<Details>);

#[derive(Clone)]
struct Details {
    kind: ErrorKind,
    text: String,
    origin: Option<Origin>,
    /// The map in which an attribute was looked for; names are read from it only when the error is final.
    container: Option<Value>,
    /// The names that exist, where one is missing and none is near to it.
    existing: Option<Existing>,
    /// What went wrong inside, where Kestra's message does not say it.
    cause: Option<String>,
}

/// A piece of a text. Its line and column are counted only when someone asks: most errors are made to be swallowed.
#[derive(Clone)]
struct Origin {
    template: Arc<str>,
    offset: usize,
    length: usize,
    place: OnceLock<Place>,
}

/// Some of the names of a map, and how many there are.
#[derive(Clone)]
struct Existing {
    names: Vec<String>,
    total: usize,
}

/// How many existing names a message lists when none is near.
const LISTED_NAMES: usize = 8;

/// Where in which text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The whole text of the expression.
    pub template: Arc<str>,
    /// Byte offset of the offending piece.
    pub offset: usize,
    /// Its length in bytes; 0 when it is only a point.
    pub length: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// What kind of failure, for callers that treat them differently.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not an expression.
    Syntax,
    /// A variable or attribute does not exist.
    Undefined {
        /// Its name, as Kestra reports it.
        name: String,
        /// Existing names near to it, the nearest first; at most three.
        candidates: Vec<String>,
    },
    /// An operator, filter or function refused its operands.
    Evaluation,
    /// A fact must be fetched first; render again when it is there.
    Need(Need),
    /// A limit of [`crate::Limits`] was reached.
    Limit(Limit),
}

/// The limit that was reached; named as the fields of [`crate::Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`crate::Limits::steps`]
    Steps,
    /// [`crate::Limits::nesting`]
    Nesting,
    /// [`crate::Limits::depth`]
    Depth,
    /// [`crate::Limits::value_depth`]
    ValueDepth,
    /// [`crate::Limits::template_bytes`]
    TemplateBytes,
    /// [`crate::Limits::output_bytes`]
    OutputBytes,
    /// [`crate::Limits::range`]
    Range,
    /// [`crate::Limits::render_rounds`]
    RenderRounds,
    /// [`crate::Limits::regex_bytes`], [`crate::Limits::regex_size`] or [`crate::Limits::regex_backtracks`]
    Regex,
    /// [`crate::Limits::jq_bytes`]
    JqBytes,
    /// [`crate::Limits::jq_steps`]
    JqSteps,
    /// [`crate::Limits::jq_outputs`]
    JqOutputs,
    /// [`crate::Limits::number_digits`]
    NumberDigits,
}

impl Error {
    /// A failed evaluation: what an [`crate::Object`] or a host reports.
    pub fn evaluation(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Evaluation, message.into())
    }

    /// A fact that must be fetched before the text can be rendered.
    pub fn need(need: Need) -> Error {
        let text = format!(
            "`{}` must be fetched before this expression can be rendered",
            need.name()
        );
        Error::new(ErrorKind::Need(need), text)
    }

    pub(crate) fn syntax(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Syntax, message.into())
    }

    pub(crate) fn limit(limit: Limit, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Limit(limit), message.into())
    }

    pub(crate) fn undefined(name: impl Into<String>, container: Option<Value>) -> Error {
        let kind = ErrorKind::Undefined {
            name: name.into(),
            candidates: Vec::new(),
        };
        let mut error = Error::new(kind, String::new());
        error.0.container = container;
        error
    }

    fn new(kind: ErrorKind, text: String) -> Error {
        Error(Box::new(Details {
            kind,
            text,
            origin: None,
            container: None,
            existing: None,
            cause: None,
        }))
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where it happened; `None` only for errors a host made and no rendering has seen yet.
    pub fn place(&self) -> Option<&Place> {
        self.0.origin.as_ref().map(Origin::place)
    }

    /// The need that must be met first, if that is what stopped the rendering.
    pub fn as_need(&self) -> Option<&Need> {
        match &self.0.kind {
            ErrorKind::Need(need) => Some(need),
            _ => None,
        }
    }

    /// What is wrong, without the place.
    pub fn text(&self) -> String {
        match &self.0.kind {
            ErrorKind::Undefined { name, .. } => format!("Unable to find `{name}`"),
            _ => self.0.text.clone(),
        }
    }

    /// Kestra's own message, in one line but for line breaks of the template itself.
    pub fn message(&self) -> String {
        let Some(place) = self.place() else {
            return self.text();
        };
        let Place { template, line, .. } = place;
        match &self.0.kind {
            ErrorKind::Undefined { name, .. } => {
                format!(
                    "Unable to find `{name}` used in the expression `{template}` at line {line}"
                )
            }
            ErrorKind::Syntax => {
                format!(
                    "io.pebbletemplates.pebble.error.ParserException: {} ({template}:{line})",
                    self.0.text
                )
            }
            _ => format!(
                "io.pebbletemplates.pebble.error.PebbleException: {} ({template}:{line})",
                self.0.text
            ),
        }
    }

    pub(crate) fn is_undefined(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Undefined { .. })
    }

    /// Whether an operator may wrap or a caller may swallow it: needs and limits always pass through.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Need(_) | ErrorKind::Limit(_))
    }

    pub(crate) fn has_place(&self) -> bool {
        self.0.origin.is_some()
    }

    /// Notes where it happened, unless a more inner part already did.
    pub(crate) fn at(mut self, template: &Arc<str>, offset: usize, length: usize) -> Error {
        if self.0.origin.is_none() {
            self.0.origin = Some(Origin {
                template: Arc::clone(template),
                offset,
                length,
                place: OnceLock::new(),
            });
        }
        self
    }

    /// Notes what went wrong inside, for [`fmt::Display`].
    pub(crate) fn caused_by(mut self, cause: &Error) -> Error {
        self.0.cause = Some(cause.0.cause.clone().unwrap_or_else(|| cause.text()));
        self
    }

    /// Adds something helpful to what [`fmt::Display`] says.
    pub(crate) fn hint(mut self, hint: String) -> Error {
        self.0.cause = Some(hint);
        self
    }

    /// Reads the nearest names from where the missing one was looked for.
    pub(crate) fn with_candidates(mut self, root: impl FnOnce() -> Vec<Arc<str>>) -> Error {
        if let ErrorKind::Undefined { name, candidates } = &mut self.0.kind
            && candidates.is_empty()
        {
            let names = match self.0.container.take() {
                Some(container) => container
                    .as_object()
                    .map(|object| object.keys())
                    .unwrap_or_default(),
                None => root(),
            };
            *candidates = nearest(name, names.iter().map(|name| &**name), 3);
            if candidates.is_empty() {
                let listed = names.iter().take(LISTED_NAMES).map(|name| name.to_string());
                self.0.existing = Some(Existing {
                    names: listed.collect(),
                    total: names.len(),
                });
            }
        }
        self
    }

    /// What to do about it, for [`fmt::Display`].
    fn advice(&self) -> Option<String> {
        match (&self.0.kind, &self.0.existing) {
            (ErrorKind::Undefined { candidates, .. }, _) if !candidates.is_empty() => {
                Some(format!("did you mean `{}`?", candidates.join("` or `")))
            }
            (ErrorKind::Undefined { name, .. }, Some(existing)) => Some(existing.describe(name)),
            _ => None,
        }
    }
}

impl Existing {
    fn describe(&self, missing: &str) -> String {
        let listed = self.names.join("`, `");
        match self.total - self.names.len() {
            _ if self.total == 0 => format!("`{missing}` is undefined here; there is nothing"),
            0 => format!("`{missing}` is undefined here; there is: `{listed}`"),
            more => format!("`{missing}` is undefined here; there is: `{listed}` and {more} more"),
        }
    }
}

impl Origin {
    fn place(&self) -> &Place {
        self.place
            .get_or_init(|| Place::new(&self.template, self.offset, self.length))
    }
}

impl Place {
    pub(crate) fn new(template: &Arc<str>, offset: usize, length: usize) -> Place {
        // A piece may be given by bytes that cut a sign in two; its place has whole signs.
        let end = offset.saturating_add(length).min(template.len());
        let offset = template.floor_char_boundary(offset);
        let end = template.ceil_char_boundary(end).max(offset);
        let before = &template[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            template: Arc::clone(template),
            offset,
            length: end - offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The line of the template, cut to what fits a terminal, and the column at which the caret stands below it.
    fn excerpt(&self) -> (String, usize) {
        const WIDTH: usize = 100;
        let line = self.template.lines().nth(self.line - 1).unwrap_or_default();
        let skipped = (self.column - 1).saturating_sub(WIDTH / 2);
        let shown: String = line
            .chars()
            .skip(skipped)
            .take(WIDTH)
            .map(|unit| if unit.is_control() { ' ' } else { unit })
            .collect();
        (shown, self.column - 1 - skipped)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = self.place() else {
            return formatter.write_str(&self.text());
        };
        formatter.write_str(&self.message())?;
        let (excerpt, caret) = place.excerpt();
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let room = excerpt.chars().count().saturating_sub(caret).max(1);
        let piece = &place.template[place.offset..place.offset + place.length];
        let width = piece
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            .clamp(1, room);
        writeln!(
            formatter,
            "\n{margin}--> line {}, column {}",
            place.line, place.column
        )?;
        writeln!(formatter, "{margin} |")?;
        writeln!(formatter, "{number} | {excerpt}")?;
        write!(
            formatter,
            "{margin} | {}{}",
            " ".repeat(caret),
            "^".repeat(width)
        )?;
        if let Some(advice) = self.advice() {
            write!(formatter, " {advice}")?;
        }
        if let Some(cause) = &self.0.cause {
            write!(formatter, " {cause}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("text", &self.text())
            .field("place", &self.place())
            .finish()
    }
}

impl std::error::Error for Error {}
