//! Attributes and indexes.

use super::Evaluator;
use super::methods;
use crate::value::Kind;
use crate::{Error, Value};

impl Evaluator<'_> {
    /// `value.name`. `root` is the name of the variable, if the value is one: it is what a missing attribute of a null
    /// variable is blamed on.
    pub(super) fn attribute(
        &self,
        value: Value,
        name: &str,
        root: Option<&str>,
    ) -> Result<Value, Error> {
        if let Some(object) = value.as_object() {
            return match object.get(name)? {
                Some(found) => Ok(found),
                None => Err(Error::undefined(name, Some(value))),
            };
        }
        match &value {
            Value::Null => Err(Error::undefined(root.unwrap_or(name), Some(value))),
            Value::Entry(entry) => match name {
                "key" => Ok(entry.key.clone()),
                "value" => Ok(entry.value.clone()),
                _ => Err(Error::undefined(name, Some(value))),
            },
            Value::List(items) => match item_index(name).and_then(|index| items.get(index)) {
                Some(item) => Ok(item.clone()),
                None => self.property(value, name),
            },
            Value::Json(view) => match item_index(name).and_then(|index| view.item(index)) {
                Some(item) => Ok(item),
                None => self.property(value, name),
            },
            _ => self.property(value, name),
        }
    }

    /// `value[index]`
    pub(super) fn index(
        &self,
        value: Value,
        index: &Value,
        root: Option<&str>,
    ) -> Result<Value, Error> {
        if let Some(index) = index.as_int().and_then(|index| usize::try_from(index).ok()) {
            let item = match &value {
                Value::List(items) => items.get(index).cloned(),
                Value::Json(view) if view.is_list() => view.item(index),
                _ => None,
            };
            if let Some(item) = item {
                return Ok(item);
            }
        }
        match index {
            Value::Str(name) => self.attribute(value, name, root),
            Value::Null if value.kind() == Kind::Map => {
                Err(Error::evaluation("a map has no entry under null"))
            }
            index => self.attribute(value, &index.to_java_text()?, root),
        }
    }

    /// `value.name(…)`
    pub(super) fn method(
        &self,
        value: &Value,
        name: &str,
        arguments: &[Value],
        root: Option<&str>,
    ) -> Result<Value, Error> {
        if value.is_null() {
            return Err(Error::undefined(root.unwrap_or(name), Some(value.clone())));
        }
        // An entry with no parentheses behind it wins; with parentheses it is always the method.
        match methods::call(self.session, value, name, arguments)? {
            Some(result) => self.session.accept(result),
            None => match value.get(name)? {
                Some(found) if arguments.is_empty() => Ok(found),
                _ => Err(Error::undefined(name, Some(value.clone()))),
            },
        }
    }

    /// A method without arguments, called without parentheses.
    fn property(&self, value: Value, name: &str) -> Result<Value, Error> {
        match methods::call(self.session, &value, name, &[])? {
            Some(result) => Ok(result),
            None => Err(Error::undefined(name, Some(value))),
        }
    }
}

fn item_index(name: &str) -> Option<usize> {
    name.parse().ok()
}
