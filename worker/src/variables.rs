//! What the expressions of a job see: the variables that came with it, and what is laid over them.

use std::sync::Arc;

use flowmill_common::cipher::Cipher;
use flowmill_common::job::{ENCRYPTED, STORED_OUTPUTS};
use flowmill_expression::{Error, Object, Value};
use serde_json::Map;

/// The variables of a job.
#[derive(Clone, Debug)]
pub(crate) struct Variables(Arc<serde_json::Value>);

/// Variables with some more names over them.
#[derive(Debug)]
pub(crate) struct Overlaid<'a> {
    under: &'a Variables,
    over: &'a Map<String, serde_json::Value>,
}

impl Variables {
    pub(crate) fn new(variables: Arc<serde_json::Value>) -> Self {
        Self(variables)
    }

    pub(crate) fn json(&self) -> &serde_json::Value {
        &self.0
    }

    pub(crate) fn with<'a>(&'a self, over: &'a Map<String, serde_json::Value>) -> Overlaid<'a> {
        Overlaid { under: self, over }
    }

    /// These variables, changed.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Map<String, serde_json::Value>)) -> Self {
        let mut variables = self.0.as_object().cloned().unwrap_or_default();
        change(&mut variables);
        Self(Arc::new(serde_json::Value::Object(variables)))
    }

    /// The paths of the files that hold outputs which were too large for the message.
    pub(crate) fn stored(&self) -> Vec<String> {
        let mut paths = Vec::new();
        find(&self.0, &mut paths);
        paths
    }

    /// Decrypts SECRET inputs, and gives their plain values to be masked.
    pub(crate) fn decrypted(&self, cipher: Option<&Cipher>) -> (Self, Vec<String>) {
        let mut secrets = Vec::new();
        if !self.0.get("inputs").is_some_and(is_sealed) {
            return (self.clone(), secrets);
        }
        let mut variables = (*self.0).clone();
        if let Some(inputs) = variables.get_mut("inputs") {
            open(inputs, cipher, &mut secrets);
        }
        (Self(Arc::new(variables)), secrets)
    }

    /// Puts what the files hold in the places that name them.
    pub(crate) fn resolved(&self, contents: &Map<String, serde_json::Value>) -> Self {
        let mut variables = (*self.0).clone();
        replace(&mut variables, contents);
        Self(Arc::new(variables))
    }
}

impl Object for Overlaid<'_> {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        if let Some(value) = self.over.get(key) {
            return Ok(Some(Value::from(value)));
        }
        Value::from_shared_json(self.under.0.clone()).get(key)
    }

    fn keys(&self) -> Vec<Arc<str>> {
        let under = self.under.0.as_object().into_iter().flat_map(Map::keys);
        let over = self
            .over
            .keys()
            .filter(|key| self.under.0.get(key.as_str()).is_none());
        under.chain(over).map(|key| key.as_str().into()).collect()
    }
}

fn marker(value: &serde_json::Value) -> Option<&str> {
    only_member(value, STORED_OUTPUTS)
}

/// The text of the only member of an object, if it has this name.
fn only_member<'v>(value: &'v serde_json::Value, name: &str) -> Option<&'v str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get(name)?.as_str()
}

/// Whether there is an encrypted value in it.
fn is_sealed(value: &serde_json::Value) -> bool {
    only_member(value, ENCRYPTED).is_some()
        || value
            .as_object()
            .is_some_and(|members| members.values().any(is_sealed))
}

fn open(value: &mut serde_json::Value, cipher: Option<&Cipher>, secrets: &mut Vec<String>) {
    if let Some(encrypted) = only_member(value, ENCRYPTED) {
        let plain = cipher
            .and_then(|cipher| cipher.decrypt(encrypted).ok())
            .unwrap_or_default();
        secrets.push(plain.clone());
        *value = plain.into();
    } else if let Some(members) = value.as_object_mut() {
        members
            .values_mut()
            .for_each(|member| open(member, cipher, secrets));
    }
}

fn find(value: &serde_json::Value, paths: &mut Vec<String>) {
    if let Some(path) = marker(value) {
        paths.push(path.to_owned());
        return;
    }
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| find(item, paths)),
        serde_json::Value::Object(members) => {
            members.values().for_each(|member| find(member, paths))
        }
        _ => {}
    }
}

fn replace(value: &mut serde_json::Value, contents: &Map<String, serde_json::Value>) {
    if let Some(path) = marker(value) {
        *value = contents.get(path).cloned().unwrap_or_default();
        return;
    }
    match value {
        serde_json::Value::Array(items) => {
            items.iter_mut().for_each(|item| replace(item, contents))
        }
        serde_json::Value::Object(members) => members
            .values_mut()
            .for_each(|member| replace(member, contents)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_laid_over_hides_what_is_under_it() {
        let variables = Variables::new(Arc::new(json!({"a": 1, "b": 2})));
        let over = json!({"b": 3, "c": 4}).as_object().cloned().unwrap();
        let all = variables.with(&over);
        let value = |key: &str| all.get(key).unwrap().map(|value| value.to_json().unwrap());
        assert_eq!(
            [value("a"), value("b"), value("c"), value("d")],
            [Some(json!(1)), Some(json!(3)), Some(json!(4)), None]
        );
        assert_eq!(
            all.keys().iter().map(|key| &**key).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn outputs_that_lie_in_files_are_found_and_put_in_place() {
        let marker = json!({STORED_OUTPUTS: "a/b.json"});
        let variables = Variables::new(Arc::new(
            json!({"outputs": {"t": {"v": marker}, "u": {"x": 1}}}),
        ));
        assert_eq!(variables.stored(), ["a/b.json"]);
        let contents = json!({"a/b.json": {"y": 2}}).as_object().cloned().unwrap();
        assert_eq!(
            variables.resolved(&contents).json(),
            &json!({"outputs": {"t": {"v": {"y": 2}}, "u": {"x": 1}}})
        );
    }
}
