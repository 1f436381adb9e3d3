//! `io.kestra.plugin.jdbc.duckdb.Queries`

use async_trait::async_trait;
use flowmill_common::flow::Place;
use flowmill_common::log::Level;
use flowmill_duckdb::Script;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::properties::DuckdbProperties;
use super::{child, outputs};
use crate::context::RunContext;
use crate::jdbc::fetch::{FetchProperties, FetchType};
use crate::properties::{names, refuse_unknown, schema_of_three, take};
use crate::property::Property;
use crate::task::{Definition, Output, Placement, Task, TaskError};

const EXAMPLE: &str = r#"id: several_statements
namespace: company.team

tasks:
  - id: numbers
    type: io.kestra.plugin.jdbc.duckdb.Queries
    fetchType: FETCH
    sql: |
      CREATE TABLE numbers AS SELECT range AS n FROM range(10);
      SELECT sum(n) AS total FROM numbers;
      SELECT n FROM numbers WHERE n % 2 = 0;

  - id: show
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.numbers.outputs[0].rows[0].total }}"
"#;

/// Run several SQL statements with DuckDB.
///
/// Statements that give rows give one entry of the outputs each, in their order.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OwnProperties {
    /// Whether all statements have an effect or none.
    #[serde(default = "yes")]
    #[schemars(default)]
    transaction: Property<bool>,
}

fn yes() -> Property<bool> {
    Property::literal(true)
}

/// What `Queries` gives.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Outputs {
    /// One entry for each statement that gives rows.
    outputs: Vec<StatementOutputs>,
    /// The URIs of the files that the SQL wrote, by their names.
    output_files: Option<std::collections::BTreeMap<String, String>>,
    /// With `outputDbFile`, the URI of the database.
    database_uri: Option<String>,
}

/// What one statement gives.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct StatementOutputs {
    /// With FETCH_ONE, the first row; otherwise null, and always there.
    row: Option<Map<String, Value>>,
    /// With FETCH, all rows.
    rows: Option<Vec<Map<String, Value>>>,
    /// With STORE, the URI of a file with one row a line, in Ion.
    uri: Option<String>,
    /// How many rows there are.
    size: Option<u64>,
}

struct Queries {
    duckdb: DuckdbProperties,
    fetch: FetchProperties,
    own: OwnProperties,
}

pub(super) fn definition() -> Definition {
    Definition {
        task_type: "io.kestra.plugin.jdbc.duckdb.Queries",
        aliases: &[],
        place: Placement::Runnable(Place::Worker),
        parse: |written| {
            let known = [
                names::<DuckdbProperties>(),
                names::<FetchProperties>(),
                names::<OwnProperties>(),
            ];
            refuse_unknown(written, &known)?;
            Ok(Box::new(Queries {
                duckdb: take(written)?,
                fetch: take(written)?,
                own: take(written)?,
            }))
        },
        properties: schema_of_three::<DuckdbProperties, FetchProperties, OwnProperties>,
        outputs: || schemars::schema_for!(Outputs),
        example: EXAMPLE,
    }
}

#[async_trait]
impl Task for Queries {
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError> {
        let prepared = self.duckdb.prepare(context, &self.fetch).await?;
        let sql = self.duckdb.sql.render(&prepared.context).await?;
        let transaction = self.own.transaction.render(&prepared.context).await?;
        context.log(Level::Debug, format!("Starting queries: {sql}"));
        let request = prepared.request(Script::Many { sql, transaction })?;
        let results = outputs::results(context, child::ask(context, &request).await?)?;
        let mut entries = Vec::new();
        for result in results.iter().filter(|result| result.has_rows) {
            entries.push(Value::Object(
                outputs::of_statement(&prepared, result).await?,
            ));
        }
        if prepared.fetch_type == FetchType::None && !entries.is_empty() {
            context.log(
                Level::Info,
                "the rows of the statements are dropped: `fetchType` is NONE",
            );
        }
        let mut values = Map::from_iter([("outputs".to_owned(), Value::Array(entries))]);
        values.extend(outputs::of_task(&prepared).await?);
        Ok(Output {
            values,
            state: None,
        })
    }
}
