//! Where a text prints to.

use crate::Value;
use crate::error::Error;
use crate::formats::text::Text;
use crate::formats::{java_text, json_read, json_write};
use crate::value::Kind;

/// The three ways of printing.
#[derive(Debug)]
pub(crate) enum Output {
    /// A text; lists and maps print as JSON.
    Json(Text),
    /// A text; lists and maps print as Java prints them. Macros, filter blocks and `block()` print so.
    Java(Text),
    /// A value that keeps its type.
    Typed(Typed),
}

impl Output {
    #[inline]
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Error> {
        match self {
            Output::Json(output) | Output::Java(output) => output.push_str(text),
            Output::Typed(typed) => typed.push(Value::from(text)),
        }
    }

    #[inline]
    pub(crate) fn value(&mut self, value: &Value) -> Result<(), Error> {
        match self {
            Output::Json(output) => print(value, output),
            Output::Java(output) => print_java(value, output),
            Output::Typed(typed) => typed.push(value.clone()),
        }
    }
}

/// Prints a value into a text: null as nothing, texts as they are, lists and maps as JSON.
pub(crate) fn print(value: &Value, output: &mut Text) -> Result<(), Error> {
    match value {
        Value::Str(text) => output.push_str(text),
        Value::Null => Ok(()),
        Value::Int(value) => java_text::write_int(*value, output),
        Value::Decimal(value) => output.push_str(&value.to_plain()),
        Value::List(_) | Value::Map(_) | Value::Json(_) | Value::Object(_) | Value::Bytes(_) => {
            json_write::write(value, output)
        }
        _ => java_text::write(value, output),
    }
}

fn print_java(value: &Value, output: &mut Text) -> Result<(), Error> {
    match value {
        Value::Null => Ok(()),
        Value::Decimal(value) => output.push_str(&value.to_plain()),
        _ => java_text::write(value, output),
    }
}

/// A value in the making.
#[derive(Debug)]
pub(crate) struct Typed {
    state: State,
    limit: usize,
}

#[derive(Debug)]
enum State {
    /// Nothing but nulls.
    Empty,
    /// One value.
    One(Value),
    /// Several texts, numbers and booleans, joined.
    Joined(Text),
    /// Something else, printed as JSON.
    Mixed(Text),
}

impl Typed {
    pub(crate) fn new(limit: usize) -> Typed {
        Typed {
            state: State::Empty,
            limit,
        }
    }

    fn push(&mut self, value: Value) -> Result<(), Error> {
        if value.is_null() {
            return Ok(());
        }
        self.state = match std::mem::replace(&mut self.state, State::Empty) {
            State::Empty => State::One(value),
            State::One(first) => {
                let mut text = Text::new(self.limit);
                print(&first, &mut text)?;
                print(&value, &mut text)?;
                if joins(&first) && joins(&value) {
                    State::Joined(text)
                } else {
                    State::Mixed(text)
                }
            }
            State::Joined(mut text) => {
                print(&value, &mut text)?;
                if joins(&value) {
                    State::Joined(text)
                } else {
                    State::Mixed(text)
                }
            }
            State::Mixed(mut text) => {
                print(&value, &mut text)?;
                State::Mixed(text)
            }
        };
        Ok(())
    }

    /// The value; `restore` puts raw parts back into texts.
    pub(crate) fn finish(self, restore: impl Fn(String) -> String, max_depth: usize) -> Value {
        match self.state {
            State::Empty => Value::Null,
            State::One(Value::Str(text)) => Value::from(restore(text.to_string())),
            State::One(value) => value,
            State::Joined(text) => Value::from(restore(text.into_string())),
            State::Mixed(text) => {
                let text = restore(text.into_string());
                json_read::read_first(&text, max_depth).unwrap_or_else(|_| Value::from(text))
            }
        }
    }
}

fn joins(value: &Value) -> bool {
    matches!(value.kind(), Kind::Bool | Kind::Number | Kind::Str)
}
