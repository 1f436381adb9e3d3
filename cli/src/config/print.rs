//! The configuration as YAML, to be looked at.

use anyhow::Context;
use serde_json::Value;

use super::Config;
use super::settings::{Settings, kebab};

/// What a free-form name must hold for its value to be hidden.
const SECRETIVE: [&str; 6] = [
    "password",
    "passwd",
    "secret",
    "token",
    "credential",
    "apikey",
];

/// What is in force. Secrets are masked by their type; in the free-form parts, whatever is named like one.
pub(super) fn yaml(config: &Config, settings: &Settings) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(config).context("the configuration cannot be written")?;
    for name in ["/variables/globals", "/plugin-defaults"] {
        if let Some(part) = value.pointer_mut(name) {
            mask(part);
        }
    }
    serde_saphyr::to_string(&named(value, settings, &mut Vec::new()))
        .context("the configuration cannot be written")
}

/// The sections with their names as we write them; what is in a free-form setting stays.
fn named(value: Value, settings: &Settings, path: &mut Vec<String>) -> Value {
    match value {
        Value::Object(members) if settings.section(path).is_some() => {
            let renamed = members.into_iter().map(|(name, member)| {
                path.push(name);
                let member = named(member, settings, path);
                let name = path.pop().unwrap_or_default();
                (kebab(&name), member)
            });
            Value::Object(renamed.collect())
        }
        other => other,
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let plain: String = name
                    .to_lowercase()
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .collect();
                if !member.is_object() && SECRETIVE.iter().any(|word| plain.contains(word)) {
                    *member = "***".into();
                } else {
                    mask(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
