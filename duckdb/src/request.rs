//! What the worker asks its child, and what the child answers: one line of JSON each way.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::library::Location;

/// One script to run on one database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// The library to load; see [`library::find`](crate::library::find).
    pub library: Location,
    /// Process id of the worker. The child ends at once when that process is gone; `None`: it does not watch.
    pub parent: Option<u32>,
    /// The database to open.
    pub database: Database,
    /// Where relative paths of the SQL are looked for and written: the child's working directory and DuckDB's
    /// `file_search_path`. `None`: where the worker runs.
    pub working_directory: Option<PathBuf>,
    /// The statements.
    pub script: Script,
    /// Values of the `:name` parameters. Only when there are any is the SQL searched for parameters.
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// What becomes of the rows.
    pub fetch: Fetch,
    /// The time zone (`Europe/Paris`) in which TIMESTAMP values, which have none, are to be read. `None`: UTC.
    pub time_zone: Option<String>,
    /// Community extensions to install and load first; one that fails is a warning.
    pub extensions: Vec<String>,
    /// Bounds.
    pub limits: Limits,
}

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Database {
    /// One that lives only in the child's memory.
    Memory,
    /// A file (made if it is not there), or another name that DuckDB can open, such as `md:name`.
    Path(String),
    /// A file that is only read.
    ReadOnly(String),
}

/// The SQL, and how many statements it may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Script {
    /// Exactly one statement, as `Query` wants it. With `after`, both run in one transaction.
    One {
        /// The statement.
        sql: String,
        /// A statement to run after it.
        after: Option<String>,
    },
    /// Any number of statements, as `Queries` wants it.
    Many {
        /// The statements, separated by `;`.
        sql: String,
        /// All or nothing. Ignored if the script handles transactions itself (`BEGIN`, `COMMIT` …).
        transaction: bool,
    },
}

/// What becomes of the rows of each statement that has any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fetch {
    /// They are read and dropped.
    None,
    /// All of them go into the response.
    All,
    /// The first of them goes into the response.
    One,
    /// They go to files of text Ion, one row a line, in this folder, which must exist: `1.ion` for the first statement with
    /// rows, and so on.
    Store(PathBuf),
}

/// Bounds on what the child may use and give back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory of DuckDB's buffers, in bytes. Default: DuckDB's own, 80 % of the machine.
    pub memory_bytes: Option<u64>,
    /// Threads. Default: DuckDB's own, one per core.
    pub threads: Option<u32>,
    /// Folder for what does not fit into memory; an empty path: none. Default: DuckDB's own, beside the database file, or
    /// `.tmp` in the working directory.
    pub temp_directory: Option<PathBuf>,
    /// Rows per statement that [`Fetch::All`] may put into the response. Default 1,000,000.
    pub fetch_rows: u64,
    /// Bytes of JSON that the rows of all statements may take in the response. Default 64 MiB.
    pub fetch_bytes: u64,
    /// Bytes per file that [`Fetch::Store`] may write. Default: no bound.
    pub store_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            threads: None,
            temp_directory: None,
            fetch_rows: 1_000_000,
            fetch_bytes: 64 * 1024 * 1024,
            store_bytes: None,
        }
    }
}

/// What came of a [`Request`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Response {
    /// One entry per statement that ran, in order; those before the failing one if there is a failure (their effects are
    /// rolled back if they ran in a transaction). `after` of [`Script::One`] has none.
    pub results: Vec<StatementResult>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What went wrong without failing.
    pub warnings: Vec<String>,
    /// DuckDB's version, `v1.5.6`; empty if the library could not be loaded.
    pub version: String,
    /// The most memory that the child had in use, in bytes.
    pub peak_memory_bytes: u64,
}

/// What one statement gave.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct StatementResult {
    /// Whether it gave a set of rows, be it empty: SELECT does, CREATE and INSERT do not.
    pub has_rows: bool,
    /// The columns of the rows.
    pub columns: Vec<Column>,
    /// With [`Fetch::One`]: the first row, an object; `None` if there is none. The text keeps the digits of decimals.
    pub row: Option<Box<RawValue>>,
    /// With [`Fetch::All`]: an array of objects. The text keeps the digits of decimals.
    pub rows: Option<Box<RawValue>>,
    /// With [`Fetch::Store`]: the file.
    pub file: Option<PathBuf>,
    /// Rows fetched or stored; with [`Fetch::None`] the rows dropped.
    pub size: u64,
    /// Rows inserted, updated or deleted.
    pub changed_rows: u64,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its label. Rows are maps, so of equal labels the last one's value is kept.
    pub name: String,
    /// Its type as SQL writes it: `DECIMAL(18,3)`, `INTEGER[]`.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// Why a script failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which part failed.
    pub kind: FailureKind,
    /// The whole message, DuckDB's own for SQL errors, with the line and a caret under the place if it is known.
    pub message: String,
    /// Which statement of the script, from 1; `None` if it was not a statement.
    pub statement: Option<usize>,
    /// Line of the script's SQL, from 1.
    pub line: Option<usize>,
    /// Column of that line in characters, from 1.
    pub column: Option<usize>,
}

/// Which part of a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// libduckdb could not be found or loaded.
    Library,
    /// The request or the script's form is wrong: several statements for one, a parameter that is missing …
    Request,
    /// The database could not be opened.
    Database,
    /// A statement failed.
    Sql,
    /// DuckDB ran out of the memory it may use.
    Memory,
    /// The result is larger than the limits allow.
    TooLarge,
    /// Rows could not be written to their file.
    Store,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            statement: None,
            line: None,
            column: None,
        }
    }
}
