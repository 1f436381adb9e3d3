//! Ids with dots as mappings: `db.port` is `inputs.db.port`.

use serde_json::{Map, Value};

/// Values by their ids as a mapping in a mapping. Where one id ends inside of another the later one wins.
pub fn nested<'a>(values: impl IntoIterator<Item = (&'a str, Value)>) -> Map<String, Value> {
    let mut root = Map::new();
    for (id, value) in values {
        put(&mut root, id, value);
    }
    root
}

fn put(target: &mut Map<String, Value>, id: &str, value: Value) {
    let Some((first, rest)) = id.split_once('.') else {
        target.insert(id.to_owned(), value);
        return;
    };
    let below = target
        .entry(first)
        .or_insert_with(|| Value::Object(Map::new()));
    if !below.is_object() {
        *below = Value::Object(Map::new());
    }
    if let Value::Object(below) = below {
        put(below, rest, value);
    }
}

/// The raw value for an id: under the id itself, or nested by its dots.
pub(super) fn lookup<'a>(data: &'a Map<String, Value>, id: &str) -> Option<&'a Value> {
    if let Some(value) = data.get(id) {
        return Some(value);
    }
    let (first, rest) = id.split_once('.')?;
    lookup(data.get(first)?.as_object()?, rest)
}

/// Whether a key of the raw data belongs to a declared id.
pub(super) fn covers(key: &str, id: &str) -> bool {
    key == id
        || id
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dots_make_mappings_and_both_forms_are_read() {
        let values = [
            ("db.host", json!("h")),
            ("db.more.port", json!(1)),
            ("x", json!(null)),
        ];
        let root = nested(values);
        assert_eq!(
            Value::Object(root.clone()),
            json!({"db": {"host": "h", "more": {"port": 1}}, "x": null})
        );
        assert_eq!(lookup(&root, "db.more.port"), Some(&json!(1)));
        let flat = Map::from_iter([("db.host".to_owned(), json!("h"))]);
        assert_eq!(lookup(&flat, "db.host"), Some(&json!("h")));
        assert_eq!(lookup(&flat, "db.port"), None);
    }
}
