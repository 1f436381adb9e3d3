//! `io.kestra.plugin.jdbc.duckdb.Query`

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
use crate::jdbc::fetch::FetchProperties;
use crate::properties::{names, refuse_unknown, schema_of_three, take};
use crate::property::Property;
use crate::task::{Definition, Output, Placement, Task, TaskError};

const EXAMPLE: &str = r#"id: average_price
namespace: company.team

tasks:
  - id: prices
    type: io.kestra.plugin.core.http.Download
    uri: https://huggingface.co/datasets/kestra/datasets/raw/main/csv/products.csv

  - id: by_brand
    type: io.kestra.plugin.jdbc.duckdb.Query
    inputFiles:
      in.csv: "{{ outputs.prices.uri }}"
    sql: |
      SELECT brand_name, round(avg(price), 2) AS price
      FROM read_csv_auto('{{ workingDir }}/in.csv', header = true)
      GROUP BY brand_name
      ORDER BY price DESC
    fetchType: STORE
"#;

/// Run one SQL statement with DuckDB.
///
/// It reads and writes CSV, Parquet and JSON files of the working directory, or databases. DuckDB runs in a process of its own; its library
/// is loaded when it is first needed, and a machine without it gets an error that says how to install it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OwnProperties {
    /// A statement to run after `sql` in the same transaction, such as one that marks rows as done.
    #[serde(rename = "afterSQL")]
    after_sql: Option<Property<String>>,
}

/// What `Query` gives.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Outputs {
    /// With FETCH_ONE, the first row; otherwise null, and always there.
    row: Option<Map<String, Value>>,
    /// With FETCH, all rows.
    rows: Option<Vec<Map<String, Value>>>,
    /// With STORE, the URI of a file with one row a line, in Ion.
    uri: Option<String>,
    /// How many rows there are.
    size: Option<u64>,
    /// The URIs of the files that the SQL wrote, by their names.
    output_files: Option<std::collections::BTreeMap<String, String>>,
    /// With `outputDbFile`, the URI of the database.
    database_uri: Option<String>,
}

/// The properties of all three parts.
struct Query {
    duckdb: DuckdbProperties,
    fetch: FetchProperties,
    own: OwnProperties,
}

pub(super) fn definition() -> Definition {
    Definition {
        task_type: "io.kestra.plugin.jdbc.duckdb.Query",
        aliases: &[],
        place: Placement::Runnable(Place::Worker),
        parse: |written| {
            let known = [
                names::<DuckdbProperties>(),
                names::<FetchProperties>(),
                names::<OwnProperties>(),
            ];
            refuse_unknown(written, &known)?;
            Ok(Box::new(Query {
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
impl Task for Query {
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError> {
        let prepared = self.duckdb.prepare(context, &self.fetch).await?;
        let sql = self.duckdb.sql.render(&prepared.context).await?;
        let after =
            Property::render_optional(self.own.after_sql.as_ref(), &prepared.context).await?;
        context.log(Level::Debug, format!("Starting query: {sql}"));
        let request = prepared.request(Script::One { sql, after })?;
        let results = outputs::results(context, child::ask(context, &request).await?)?;
        let mut values = match results.first() {
            Some(result) => outputs::of_statement(&prepared, result).await?,
            None => Map::from_iter([("row".to_owned(), Value::Null)]),
        };
        values.extend(outputs::of_task(&prepared).await?);
        Ok(Output {
            values,
            state: None,
        })
    }
}
