//! Events of the YAML parser to a tree: aliases and merge keys expanded, duplicate keys found, limits kept.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, StrInput, Tag as ParserTag};
use serde::{Deserialize, Serialize};

use super::diagnostic::{Diagnostic, Kind as DiagnosticKind, Related};
use super::node::{Entry, Kind, Mapping, Node, Span};
use super::scalar::{Scalar, Style, Tag};
use super::syntax;

/// What a document may cost to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Limits {
    /// The size of the text in bytes, and of all text that aliases bring in. Default 5 MiB.
    pub bytes: usize,
    /// The number of values, lists and mappings, aliases expanded. Default 100,000.
    pub nodes: usize,
    /// How deep lists and mappings may lie within one another. Default 64.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 5 << 20,
            nodes: 100_000,
            depth: 64,
        }
    }
}

/// Reads the one document of a text. Every problem is an error; there is at least one in an `Err`.
pub fn parse(source: &str, limits: &Limits) -> Result<Node, Vec<Diagnostic>> {
    let (node, problems) = compose(source, limits);
    match node {
        Some(node) if problems.is_empty() => Ok(node),
        _ => Err(problems),
    }
}

/// As [`parse`], but a document whose only problems are duplicate keys is given all the same (the first of each counts), so that
/// it can be looked at for more.
pub(crate) fn compose(source: &str, limits: &Limits) -> (Option<Node>, Vec<Diagnostic>) {
    if source.len() > limits.bytes {
        return (None, vec![syntax::too_big(source.len(), limits.bytes)]);
    }
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    // one more than the depth, so that it is our check that speaks
    let nesting = limits.depth.saturating_add(1);
    let mut options =
        granit_parser::options! { flow_nesting_limit: nesting, block_nesting_limit: nesting };
    options.set_emit_comments(false);
    let mut composer = Composer {
        source,
        base: source.len() - text.len(),
        parser: Parser::new_from_str_with_options(text, options),
        limits,
        anchors: HashMap::new(),
        nodes: 0,
        expanded: 0,
        path: Vec::new(),
        problems: Vec::new(),
    };
    match composer.stream() {
        Ok(node) => (Some(node), composer.problems),
        Err(problem) => {
            composer.problems.push(*problem);
            (None, composer.problems)
        }
    }
}

type Failure = Box<Diagnostic>;

struct Composer<'a> {
    /// The whole text, a byte order mark included.
    source: &'a str,
    /// How many bytes of the whole text the parser does not see.
    base: usize,
    parser: Parser<'a, StrInput<'a>>,
    limits: &'a Limits,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    /// Bytes of text that aliases brought in.
    expanded: usize,
    path: Vec<Step>,
    problems: Vec<Diagnostic>,
}

/// What an anchor stands for, and what it costs to use it.
struct Anchored {
    node: Node,
    cost: Cost,
}

#[derive(Clone, Copy, Default)]
struct Cost {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

enum Step {
    Key(Arc<str>),
    Index(usize),
}

impl<'a> Composer<'a> {
    fn stream(&mut self) -> Result<Node, Failure> {
        self.next()?; // the start of the stream
        let node = match self.next()? {
            (Event::DocumentStart(..), _) => {
                let (event, span) = self.next()?;
                self.node(event, span)?
            }
            (_, span) => return Err(Box::new(syntax::empty(span))),
        };
        self.next()?; // the end of the document
        match self.next()? {
            (Event::DocumentStart(..), span) => Err(Box::new(syntax::several_documents(span))),
            _ => Ok(node),
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Failure> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let span = self.span(span.start, span.end);
                Ok((event, span))
            }
            Some(Err(error)) => Err(Box::new(syntax::from_parser(
                &error,
                self.source,
                self.limits,
            ))),
            None => Ok((
                Event::StreamEnd,
                Span {
                    line: 1,
                    column: 1,
                    start: self.base,
                    end: self.base,
                },
            )),
        }
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        let place = |marker: Marker| self.base + marker.byte_offset().unwrap_or_default();
        Span {
            line: start.line().max(1),
            column: start.col() + 1,
            start: place(start),
            end: place(end),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Failure> {
        self.count(1, span)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar =
                    Scalar::new(Arc::from(&*text), style_of(style), tag_of(tag.as_deref()));
                let node = Node {
                    span,
                    kind: Kind::Scalar(scalar),
                };
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.check_depth(span)?;
                let node = self.sequence(span)?;
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::MappingStart(_, anchor, _) => {
                self.check_depth(span)?;
                let node = self.mapping(span)?;
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            // the parser gives nothing else where a node is due, with the options above
            _ => Err(Box::new(syntax::empty(span))),
        }
    }

    fn sequence(&mut self, mut span: Span) -> Result<Node, Failure> {
        let mut items = Vec::new();
        loop {
            let (event, item_span) = self.next()?;
            if event == Event::SequenceEnd {
                span.end = item_span.end;
                return Ok(Node {
                    span,
                    kind: Kind::Sequence(items),
                });
            }
            self.path.push(Step::Index(items.len()));
            items.push(self.node(event, item_span)?);
            self.path.pop();
        }
    }

    fn mapping(&mut self, mut span: Span) -> Result<Node, Failure> {
        let mut mapping = Mapping::default();
        let mut inherited: Vec<(Span, Node)> = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            let (key, is_merge) = match event {
                Event::MappingEnd => {
                    span.end = key_span.end;
                    break;
                }
                Event::Scalar(text, style, _, tag) => (
                    Arc::from(&*text),
                    &*text == "<<" && style == ScalarStyle::Plain && tag.is_none(),
                ),
                _ => return Err(Box::new(syntax::key_is_no_text(key_span, self.source))),
            };
            self.path.push(Step::Key(Arc::clone(&key)));
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span)?;
            if is_merge {
                inherited.push((key_span, value));
            } else if let Some(first) = mapping.entry(&key) {
                let problem = self.duplicate(&key, key_span, first.key_span);
                self.problems.push(problem);
            } else {
                mapping.insert(key, Entry { key_span, value });
            }
            self.path.pop();
        }
        for (key_span, value) in inherited {
            self.inherit(&mut mapping, key_span, value)?;
        }
        Ok(Node {
            span,
            kind: Kind::Mapping(mapping),
        })
    }

    /// What `<<` brings in: own keys win, of several mappings the earlier one.
    fn inherit(
        &mut self,
        mapping: &mut Mapping,
        key_span: Span,
        value: Node,
    ) -> Result<(), Failure> {
        match value.kind {
            Kind::Mapping(parent) => {
                for (key, entry) in parent.iter() {
                    if !mapping.contains(key) {
                        mapping.insert(key.into(), entry.clone());
                    }
                }
                Ok(())
            }
            Kind::Sequence(parents) => {
                for parent in parents {
                    self.inherit(mapping, key_span, parent)?;
                }
                Ok(())
            }
            Kind::Scalar(scalar) if scalar.is_null() => Ok(()),
            Kind::Scalar(_) => Err(Box::new(syntax::merge_of_no_mapping(key_span))),
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Failure> {
        let Some(Anchored { cost, .. }) = self.anchors.get(&anchor) else {
            return Err(Box::new(syntax::alias_of_itself(span)));
        };
        let cost = *cost;
        self.count(cost.nodes.saturating_sub(1), span)?;
        self.expanded = self.expanded.saturating_add(cost.bytes);
        if self.expanded > self.limits.bytes {
            return Err(Box::new(syntax::expands_too_far(span, self.limits)));
        }
        if self.path.len() + cost.depth > self.limits.depth {
            return Err(Box::new(syntax::too_deep(span, self.limits)));
        }
        Ok(self.anchors[&anchor].node.clone())
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    cost: cost(node),
                },
            );
        }
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Failure> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.limits.nodes {
            return Err(Box::new(syntax::too_many_nodes(span, self.limits)));
        }
        Ok(())
    }

    fn check_depth(&self, span: Span) -> Result<(), Failure> {
        if self.path.len() >= self.limits.depth {
            return Err(Box::new(syntax::too_deep(span, self.limits)));
        }
        Ok(())
    }

    fn duplicate(&self, key: &str, span: Span, first: Span) -> Diagnostic {
        let first_place = Related {
            message: "first here".to_owned(),
            line: first.line,
            column: first.column,
            length: key.chars().count().max(1),
        };
        Diagnostic::error(DiagnosticKind::Syntax, format!("Duplicate field '{key}'"))
            .titled(format!(
                "duplicate key `{key}`, already given on line {}",
                first.line
            ))
            .at(span, self.source)
            .with_path(self.path_text())
            .with_related(first_place)
            .with_hint("a key may stand only once in a mapping: remove or rename one of them")
    }

    fn path_text(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if text.is_empty() => text.push_str(key),
                Step::Key(key) => {
                    text.push('.');
                    text.push_str(key);
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

fn cost(node: &Node) -> Cost {
    let (own_bytes, own_depth) = match &node.kind {
        Kind::Scalar(scalar) => (scalar.as_str().len(), 0),
        Kind::Sequence(_) | Kind::Mapping(_) => (0, 1),
    };
    let mut total = Cost {
        nodes: 1,
        bytes: own_bytes,
        depth: own_depth,
    };
    let mut add = |below: &Node, key: usize| {
        let below = cost(below);
        total.nodes = total.nodes.saturating_add(below.nodes);
        total.bytes = total.bytes.saturating_add(below.bytes).saturating_add(key);
        total.depth = total.depth.max(below.depth + 1);
    };
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => items.iter().for_each(|item| add(item, 0)),
        Kind::Mapping(mapping) => mapping
            .iter()
            .for_each(|(key, entry)| add(&entry.value, key.len())),
    }
    total
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn tag_of(tag: Option<&ParserTag>) -> Tag {
    match tag {
        None => Tag::None,
        Some(tag) => match tag.core_suffix() {
            Some("int" | "float" | "bool" | "null") => Tag::Plain,
            _ => Tag::Text,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(source: &str) -> serde_json::Value {
        parse(source, &Limits::default()).expect(source).to_json()
    }

    fn refused(source: &str) -> Diagnostic {
        parse(source, &Limits::default())
            .expect_err(source)
            .remove(0)
    }

    #[test]
    fn aliases_and_merge_keys_are_expanded_and_own_keys_win() {
        let source = "base: &b {a: 1, b: 2}\nmore: &m {b: 3, c: 4}\nall:\n  <<: [*b, *m]\n  a: 0\nlist: [*b]\n";
        let value = read(source);
        assert_eq!(value["all"], json!({"a": 0, "b": 2, "c": 4}));
        assert_eq!(value["list"][0], json!({"a": 1, "b": 2}));
    }

    #[test]
    fn a_duplicate_key_names_both_places() {
        let problem = refused("a: 1\nb:\n  - x: 1\n    x: 2\n");
        assert_eq!(problem.message, "Duplicate field 'x'");
        assert_eq!(
            (problem.line, problem.column, problem.path.as_str()),
            (4, 5, "b[0].x")
        );
        assert_eq!((problem.related[0].line, problem.related[0].column), (3, 5));
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
        let node = parse("\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n", &Limits::default()).unwrap();
        assert_eq!(node.to_json(), json!({"a": 1, "b": "x\ny\n"}));
        let entry = node.as_mapping().unwrap().entry("a").unwrap();
        assert_eq!(
            (
                entry.key_span.line,
                entry.key_span.column,
                entry.key_span.start
            ),
            (1, 1, 3)
        );
    }

    #[test]
    fn spans_cover_what_was_written() {
        let source = "ä: 'x y'\nlist:\n  - {k: \"v\"}\n";
        let node = parse(source, &Limits::default()).unwrap();
        let root = node.as_mapping().unwrap();
        assert_eq!(&source[root.get("ä").unwrap().span.bytes()], "'x y'");
        let (span, whole) = node.at_path("list[0].k");
        assert!(whole);
        assert_eq!(
            (&source[span.bytes()], span.line, span.column),
            ("\"v\"", 3, 9)
        );
        assert!(!node.at_path("list[0].other").1);
    }

    #[test]
    fn limits_are_kept_with_a_word_about_which() {
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let below = level - 1;
            laughs.push_str(&format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{below}"); 10].join(", ")
            ));
        }
        assert!(
            refused(&laughs).message.contains("100000"),
            "{:?}",
            refused(&laughs)
        );
        assert!(refused(&"[".repeat(100_000)).message.contains("64"));
        assert!(refused(&"- ".repeat(20_000)).message.contains("64"));
        assert!(refused(&"x".repeat(6 << 20)).message.contains("5242880"));
        let long = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(100_000),
            vec!["*a"; 100].join(", ")
        );
        assert!(
            refused(&long).message.contains("alias"),
            "{:?}",
            refused(&long)
        );
        assert!(refused("a: &a [*a]\n").message.contains("itself"));
    }

    #[test]
    fn only_one_document_is_taken() {
        assert_eq!(refused("a: 1\n---\nb: 2\n").line, 2);
        assert!(refused("").message.contains("empty"));
        assert!(refused("# nothing\n").message.contains("empty"));
        assert_eq!(read("---\na: 1\n...\n"), json!({"a": 1}));
    }

    #[test]
    fn tags_say_what_a_scalar_is() {
        assert_eq!(
            read("a: !!str 12\nb: !!int '12'\nc: !mine 7\n"),
            json!({"a": "12", "b": 12, "c": "7"})
        );
    }
}
