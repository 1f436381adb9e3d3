//! From what the child answered to the outputs of a task.

use flowmill_common::log::{Level, Metric, MetricKind};
use flowmill_duckdb::{Response, StatementResult};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::properties::Prepared;
use crate::context::RunContext;
use crate::jdbc::fetch::FetchType;
use crate::task::TaskError;

/// The results of a script that succeeded; warnings go to the log.
pub(super) fn results(
    context: &RunContext,
    response: Response,
) -> Result<Vec<StatementResult>, TaskError> {
    for warning in response.warnings {
        context.log(Level::Warn, warning);
    }
    tracing::debug!(
        version = response.version,
        peak_memory = response.peak_memory_bytes,
        "DuckDB answered"
    );
    match response.failure {
        Some(failure) => Err(TaskError::failed(failure.message)),
        None => Ok(response.results),
    }
}

/// The outputs of one statement: `row` is always there, the others by what was wanted.
pub(super) async fn of_statement(
    prepared: &Prepared,
    result: &StatementResult,
) -> Result<Map<String, Value>, TaskError> {
    let mut values = Map::from_iter([("row".to_owned(), Value::Null)]);
    if !result.has_rows {
        return Ok(values);
    }
    match prepared.fetch_type {
        FetchType::None => return Ok(values),
        FetchType::FetchOne => {
            values.insert("row".into(), json(result.row.as_deref())?);
        }
        FetchType::Fetch => {
            values.insert("rows".into(), json(result.rows.as_deref())?);
        }
        FetchType::Store => {
            let file = result
                .file
                .as_ref()
                .ok_or_else(|| TaskError::failed("the rows were not written to a file"))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let uri = prepared.context.outside.store_file(&name, file).await?;
            values.insert("uri".into(), uri.into());
        }
    }
    values.insert("size".into(), result.size.into());
    prepared
        .context
        .outside
        .metric(fetched(prepared.fetch_type, result.size));
    Ok(values)
}

/// What the whole task leaves: the files that its SQL wrote, and the database.
pub(super) async fn of_task(prepared: &Prepared) -> Result<Map<String, Value>, TaskError> {
    let mut values = Map::new();
    let context = &prepared.context;
    if !prepared.output_files.is_empty() {
        let mut files = Map::new();
        for (name, path) in &prepared.output_files {
            if !path.exists() {
                context.log(
                    Level::Warn,
                    format!("the SQL wrote no file `{name}`: it is stored empty"),
                );
                std::fs::write(path, "")
                    .map_err(|error| TaskError::failed(format!("`{name}`: {error}")))?;
            }
            let uri = context.outside.store_file(name, path).await?;
            files.insert(name.clone(), uri.into());
        }
        values.insert("outputFiles".into(), Value::Object(files));
    }
    if let Some(file) = &prepared.database.to_store {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        values.insert(
            "databaseUri".into(),
            context.outside.store_file(&name, file).await?.into(),
        );
    }
    Ok(values)
}

fn json(raw: Option<&RawValue>) -> Result<Value, TaskError> {
    let Some(raw) = raw else {
        return Ok(Value::Null);
    };
    serde_json::from_str(raw.get())
        .map_err(|error| TaskError::failed(format!("the rows cannot be read: {error}")))
}

fn fetched(fetch_type: FetchType, size: u64) -> Metric {
    let tags = Map::from_iter([("fetch".to_owned(), Value::from(fetch_type.name()))]);
    Metric {
        name: "fetch.size".into(),
        kind: MetricKind::Counter,
        value: size as f64,
        tags,
    }
}
