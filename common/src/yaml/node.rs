//! The tree of a YAML document: each part knows where it was written.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::scalar::{Scalar, Style};

/// Where something stands in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The line of its beginning, from 1.
    pub line: usize,
    /// The column of its beginning in characters, from 1.
    pub column: usize,
    /// The byte at which it begins.
    pub start: usize,
    /// The byte after its end.
    pub end: usize,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands. What an alias or a merge key brought in stands where it was defined.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a part of a document is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values, in the order of the text.
    Mapping(Mapping),
}

/// Keys with values, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    entries: IndexMap<Arc<str>, Entry>,
}

/// A value of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where its key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Span {
    /// The bytes of the text that it covers.
    pub fn bytes(&self) -> Range<usize> {
        self.start..self.end
    }
}

impl Node {
    /// A scalar that stands nowhere itself but belongs to what stands at `span`.
    pub fn text(text: &str, span: Span) -> Self {
        Self {
            span,
            kind: Kind::Scalar(Scalar::text(text)),
        }
    }

    /// JSON as a tree; everything in it stands at `span`.
    pub fn from_json(value: &Value, span: Span) -> Self {
        let kind = match value {
            Value::Null => Kind::Scalar(Scalar::plain("null")),
            Value::Bool(flag) => Kind::Scalar(Scalar::plain(if *flag { "true" } else { "false" })),
            Value::Number(number) => Kind::Scalar(Scalar::plain(&number.to_string())),
            Value::String(text) => Kind::Scalar(Scalar::text(text)),
            Value::Array(items) => Kind::Sequence(
                items
                    .iter()
                    .map(|item| Self::from_json(item, span))
                    .collect(),
            ),
            Value::Object(members) => {
                let mut mapping = Mapping::default();
                for (key, member) in members {
                    mapping.insert(
                        key.as_str().into(),
                        Entry {
                            key_span: span,
                            value: Self::from_json(member, span),
                        },
                    );
                }
                Kind::Mapping(mapping)
            }
        };
        Self { span, kind }
    }

    /// As JSON, untyped scalars read by Kestra's table.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.value(),
            Kind::Sequence(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Kind::Mapping(mapping) => Value::Object(mapping.to_json()),
        }
    }

    /// The scalar, if it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// The text as written, if it is a scalar and not null.
    pub fn as_text(&self) -> Option<&str> {
        self.as_scalar()
            .filter(|scalar| !scalar.is_null())
            .map(Scalar::as_str)
    }

    /// The items, if it is a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            Kind::Scalar(_) | Kind::Mapping(_) => None,
        }
    }

    /// The keys and values, if it is a mapping.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.kind {
            Kind::Mapping(mapping) => Some(mapping),
            Kind::Scalar(_) | Kind::Sequence(_) => None,
        }
    }

    /// Whether it is null: nothing at all, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(Scalar::is_null)
    }

    /// How many values, lists and mappings it is made of.
    pub(crate) fn count(&self) -> usize {
        match &self.kind {
            Kind::Scalar(_) => 1,
            Kind::Sequence(items) => items.iter().map(Self::count).sum::<usize>() + 1,
            Kind::Mapping(mapping) => {
                mapping
                    .iter()
                    .map(|(_, entry)| entry.value.count())
                    .sum::<usize>()
                    + 1
            }
        }
    }

    fn move_to(&mut self, span: Span) {
        self.span = span;
        match &mut self.kind {
            Kind::Scalar(_) => {}
            Kind::Sequence(items) => items.iter_mut().for_each(|item| item.move_to(span)),
            Kind::Mapping(mapping) => *mapping = std::mem::take(mapping).at(span),
        }
    }

    /// Whether it is a block scalar (`|` or `>`).
    pub fn is_block(&self) -> bool {
        self.as_scalar()
            .is_some_and(|scalar| matches!(scalar.style(), Style::Literal | Style::Folded))
    }

    /// The part at a path such as `tasks[0].id`, or the nearest part above it; and whether all of the path was there.
    /// The keys of a path may hold dots and brackets themselves: the longest key that fits is taken.
    pub fn at_path(&self, path: &str) -> (Span, bool) {
        let mut node = self;
        let mut span = self.span;
        let mut rest = path;
        loop {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            if rest.is_empty() {
                return (span, true);
            }
            match node.step(rest) {
                Some((key_span, next, remaining)) => {
                    span = key_span;
                    node = next;
                    rest = remaining;
                }
                None => return (span, false),
            }
        }
    }

    /// One step down the path: where to point at, the part, and what is left of the path.
    fn step<'a, 'p>(&'a self, path: &'p str) -> Option<(Span, &'a Node, &'p str)> {
        match &self.kind {
            Kind::Scalar(_) => None,
            Kind::Sequence(items) => {
                let (index, remaining) = path.strip_prefix('[')?.split_once(']')?;
                let item = items.get(index.parse::<usize>().ok()?)?;
                Some((item.span, item, remaining))
            }
            Kind::Mapping(mapping) => {
                let bracketed = path.strip_prefix('[').unwrap_or(path);
                let (key, entry) = (mapping.iter())
                    .filter(|(key, _)| ends_a_step(bracketed.strip_prefix(*key)))
                    .max_by_key(|(key, _)| key.len())?;
                let remaining = &bracketed[key.len()..];
                let span = if entry.value.as_text().is_some() && !entry.value.is_block() {
                    entry.value.span
                } else {
                    entry.key_span
                };
                Some((
                    span,
                    &entry.value,
                    remaining.strip_prefix(']').unwrap_or(remaining),
                ))
            }
        }
    }
}

fn ends_a_step(remaining: Option<&str>) -> bool {
    remaining.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ']']))
}

impl Mapping {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The value of a key, and where the key stands.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Whether the key is there, be it with a null.
    pub fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// All keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (&**key, entry))
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds or replaces a key; a replaced one keeps its place.
    pub fn insert(&mut self, key: Arc<str>, entry: Entry) -> Option<Entry> {
        self.entries.insert(key, entry)
    }

    /// Changes all values.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.entries.values_mut().map(|entry| &mut entry.value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    /// Changes all values, seeing their keys.
    pub fn members_mut(&mut self) -> impl Iterator<Item = (&str, &mut Node)> {
        self.entries
            .iter_mut()
            .map(|(key, entry)| (&**key, &mut entry.value))
    }

    /// The same as if all of it stood at one place.
    pub(crate) fn at(mut self, span: Span) -> Self {
        for entry in self.entries.values_mut() {
            entry.key_span = span;
            entry.value.move_to(span);
        }
        self
    }

    /// As JSON, untyped scalars read by Kestra's table.
    pub fn to_json(&self) -> Map<String, Value> {
        self.iter()
            .map(|(key, entry)| (key.to_owned(), entry.value.to_json()))
            .collect()
    }
}
