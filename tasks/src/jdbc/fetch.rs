//! What becomes of the rows of a statement: `fetchType`, and the switches it had before.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::context::RunContext;
use crate::property::{Coerce, Property, by_name};
use crate::task::TaskError;

/// What becomes of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum FetchType {
    /// All are an output.
    Fetch,
    /// The first is an output.
    FetchOne,
    /// They go to a file.
    Store,
    /// Nothing.
    #[default]
    None,
}

impl FetchType {
    /// The name that flows write.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fetch => "FETCH",
            Self::FetchOne => "FETCH_ONE",
            Self::Store => "STORE",
            Self::None => "NONE",
        }
    }
}

impl Coerce for FetchType {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["FETCH", "FETCH_ONE", "STORE", "NONE"] })
    }
}

/// The properties that say it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FetchProperties {
    /// What becomes of the rows: FETCH gives all of them as an output, FETCH_ONE the first, STORE writes them to a file of the internal
    /// storage, NONE drops them.
    #[serde(default)]
    fetch_type: Property<FetchType>,
    /// Deprecated: use `fetchType: FETCH`.
    #[serde(default)]
    fetch: Property<bool>,
    /// Deprecated: use `fetchType: FETCH_ONE`.
    #[serde(default)]
    fetch_one: Property<bool>,
    /// Deprecated: use `fetchType: STORE`.
    #[serde(default)]
    store: Property<bool>,
    /// How many rows are read at once. Without effect here.
    #[serde(default)]
    #[allow(dead_code)]
    fetch_size: Option<Property<u32>>,
}

impl FetchProperties {
    /// What is wanted: the older switches go before `fetchType`, and among them all rows before the first before a file.
    pub(crate) async fn render(&self, context: &RunContext) -> Result<FetchType, TaskError> {
        let older = [
            (&self.fetch, FetchType::Fetch),
            (&self.fetch_one, FetchType::FetchOne),
            (&self.store, FetchType::Store),
        ];
        for (switch, fetch_type) in older {
            if switch.render(context).await? {
                return Ok(fetch_type);
            }
        }
        self.fetch_type.render(context).await
    }
}
