//! The configuration file: YAML, each key checked against the settings that there are.

use std::path::Path;

use flowmill_common::yaml::{self, Diagnostic, DiagnosticKind, Entry, Kind, Limits, Node};
use flowmill_expression::nearest;
use serde_json::Value;

use super::assignment::{Assignment, Origin};
use super::settings::{Form, Section, Setting, Settings, kebab, shown};
use crate::exit::WrongInput;

/// Reads the file. The error shows each problem with its line.
pub(crate) fn read(settings: &Settings, file: &Path) -> anyhow::Result<Vec<Assignment>> {
    let shown = file.display().to_string();
    let source = std::fs::read_to_string(file).map_err(|error| {
        WrongInput::new(format!(
            "the configuration file `{shown}` cannot be read: {error}"
        ))
    })?;
    parse(settings, &shown, &source).map_err(|problems| {
        let rendered = yaml::render_all(&problems, Some(&shown), &source);
        WrongInput::new(format!("the configuration file is wrong\n{rendered}")).into()
    })
}

fn parse(
    settings: &Settings,
    file: &str,
    source: &str,
) -> Result<Vec<Assignment>, Vec<Diagnostic>> {
    if source
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return Ok(Vec::new());
    }
    let root = yaml::parse(source, &Limits::default())?;
    let mut reader = Reader {
        settings,
        file,
        source,
        found: Vec::new(),
        problems: Vec::new(),
    };
    if let Some(whole) = settings.section(&[]) {
        reader.section(whole, &root);
    }
    if reader.problems.is_empty() {
        Ok(reader.found)
    } else {
        Err(reader.problems)
    }
}

struct Reader<'a> {
    settings: &'a Settings,
    file: &'a str,
    source: &'a str,
    found: Vec<Assignment>,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn section(&mut self, section: &Section, node: &Node) {
        if node.is_null() {
            return;
        }
        let Some(mapping) = node.as_mapping() else {
            let name = if section.path.is_empty() {
                "the file".to_owned()
            } else {
                format!("`{}`", shown(&section.path))
            };
            self.problem(
                format!("{name} must hold settings, as in `{}: …`", example(section)),
                node,
                None,
            );
            return;
        };
        for (key, entry) in mapping.iter() {
            match section.member(key) {
                Some(member) => {
                    let path: Vec<String> = section
                        .path
                        .iter()
                        .cloned()
                        .chain([member.to_owned()])
                        .collect();
                    self.member(path, entry);
                }
                None => self.unknown(section, key, entry),
            }
        }
    }

    fn member(&mut self, path: Vec<String>, entry: &Entry) {
        if let Some(section) = self.settings.section(&path) {
            self.section(section, &entry.value);
        } else if let Some(setting) = self.settings.get(&path) {
            match value(setting, &entry.value) {
                Ok(value) => {
                    let span = entry.value.span;
                    let origin = Origin::File {
                        file: self.file.to_owned(),
                        line: span.line,
                        column: span.column,
                    };
                    self.found.push(Assignment {
                        path,
                        value,
                        origin,
                    });
                }
                Err(expected) => {
                    self.problem(
                        format!("`{}` must be {expected}", setting.name()),
                        &entry.value,
                        None,
                    );
                }
            }
        }
    }

    fn unknown(&mut self, section: &Section, key: &str, entry: &Entry) {
        let names: Vec<String> = section.members.iter().map(|member| kebab(member)).collect();
        let hint = match nearest(key, names.iter().map(String::as_str), 1).first() {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known: `{}`", names.join("`, `")),
        };
        let place = if section.path.is_empty() {
            String::new()
        } else {
            format!(" in `{}`", shown(&section.path))
        };
        let problem = Diagnostic::error(
            DiagnosticKind::Structure,
            format!("unknown setting `{key}`{place}"),
        )
        .with_hint(hint)
        .at(entry.key_span, self.source);
        self.problems.push(problem);
    }

    fn problem(&mut self, message: String, node: &Node, hint: Option<String>) {
        let problem =
            Diagnostic::error(DiagnosticKind::Structure, message).at(node.span, self.source);
        self.problems.push(match hint {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        });
    }
}

/// The value that a node gives a setting, or what it should have been.
fn value(setting: &Setting, node: &Node) -> Result<Value, &'static str> {
    if node.is_null() {
        return Ok(setting.default.clone());
    }
    match (&setting.form, &node.kind) {
        (Form::Text | Form::Choice(_), Kind::Scalar(_)) => Ok(node
            .as_text()
            .map_or(Value::Null, |text| Value::String(text.to_owned()))),
        (Form::Text | Form::Choice(_), _) => Err("a single value"),
        (Form::Integer | Form::Number | Form::Flag, Kind::Scalar(_)) => Ok(node.to_json()),
        (Form::Integer, _) => Err("a whole number"),
        (Form::Number, _) => Err("a number"),
        (Form::Flag, _) => Err("`true` or `false`"),
        (Form::List, Kind::Sequence(_)) | (Form::Map, Kind::Mapping(_)) => Ok(node.to_json()),
        (Form::List, _) => Err("a list"),
        (Form::Map, _) => Err("names with values"),
    }
}

fn example(section: &Section) -> String {
    section
        .members
        .first()
        .map_or_else(|| "name".to_owned(), |member| kebab(member))
}
