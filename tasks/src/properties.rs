//! Reading the properties of a task into a struct, with errors that name the property and the nearest right one.

use flowmill_expression::nearest;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::de::{DeserializeOwned, Deserializer, Visitor, value::Error as ValueError};
use serde_json::{Map, Value};

use crate::task::PropertyError;

/// The properties that every task has; they are not the type's own.
pub const COMMON: [&str; 20] = [
    "id",
    "type",
    "version",
    "description",
    "retry",
    "timeout",
    "disabled",
    "workerGroup",
    "workerSelector",
    "logLevel",
    "allowFailure",
    "allowWarning",
    "logToFile",
    "runIf",
    "when",
    "taskCache",
    "assets",
    "pluginDefaultsRef",
    "policyRefs",
    "interruptible",
];

/// The properties without those that every task has.
pub fn own(properties: &Map<String, Value>) -> Map<String, Value> {
    let own = properties
        .iter()
        .filter(|(name, _)| !COMMON.contains(&name.as_str()));
    own.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Reads all properties into one struct. Its fields are the properties that there are.
pub fn read<T: DeserializeOwned>(properties: &Map<String, Value>) -> Result<T, PropertyError> {
    refuse_unknown(properties, &[names::<T>()])?;
    take(properties)
}

/// Reads the properties of two structs: those that several types share, and the type's own.
pub fn read_both<A: DeserializeOwned, B: DeserializeOwned>(
    properties: &Map<String, Value>,
) -> Result<(A, B), PropertyError> {
    refuse_unknown(properties, &[names::<A>(), names::<B>()])?;
    Ok((take(properties)?, take(properties)?))
}

/// Reads what the struct knows and leaves the rest. The struct must not `deny_unknown_fields`.
pub fn take<T: DeserializeOwned>(properties: &Map<String, Value>) -> Result<T, PropertyError> {
    serde_path_to_error::deserialize(properties).map_err(|error| explain(&error))
}

/// An error for the first property that is in none of the lists.
pub fn refuse_unknown(
    properties: &Map<String, Value>,
    known: &[&[&str]],
) -> Result<(), PropertyError> {
    let known = || known.iter().copied().flatten().copied();
    match properties
        .keys()
        .find(|name| !known().any(|known| known == name.as_str()))
    {
        Some(name) => Err(unknown(name, name, known())),
        None => Ok(()),
    }
}

/// The names of the fields of a struct as serde reads them, aliases included.
pub fn names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // always fails; all that is wanted is the list that the derived code hands over
    let _ = T::deserialize(NameReader(&mut names));
    names
}

/// The schema of a struct of properties, with everything in one place and nothing else allowed.
pub fn schema<T: JsonSchema>() -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .with(|s| s.meta_schema = None)
        .into_generator()
        .into_root_schema_for::<T>();
    schema.insert("additionalProperties".into(), false.into());
    schema
}

/// The schema of the properties of two structs; title and description are the last one's.
pub fn schema_of_both<A: JsonSchema, B: JsonSchema>() -> Schema {
    schema_of_parts::<B>(&[A::json_schema])
}

/// The same of three structs.
pub fn schema_of_three<A: JsonSchema, B: JsonSchema, C: JsonSchema>() -> Schema {
    schema_of_parts::<C>(&[A::json_schema, B::json_schema])
}

fn schema_of_parts<Own: JsonSchema>(parts: &[fn(&mut SchemaGenerator) -> Schema]) -> Schema {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|s| s.meta_schema = None)
        .into_generator();
    let parts: Vec<_> = parts.iter().map(|part| part(&mut generator)).collect();
    let mut schema = generator.into_root_schema_for::<Own>();
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts.iter().chain([&schema]) {
        properties.extend(
            part.get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(a, b)| (a.clone(), b.clone())),
        );
        required.extend(
            part.get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .cloned(),
        );
    }
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.into());
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema.insert("additionalProperties".into(), false.into());
    schema
}

/// Serde's message in our words.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> PropertyError {
    let path = match error.path().to_string() {
        path if path == "." => String::new(),
        path => path,
    };
    let message = error.inner().to_string();
    if let Some(name) = between(&message, "missing field `", "`") {
        return PropertyError::new(joined(&path, name), format!("missing property `{name}`"));
    }
    if let Some(name) = between(&message, "unknown field `", "`") {
        let known = message
            .split_once(", expected ")
            .map_or("", |(_, known)| known);
        let known = known.split('`').skip(1).step_by(2);
        // serde names the unknown field in the path itself
        let path = if path.is_empty() {
            name.to_owned()
        } else {
            path
        };
        return unknown(&path, name, known);
    }
    PropertyError::new(path, message)
}

fn unknown<'a>(
    path: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> PropertyError {
    let error = PropertyError::new(path, format!("unknown property `{name}`"));
    match nearest(name, known.clone(), 1).first() {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error.with_hint(format!(
            "it has `{}`",
            known.collect::<Vec<_>>().join("`, `")
        )),
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.strip_prefix(start)?.split(end).next()
}

/// A deserialiser that only looks at the names that a struct asks for.
struct NameReader<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for NameReader<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("only names are read"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::property::Property;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    struct Shared {
        /// Where.
        #[allow(dead_code)]
        target_uri: Property<String>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Own {
        #[serde(default, alias = "opts")]
        #[allow(dead_code)]
        options: Option<Options>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Options {
        #[allow(dead_code)]
        retries: Property<u32>,
    }

    fn error(properties: Value) -> PropertyError {
        read_both::<Shared, Own>(properties.as_object().unwrap()).unwrap_err()
    }

    #[test]
    fn errors_name_the_property_and_the_nearest_right_one() {
        let typo = error(json!({"targetUrl": "x"}));
        assert_eq!(
            (typo.path.as_str(), typo.hint.as_deref()),
            ("targetUrl", Some("did you mean `targetUri`?"))
        );
        let missing = error(json!({"options": {"retries": 1}}));
        assert_eq!(
            (missing.path.as_str(), missing.message.as_str()),
            ("targetUri", "missing property `targetUri`")
        );
        let inner = error(json!({"targetUri": "x", "options": {"retry": 1}}));
        assert_eq!(
            (inner.path.as_str(), inner.message.as_str()),
            ("options.retry", "unknown property `retry`")
        );
        let wrong = error(json!({"targetUri": "x", "options": {"retries": "no"}}));
        assert_eq!(wrong.path, "options.retries");
        assert!(
            wrong.message.starts_with("`no` is not a whole number"),
            "{wrong}"
        );
        let missing = error(json!({"targetUri": "x", "opts": {}}));
        assert_eq!(missing.path, "opts.retries");
    }

    #[test]
    fn schemas_of_shared_and_own_properties_are_one() {
        let schema = schema_of_both::<Shared, Own>();
        let properties: Vec<_> = schema
            .get("properties")
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(properties, ["targetUri", "options"]);
        assert_eq!(schema.get("required").unwrap(), &json!(["targetUri"]));
        assert_eq!(names::<Own>(), ["options", "opts"]);
    }
}
