//! What `Query` and `Queries` share.

use std::path::{Path, PathBuf};

use flowmill_duckdb::{Fetch, Limits, Request, Script, library};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::database::{self, Opened};
use crate::context::RunContext;
use crate::jdbc::fetch::{FetchProperties, FetchType};
use crate::property::Property;
use crate::support::input_files::{self, InputFiles};
use crate::support::paths;
use crate::task::TaskError;

/// Where the SQL runs, and with what.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DuckdbProperties {
    /// The database: `jdbc:duckdb:` for one of this task alone, `jdbc:duckdb:/folder/file.db` for a file of the worker's machine,
    /// `jdbc:duckdb:md:name` for MotherDuck.
    #[serde(default = "own_database")]
    #[schemars(default)]
    pub(super) url: Property<String>,
    /// Without effect: DuckDB has no users.
    #[allow(dead_code)]
    username: Option<Property<String>>,
    /// Without effect: DuckDB has no users.
    #[allow(dead_code)]
    password: Option<Property<String>>,
    /// The time zone in which TIMESTAMP values are read, which have none of their own; UTC when left out.
    time_zone_id: Option<Property<String>>,
    /// The SQL. Files in the working directory can be named as they are: `FROM 'data.csv'`.
    pub(super) sql: Property<String>,
    /// Values for the `:name` parameters in the SQL.
    parameters: Option<Property<Map<String, Value>>>,
    /// Files to put into the working directory: a map of names to contents or to URIs of stored files.
    input_files: Option<Property<InputFiles>>,
    /// Names of files that the SQL writes, as in `COPY … TO '{{ outputFiles.name }}'`; they are stored, and their URIs are outputs.
    output_files: Option<Property<Vec<String>>>,
    /// The URI of a stored database file to open.
    pub(super) database_uri: Option<Property<String>>,
    /// Whether the database file is stored afterwards, with its URI as an output.
    #[serde(default)]
    pub(super) output_db_file: Property<bool>,
    /// Community extensions to install and load first; one that cannot be had is a warning. When left out, `ion` is loaded for SQL that
    /// reads Ion.
    community_extensions: Option<Property<Vec<String>>>,
}

fn own_database() -> Property<String> {
    Property::literal("jdbc:duckdb:".to_owned())
}

/// Everything but the script, ready.
pub(super) struct Prepared {
    /// The task's context with `workingDir` and `outputFiles`.
    pub(super) context: RunContext,
    pub(super) database: Opened,
    pub(super) fetch_type: FetchType,
    /// Names and paths of the files that the SQL is to write.
    pub(super) output_files: Vec<(String, PathBuf)>,
    /// Where rows are stored.
    rows: PathBuf,
    time_zone: Option<String>,
    parameters: Map<String, Value>,
    extensions: Option<Vec<String>>,
}

impl DuckdbProperties {
    /// Puts files in their places and renders everything but the script.
    pub(super) async fn prepare(
        &self,
        context: &RunContext,
        fetch: &FetchProperties,
    ) -> Result<Prepared, TaskError> {
        let folder = &context.working_directory;
        let names = Property::render_optional(self.output_files.as_ref(), context)
            .await?
            .unwrap_or_default();
        let output_files = output_paths(folder, &names)?;
        let context = context.with_variables(variables(folder, &output_files));
        input_files::write(&context, self.input_files.as_ref()).await?;
        let database = database::open(self, &context).await?;
        let rows = paths::unused_name(folder, ".rows");
        tokio::fs::create_dir_all(&rows).await.map_err(|error| {
            TaskError::failed(format!("no folder for the rows can be made: {error}"))
        })?;
        Ok(Prepared {
            fetch_type: fetch.render(&context).await?,
            time_zone: Property::render_optional(self.time_zone_id.as_ref(), &context).await?,
            parameters: Property::render_optional(self.parameters.as_ref(), &context)
                .await?
                .unwrap_or_default(),
            extensions: Property::render_optional(self.community_extensions.as_ref(), &context)
                .await?,
            database,
            output_files,
            rows,
            context,
        })
    }
}

impl Prepared {
    /// The request to the child.
    pub(super) fn request(&self, script: Script) -> Result<Request, TaskError> {
        let config = &self.context.config.duckdb;
        let (Script::One { sql, .. } | Script::Many { sql, .. }) = &script;
        let extensions = self
            .extensions
            .clone()
            .unwrap_or_else(|| needed_extensions(sql));
        Ok(Request {
            library: library(&self.context)?,
            parent: Some(std::process::id()),
            database: self.database.database.clone(),
            working_directory: Some(self.context.working_directory.clone()),
            parameters: self.parameters.clone(),
            fetch: match self.fetch_type {
                FetchType::Fetch => Fetch::All,
                FetchType::FetchOne => Fetch::One,
                FetchType::Store => Fetch::Store(self.rows.clone()),
                FetchType::None => Fetch::None,
            },
            time_zone: self.time_zone.clone(),
            limits: Limits {
                memory_bytes: config.memory_bytes,
                threads: config.threads,
                temp_directory: Some(self.context.working_directory.join(".spill")),
                fetch_rows: config.maximum_fetched_rows,
                fetch_bytes: config.maximum_fetched_bytes,
                store_bytes: config.maximum_stored_bytes,
            },
            extensions,
            script,
        })
    }
}

/// `ion` where the SQL reads Ion: asking for it takes a network, and most SQL does not need it.
fn needed_extensions(sql: &str) -> Vec<String> {
    let sql = sql.to_lowercase();
    let reads_ion = ["read_ion", ".ion'", "format ion"]
        .iter()
        .any(|sign| sql.contains(sign));
    if reads_ion {
        vec!["ion".to_owned()]
    } else {
        Vec::new()
    }
}

fn library(context: &RunContext) -> Result<library::Location, TaskError> {
    let config = &context.config.duckdb;
    let program = std::env::current_exe().ok();
    let search = library::Search {
        configured: config.library.clone(),
        environment: std::env::var_os("FLOWMILL_DUCKDB_LIB").map(PathBuf::from),
        data_directory: config.data_directory.clone(),
        program_directory: program.and_then(|program| program.parent().map(Path::to_owned)),
    };
    library::find(&search).map_err(|error| TaskError::failed(error.to_string()))
}

/// Each name gets a folder of its own: it may be that of an input file, too. It keeps its ending, by which DuckDB chooses the format.
fn output_paths(folder: &Path, names: &[String]) -> Result<Vec<(String, PathBuf)>, TaskError> {
    let mut paths = Vec::new();
    for name in names {
        let own = paths::unused_name(folder, ".out");
        let path = paths::below(&own, name)?;
        let parent = path.parent().unwrap_or(&own);
        std::fs::create_dir_all(parent).map_err(|error| {
            TaskError::failed(format!(
                "no folder for the output file `{name}` can be made: {error}"
            ))
        })?;
        paths.push((name.clone(), path));
    }
    Ok(paths)
}

fn variables(folder: &Path, output_files: &[(String, PathBuf)]) -> Map<String, Value> {
    let files = output_files
        .iter()
        .map(|(name, path)| (name.clone(), Value::from(path.to_string_lossy())));
    Map::from_iter([
        (
            "workingDir".to_owned(),
            Value::from(folder.to_string_lossy()),
        ),
        ("outputFiles".to_owned(), Value::Object(files.collect())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sql_that_reads_ion_asks_for_the_extension() {
        assert_eq!(needed_extensions("SELECT * FROM 'rows.ion'"), ["ion"]);
        assert_eq!(needed_extensions("SELECT * FROM READ_ION('x')"), ["ion"]);
        assert!(needed_extensions("SELECT region, million FROM 'a.csv'").is_empty());
    }
}
