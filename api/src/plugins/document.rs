//! What is known of a task type: as a schema for editors, as Markdown for people.

use serde_json::{Map, Value, json};

use super::flowables;
use crate::Api;

/// A task type, flowable or not.
pub(super) struct TaskType {
    /// Its present name.
    pub(super) name: String,
    pub(super) aliases: &'static [&'static str],
    pub(super) title: String,
    pub(super) description: String,
    /// The JSON schema of its own properties; references are within `definitions`.
    pub(super) properties: Value,
    /// The JSON schema of its outputs.
    pub(super) outputs: Value,
    /// A flow that shows it.
    pub(super) example: Option<&'static str>,
    pub(super) flowable: bool,
    /// What the schemas refer to.
    pub(super) definitions: Map<String, Value>,
}

/// Every task type: those of the catalogue, then the flowables.
pub(super) fn all(api: &Api) -> Vec<TaskType> {
    let catalogued = api
        .parts()
        .catalogue
        .documentation()
        .into_iter()
        .map(|one| {
            let mut definitions = Map::new();
            let properties = detached(one.properties.to_value(), &mut definitions, one.task_type);
            let outputs = detached(one.outputs.to_value(), &mut definitions, one.task_type);
            TaskType {
                name: one.task_type.to_owned(),
                aliases: one.aliases,
                title: one.title,
                description: one.description,
                properties,
                outputs,
                example: Some(one.example),
                flowable: false,
                definitions,
            }
        });
    catalogued.chain(flowables::all()).collect()
}

/// The properties that every task has.
pub(super) fn common_properties() -> Map<String, Value> {
    let properties = json!({
        "id": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_-]*", "minLength": 1, "description": "Unique in the flow."},
        "type": {"type": "string", "description": "The task type."},
        "description": {"type": "string", "description": "What it is for, in Markdown."},
        "disabled": {"type": "boolean", "default": false, "description": "Leave it out."},
        "runIf": {"type": "string", "default": "true", "$dynamic": true, "description": "Skip it unless this is truthy."},
        "allowFailure": {"type": "boolean", "default": false, "description": "A failure becomes a warning."},
        "allowWarning": {"type": "boolean", "default": false, "description": "A warning becomes a success."},
        "timeout": {"type": "string", "$dynamic": true, "description": "The longest that an attempt may take: `PT5M`."},
        "retry": {"type": "object", "description": "When and how often it is tried again: `{type: constant, interval: PT5S, maxAttempts: 3}`."},
        "logLevel": {"type": "string", "enum": ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"], "description": "The least level that is kept of its log."},
        "workerGroup": {"type": "object", "description": "The group of workers that runs it: `{key: gpu}`."},
    });
    match properties {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl TaskType {
    /// `properties`, `outputs` and `definitions` as the documentation page reads them.
    pub(super) fn schema(&self, with_common: bool) -> Value {
        let mut properties = self.properties.clone();
        if with_common
            && let Some(own) = properties
                .get_mut("properties")
                .and_then(Value::as_object_mut)
        {
            let own_names: Vec<String> = own.keys().cloned().collect();
            own.extend(
                common_properties()
                    .into_iter()
                    .filter(|(name, _)| !own_names.contains(name)),
            );
        }
        if let Some(map) = properties.as_object_mut() {
            map.insert("title".into(), self.title.as_str().into());
            map.insert("description".into(), self.description.as_str().into());
            if let Some(example) = self.example {
                let example =
                    json!({"title": self.title, "code": example, "full": true, "lang": "yaml"});
                map.insert("$examples".into(), json!([example]));
            }
        }
        json!({"properties": properties, "outputs": self.outputs, "definitions": self.definitions})
    }

    /// A definition of the language's schema.
    pub(super) fn definition(&self) -> Value {
        let mut definition = self.schema(true)["properties"].take();
        if let Some(map) = definition.as_object_mut() {
            map.insert("type".into(), "object".into());
            if let Some(own) = map.get_mut("properties").and_then(Value::as_object_mut) {
                own.insert("type".into(), json!({"const": self.name}));
            }
            let required = map.entry("required").or_insert_with(|| json!([]));
            if let Some(required) = required.as_array_mut() {
                required.extend([json!("id"), json!("type")]);
            }
            map.insert("additionalProperties".into(), false.into());
        }
        definition
    }

    pub(super) fn markdown(&self) -> String {
        let simple = self.name.rsplit('.').next().unwrap_or_default();
        let mut text = format!(
            "---\ntitle: {simple}\neditLink: false\ndescription: \"{}\"\n---\n\n# {simple}\n\n```yaml\ntype: \"{}\"\n```\n\n{}.\n",
            self.title.replace('"', "'"),
            self.name,
            self.title,
        );
        if !self.description.is_empty() {
            text.push_str(&format!("\n{}\n", self.description));
        }
        if !self.aliases.is_empty() {
            text.push_str(&format!(
                "\nOlder names: `{}`.\n",
                self.aliases.join("`, `")
            ));
        }
        if let Some(example) = self.example {
            text.push_str(&format!(
                "\n## Examples\n\n```yaml\n{}\n```\n",
                example.trim_end()
            ));
        }
        section(&mut text, "Properties", &self.properties);
        section(&mut text, "Outputs", &self.outputs);
        if !self.definitions.is_empty() {
            text.push_str("\n## Definitions\n");
            for (name, definition) in &self.definitions {
                text.push_str(&format!("\n### `{name}`\n"));
                members(&mut text, definition);
            }
        }
        text
    }
}

fn section(text: &mut String, title: &str, schema: &Value) {
    if schema
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|properties| !properties.is_empty())
    {
        text.push_str(&format!("\n## {title}\n"));
        members(text, schema);
    }
}

fn members(text: &mut String, schema: &Value) {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let mut facts = vec![format!("Type: {}", type_of(property))];
        if required.contains(&name.as_str()) {
            facts.push("required".into());
        }
        if let Some(default) = property.get("default") {
            facts.push(format!("default `{default}`"));
        }
        let description = property
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        text.push_str(&format!(
            "\n### `{name}`\n\n* {}\n\n{description}\n",
            facts.join(", ")
        ));
    }
}

fn type_of(property: &Value) -> String {
    match property.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => match property.get("$ref").and_then(Value::as_str) {
            Some(reference) => format!("`{}`", reference.rsplit('/').next().unwrap_or_default()),
            None => "any".into(),
        },
    }
}

/// A schema whose definitions are moved to where all are, under names that no other type's have.
fn detached(mut schema: Value, definitions: &mut Map<String, Value>, owner: &str) -> Value {
    let own = schema
        .as_object_mut()
        .and_then(|map| map.shift_remove("$defs"));
    if let Some(map) = schema.as_object_mut() {
        map.shift_remove("$schema");
    }
    renamed(&mut schema, owner);
    if let Some(Value::Object(own)) = own {
        for (name, mut definition) in own {
            renamed(&mut definition, owner);
            definitions.insert(format!("{owner}-{name}"), definition);
        }
    }
    schema
}

fn renamed(schema: &mut Value, owner: &str) {
    match schema {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if name == "$ref"
                    && let Some(target) = value
                        .as_str()
                        .and_then(|reference| reference.strip_prefix("#/$defs/"))
                {
                    *value = format!("#/definitions/{owner}-{target}").into();
                } else {
                    renamed(value, owner);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| renamed(value, owner)),
        _ => {}
    }
}
