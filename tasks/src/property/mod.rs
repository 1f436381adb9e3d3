//! Properties that are literals or templates.
//!
//! A literal is checked when the flow is saved, a template when it was rendered. What comes of a template is converted by the
//! same rules: `"5"` is a number where a number is wanted, JSON text is a list where a list is wanted.

mod coerce;
mod template;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

pub use coerce::{Coerce, Document, Shape, by_name};
pub use template::has_template;

use crate::context::RunContext;
use crate::inline::{Inlined, Stop};
use crate::task::TaskError;

/// A property of a task: a literal of type `T`, or anything with templates in it that becomes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Property<T>(Source<T>);

#[derive(Clone, Debug, PartialEq)]
enum Source<T> {
    Literal(T),
    Template(Value),
}

impl<T: Coerce> Property<T> {
    /// A literal: what stands for a property that is not given.
    pub fn literal(value: T) -> Self {
        Self(Source::Literal(value))
    }

    /// The property as written. The error says what would be right.
    pub fn new(written: Value) -> Result<Self, String> {
        if !has_template(&written) {
            return T::coerce(written).map(Self::literal);
        }
        match (T::SHAPE, &written) {
            (Shape::List, Value::Object(_)) => Err("must be a list, not a map".into()),
            (Shape::Map, Value::Array(_)) => Err("must be a map, not a list".into()),
            _ => Ok(Self(Source::Template(written))),
        }
    }

    /// The literal, if it is one.
    pub fn as_literal(&self) -> Option<&T> {
        match &self.0 {
            Source::Literal(value) => Some(value),
            Source::Template(_) => None,
        }
    }

    /// The value, rendered and converted.
    pub async fn render(&self, context: &RunContext) -> Result<T, TaskError> {
        let template = match &self.0 {
            Source::Literal(value) => return Ok(value.clone()),
            Source::Template(template) => template,
        };
        T::coerce(template::render(template, T::SHAPE, context).await?).map_err(TaskError::failed)
    }

    /// The value, or none where the template gives nothing and nothing is not a value of the type.
    pub async fn render_optional(
        property: Option<&Self>,
        context: &RunContext,
    ) -> Result<Option<T>, TaskError> {
        let Some(property) = property else {
            return Ok(None);
        };
        let template = match &property.0 {
            Source::Literal(value) => return Ok(Some(value.clone())),
            Source::Template(template) => template,
        };
        let rendered = template::render(template, T::SHAPE, context).await?;
        if is_nothing::<T>(&rendered) {
            return Ok(None);
        }
        T::coerce(rendered).map(Some).map_err(TaskError::failed)
    }

    /// The value, rendered without waiting.
    pub(crate) fn render_inline(&self, scope: &Inlined<'_>) -> Result<T, Stop> {
        let template = match &self.0 {
            Source::Literal(value) => return Ok(value.clone()),
            Source::Template(template) => template,
        };
        T::coerce(template::render_inline(template, T::SHAPE, scope)?).map_err(Stop::failed)
    }
}

fn is_nothing<T: Coerce>(rendered: &Value) -> bool {
    match rendered {
        Value::Null => true,
        Value::String(text) => T::BLANK_IS_NOTHING && text.trim().is_empty(),
        _ => false,
    }
}

impl<T: Coerce + Default> Default for Property<T> {
    fn default() -> Self {
        Self::literal(T::default())
    }
}

impl<'de, T: Coerce> Deserialize<'de> for Property<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<T: Coerce> JsonSchema for Property<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Property".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let literal = T::schema(generator);
        let takes_text = literal.get("type").is_none_or(|kind| kind == "string")
            && literal.get("enum").is_none();
        if takes_text && literal.get("anyOf").is_none() && literal.get("format").is_none() {
            return literal;
        }
        let expression = json_schema!({
            "type": "string",
            "pattern": r"\{[{%]",
            "description": "an expression that gives the value",
        });
        json_schema!({ "anyOf": [literal, expression] })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_literal_is_checked_when_it_is_read() {
        assert_eq!(Property::<u64>::new(json!("12")), Ok(Property::literal(12)));
        assert_eq!(
            Property::<String>::new(json!(12)),
            Ok(Property::literal("12".into()))
        );
        assert_eq!(
            Property::<Duration>::new(json!("PT1M")),
            Ok(Property::literal(Duration::from_secs(60)))
        );
        assert!(
            Property::<u64>::new(json!("twelve"))
                .unwrap_err()
                .contains("`twelve`")
        );
        assert!(Property::<bool>::new(json!([true])).is_err());
        assert!(Property::<Vec<String>>::new(json!({"a": 1})).is_err());
    }

    #[test]
    fn a_template_may_stand_for_anything_but_not_for_the_other_container() {
        assert!(
            Property::<u64>::new(json!("{{ inputs.n }}"))
                .unwrap()
                .as_literal()
                .is_none()
        );
        assert!(Property::<Vec<String>>::new(json!("{{ inputs.list }}")).is_ok());
        assert!(Property::<Vec<String>>::new(json!(["a", "{{ inputs.b }}"])).is_ok());
        assert!(Property::<Vec<String>>::new(json!({"a": "{{ b }}"})).is_err());
    }

    #[test]
    fn the_schema_takes_the_type_or_an_expression() {
        let schema = schemars::schema_for!(Property<u64>);
        assert_eq!(schema.get("anyOf").unwrap()[0]["type"], "integer");
        assert_eq!(schema.get("anyOf").unwrap()[1]["pattern"], r"\{[{%]");
    }
}
