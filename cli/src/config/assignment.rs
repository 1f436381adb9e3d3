//! What somebody set, and where: the common form of what the file, the environment and the flags say.

use std::fmt;

use flowmill_common::yaml::{self, Limits};
use serde_json::{Map, Value};

use super::settings::{Form, Setting};

/// One setting as somebody set it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// Which setting.
    pub(crate) path: Vec<String>,
    /// To what.
    pub(crate) value: Value,
    /// Where.
    pub(crate) origin: Origin,
}

/// Where a setting was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In the configuration file.
    File {
        /// The file as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// By this environment variable.
    Variable(String),
    /// By this flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// The value that a text means for a setting: what an environment variable or a flag holds.
pub(crate) fn value_of_text(setting: &Setting, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    let expected = |what: &str| format!("`{trimmed}` is not {what}");
    match &setting.form {
        Form::Text | Form::Choice(_) => Ok(Value::String(text.to_owned())),
        Form::Integer => trimmed
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| expected("a whole number")),
        Form::Number => trimmed
            .parse::<f64>()
            .map(Value::from)
            .map_err(|_| expected("a number")),
        Form::Flag => trimmed
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| expected("`true` or `false`")),
        Form::List if trimmed.is_empty() => Ok(Value::Array(Vec::new())),
        Form::List if trimmed.starts_with('[') => inline(trimmed),
        Form::List => Ok(trimmed
            .split(',')
            .map(|item| Value::String(item.trim().to_owned()))
            .collect()),
        Form::Map => match inline(trimmed)? {
            map @ Value::Object(_) => Ok(map),
            _ => Err(expected("a map such as `{name: value}`")),
        },
    }
}

/// A list or a map in one text, as YAML or JSON.
fn inline(text: &str) -> Result<Value, String> {
    let node = yaml::parse(text, &Limits::default());
    node.map(|node| node.to_json())
        .map_err(|problems| match problems.first() {
            Some(problem) => format!("`{text}` is not readable: {}", problem.message),
            None => format!("`{text}` is not readable"),
        })
}

/// The assignments as one tree; later ones win.
pub(crate) fn tree<'a>(assignments: impl IntoIterator<Item = &'a Assignment>) -> Value {
    let mut root = Map::new();
    for assignment in assignments {
        put(&mut root, &assignment.path, assignment.value.clone());
    }
    Value::Object(root)
}

fn put(map: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        map.insert(name.clone(), value);
        return;
    }
    let inner = map
        .entry(name.clone())
        .or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}
