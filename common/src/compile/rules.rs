//! Rules about a flow as a whole.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;
use regex::Regex;

use super::flow::{Compiler, NamedPlace};
use super::object::Object;
use super::report::Path;
use crate::flow::Flow;
use crate::yaml::{Diagnostic, DiagnosticKind, Kind, Node, Related, Span};

/// No more names are listed in one message.
const LISTED: usize = 20;

impl<'a> Compiler<'a> {
    /// Everything that can only be said when all parts are known.
    pub(super) fn check_flow(&self, flow: &Flow, object: &Object<'a>) {
        let ids = self.task_ids.borrow();
        self.refuse_duplicates(&ids, "task id with name");
        self.check_dashes(flow, object);
        self.check_expressions(flow, object);
    }

    /// Refuses names that stand more than once; Kestra names them all in one message.
    pub(super) fn refuse_duplicates(&self, names: &[NamedPlace], what: &str) {
        let mut first_places: HashMap<&str, Span> = HashMap::new();
        let mut duplicates: IndexSet<&str> = IndexSet::new();
        for (name, span, _) in names {
            if first_places.contains_key(&**name) {
                duplicates.insert(name);
            } else {
                first_places.insert(name, *span);
            }
        }
        if duplicates.is_empty() {
            return;
        }
        let mut listed: Vec<&str> = duplicates.iter().take(LISTED).copied().collect();
        if duplicates.len() > LISTED {
            listed.push("…");
        }
        let message = format!("Duplicate {what} [{}]", listed.join(", "));
        let mut met: HashSet<&str> = HashSet::new();
        for (name, span, path) in names {
            if !duplicates.contains(&**name) || met.insert(name) {
                continue;
            }
            if self.report.is_full() {
                return;
            }
            let first = first_places[&**name];
            let related = Related {
                message: "first here".to_owned(),
                line: first.line,
                column: first.column,
                length: name.chars().count().max(1),
            };
            let short = what.trim_end_matches(" with name");
            let diagnostic = Diagnostic::error(DiagnosticKind::Rule, message.clone())
                .titled(format!(
                    "duplicate {short} `{name}`, already used on line {}",
                    first.line
                ))
                .with_related(related);
            self.report.add(diagnostic, path, *span);
        }
    }

    /// `{{ inputs.my-input }}` is a subtraction: 1.3 refuses it where it stands alone in its braces.
    fn check_dashes(&self, flow: &Flow, object: &Object<'a>) {
        let inputs: Vec<&str> = flow.inputs.iter().map(|input| &*input.id).collect();
        let ids = self.task_ids.borrow();
        let tasks: Vec<&str> = ids.iter().map(|(id, ..)| &**id).collect();
        let input_pattern =
            dashed(&inputs).map(|names| format!(r"\{{\{{\s*inputs\.(?:{names})\s*\}}\}}"));
        let output_pattern =
            dashed(&tasks).map(|names| format!(r"\{{\{{\s*outputs\.(?:{names})\.[^}}]+\s*\}}\}}"));
        for (what, pattern) in [("input", input_pattern), ("output", output_pattern)] {
            let Some(pattern) = pattern.and_then(|pattern| Regex::new(&pattern).ok()) else {
                continue;
            };
            let mut offending = Offending {
                pattern: &pattern,
                found: Vec::new(),
            };
            for key in ["tasks", "errors", "finally", "afterExecution", "listeners"] {
                if let Some(node) = object.node(key) {
                    offending.walk(node, None, &Path::default().key(key));
                }
            }
            self.refuse_dashes(what, "tasks", offending);
            if let Some(node) = object.node("outputs").filter(|_| what == "output") {
                let mut offending = Offending {
                    pattern: &pattern,
                    found: Vec::new(),
                };
                offending.walk(node, None, &Path::default().key("outputs"));
                self.refuse_dashes(what, "outputs", offending);
            }
        }
    }

    fn refuse_dashes(&self, what: &str, offenders: &str, offending: Offending<'a, '_>) {
        let mut owners: Vec<&str> = Vec::new();
        for (owner, ..) in &offending.found {
            if !owners.contains(owner) {
                owners.push(owner);
            }
        }
        for (_, node, path, text) in &offending.found {
            let message = format!(
                "Invalid {what} reference: use {what}s[key-name] instead of {what}s.key-name — keys with dashes require \
                 bracket notation, offending {offenders}: [{}]",
                owners.join(", ")
            );
            let offset = node
                .as_text()
                .and_then(|whole| whole.find(text.as_str()))
                .unwrap_or_default();
            let span = crate::yaml::locate(self.report.source(), node, offset, text.len());
            let diagnostic = Diagnostic::error(DiagnosticKind::Rule, message)
                .titled(format!("`{text}` reads as a subtraction"))
                .with_hint(format!("write `{}`", bracketed(text)));
            self.report.add(diagnostic, path, span);
        }
    }
}

/// The names that have a dash, as alternatives of a regular expression.
fn dashed(names: &[&str]) -> Option<String> {
    let names: Vec<String> = names
        .iter()
        .filter(|name| name.contains('-'))
        .map(|name| regex::escape(name))
        .collect();
    (!names.is_empty()).then(|| names.join("|"))
}

/// `{{ inputs.my-input }}` as it should be: `{{ inputs['my-input'] }}`.
fn bracketed(text: &str) -> String {
    let Some((root, rest)) = text.split_once('.') else {
        return text.to_owned();
    };
    let end = rest
        .find(|unit: char| !unit.is_alphanumeric() && unit != '_' && unit != '-')
        .unwrap_or(rest.len());
    format!("{root}['{}']{}", &rest[..end], &rest[end..])
}

/// Texts of tasks (or outputs) that match a pattern, with the id of the innermost one that they belong to.
struct Offending<'a, 'p> {
    pattern: &'p Regex,
    found: Vec<(&'a str, &'a Node, Path, String)>,
}

impl<'a> Offending<'a, '_> {
    fn walk(&mut self, node: &'a Node, owner: Option<&'a str>, path: &Path) {
        match &node.kind {
            Kind::Scalar(scalar) => {
                if let Some(owner) = owner
                    && let Some(hit) = self.pattern.find(scalar.as_str())
                {
                    self.found
                        .push((owner, node, path.clone(), hit.as_str().to_owned()));
                }
            }
            Kind::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, owner, &path.index(index));
                }
            }
            Kind::Mapping(mapping) => {
                let named = mapping
                    .get("type")
                    .and_then(|_| mapping.get("id"))
                    .and_then(Node::as_text);
                for (key, entry) in mapping.iter() {
                    self.walk(&entry.value, named.or(owner), &path.key(key));
                }
            }
        }
    }
}
