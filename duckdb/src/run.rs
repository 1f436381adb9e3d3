//! Runs a request: library, database, session, statements.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use flowmill_common::ion::Writer;
use serde_json::value::RawValue;

use crate::database::{self, Connection, Library, ResultSet};
use crate::request::{
    Column, Database, Failure, FailureKind, Fetch, Limits, Request, Response, Script,
    StatementResult,
};
use crate::rows::{JsonSink, RowShape, Sink};
use crate::sql::{self, Piece};
use crate::temporal::Zone;
use crate::types::Type;

/// Row files are written in pieces of about this size.
const WRITE_BYTES: usize = 64 * 1024;

/// Runs all of it; what fails is part of the response.
pub(crate) fn run(request: &Request) -> Response {
    let mut response = Response::default();
    if let Err(failure) = run_into(request, &mut response) {
        response.failure = Some(failure);
    }
    response
}

fn run_into(request: &Request, response: &mut Response) -> Result<(), Failure> {
    let zone = Zone::of_name(request.time_zone.as_deref())
        .map_err(|message| Failure::new(FailureKind::Request, message))?;
    let plan = Plan::of(&request.script)?;
    let library = Library::load(&request.library.path).map_err(|error| {
        Failure::new(
            FailureKind::Library,
            request.library.missing(&error.message),
        )
    })?;
    response.version = library.version();
    if let Some(folder) = &request.working_directory {
        std::env::set_current_dir(folder).map_err(|error| {
            Failure::new(
                FailureKind::Request,
                format!("cannot work in `{}`: {error}", folder.display()),
            )
        })?;
    }
    let (path, mode) = match &request.database {
        Database::Memory => (":memory:", "automatic"),
        Database::Path(path) => (path.as_str(), "automatic"),
        Database::ReadOnly(path) => (path.as_str(), "read_only"),
    };
    let database = library
        .open(path, &settings(&request.limits, mode))
        .map_err(|error| Failure::new(FailureKind::Database, Report::of(&error).message))?;
    let connection = database
        .connect()
        .map_err(|error| Failure::new(FailureKind::Database, error.message))?;
    prepare_session(&connection, request, &mut response.warnings)?;
    Session {
        connection: &connection,
        request,
        zone,
        response,
        fetched_bytes: 0,
        files: 0,
    }
    .run(&plan)
}

fn settings(limits: &Limits, access_mode: &str) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("access_mode", access_mode.to_owned()),
        ("duckdb_api", "flowmill".to_owned()),
    ];
    if let Some(bytes) = limits.memory_bytes {
        settings.push(("memory_limit", format!("{bytes}B")));
    }
    if let Some(threads) = limits.threads {
        settings.push(("threads", threads.max(1).to_string()));
    }
    if let Some(folder) = &limits.temp_directory {
        settings.push(("temp_directory", folder.display().to_string()));
    }
    settings
}

fn prepare_session(
    connection: &Connection<'_>,
    request: &Request,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    // Errors then tell their position; a library that does not know the setting tells it in its text.
    let _ = connection.execute("SET errors_as_json = true");
    if let Some(folder) = &request.working_directory {
        let folder = folder.display().to_string().replace('\'', "''");
        connection
            .execute(&format!("SET file_search_path = '{folder}'"))
            .map_err(|error| Failure::new(FailureKind::Request, Report::of(&error).message))?;
    }
    for extension in &request.extensions {
        let well_named = !extension.is_empty()
            && extension
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !well_named {
            warnings.push(format!(
                "skipped the DuckDB extension `{extension}`: this is no name of one"
            ));
            continue;
        }
        let loaded = connection.execute(&format!(
            "INSTALL {extension} FROM community; LOAD {extension}"
        ));
        if let Err(error) = loaded {
            warnings.push(format!(
                "cannot load the DuckDB extension `{extension}`, going on without it: {}",
                Report::of(&error).message
            ));
        }
    }
    Ok(())
}

/// What to run, in order.
struct Plan<'sql> {
    sql: &'sql str,
    pieces: Vec<Piece<'sql>>,
    /// Statements whose result nobody wants, in the same transaction, from another text.
    after: Option<(&'sql str, Piece<'sql>)>,
    transaction: bool,
}

impl<'sql> Plan<'sql> {
    fn of(script: &'sql Script) -> Result<Self, Failure> {
        match script {
            Script::One { sql, after } => {
                let piece = single(sql, "sql")?;
                let after = match after {
                    Some(after) => Some((after.as_str(), single(after, "afterSQL")?)),
                    None => None,
                };
                let transaction = after.is_some();
                Ok(Self {
                    sql,
                    pieces: vec![piece],
                    after,
                    transaction,
                })
            }
            Script::Many { sql, transaction } => {
                let pieces = sql::split(sql);
                if pieces.is_empty() {
                    return Err(Failure::new(
                        FailureKind::Request,
                        "`sql` holds no statement",
                    ));
                }
                let own_transactions = pieces
                    .iter()
                    .any(|piece| sql::controls_transactions(piece.sql));
                Ok(Self {
                    sql,
                    pieces,
                    after: None,
                    transaction: *transaction && !own_transactions,
                })
            }
        }
    }
}

fn single<'sql>(sql: &'sql str, property: &str) -> Result<Piece<'sql>, Failure> {
    match sql::split(sql).as_slice() {
        [piece] => Ok(*piece),
        [] => Err(Failure::new(
            FailureKind::Request,
            format!("`{property}` holds no statement"),
        )),
        pieces => {
            let second = sql::place_of(sql, pieces[1].offset);
            let message = format!(
                "Query task support only a single SQL statement, but `{property}` holds {}. Use the Queries task to run \
                 multiple statements.\n\n{}",
                pieces.len(),
                sql::excerpt(sql, second)
            );
            Err(Failure {
                line: Some(second.line),
                column: Some(second.column),
                ..Failure::new(FailureKind::Request, message)
            })
        }
    }
}

struct Session<'a> {
    connection: &'a Connection<'a>,
    request: &'a Request,
    zone: Zone,
    response: &'a mut Response,
    /// JSON of rows in the response so far.
    fetched_bytes: u64,
    /// Row files written so far.
    files: usize,
}

impl Session<'_> {
    fn run(&mut self, plan: &Plan<'_>) -> Result<(), Failure> {
        if !plan.transaction {
            return self.run_statements(plan);
        }
        self.execute_own("BEGIN TRANSACTION")?;
        match self
            .run_statements(plan)
            .and_then(|()| self.execute_own("COMMIT"))
        {
            Ok(()) => Ok(()),
            Err(failure) => {
                // Fails if the error ended the transaction already.
                let _ = self.connection.execute("ROLLBACK");
                Err(failure)
            }
        }
    }

    fn run_statements(&mut self, plan: &Plan<'_>) -> Result<(), Failure> {
        for (index, piece) in plan.pieces.iter().enumerate() {
            let result = self
                .run_piece(piece, &self.request.fetch)
                .map_err(|error| error.at(plan.sql, piece, index + 1))?;
            self.response.results.push(result);
        }
        if let Some((sql, piece)) = &plan.after {
            self.run_piece(piece, &Fetch::None)
                .map_err(|error| error.at(sql, piece, plan.pieces.len() + 1))?;
        }
        Ok(())
    }

    fn execute_own(&self, sql: &str) -> Result<(), Failure> {
        self.connection
            .execute(sql)
            .map_err(|error| Failure::new(FailureKind::Sql, Report::of(&error).message))
    }

    /// Runs one statement of the script. DuckDB may make several of it (of a PIVOT, say): the last one's result counts.
    fn run_piece(
        &mut self,
        piece: &Piece<'_>,
        fetch: &Fetch,
    ) -> Result<StatementResult, StatementError> {
        let connection = self.connection;
        let named = sql::name_parameters(piece.sql, &self.request.parameters).map_err(|error| {
            StatementError {
                kind: FailureKind::Request,
                report: Report {
                    message: error.message,
                    offset: Some(error.offset),
                },
            }
        })?;
        let statements = connection.extract(&named)?;
        let mut outcome = StatementResult::default();
        for index in 0..statements.count() {
            let mut prepared = statements.prepare(index)?;
            for (number, name) in prepared.parameter_names().iter().enumerate() {
                if let Some(value) = self.parameter(name)? {
                    prepared.bind(number as u64 + 1, value)?;
                }
            }
            let is_last = index + 1 == statements.count();
            outcome = self.take_result(
                prepared.execute()?,
                if is_last { fetch } else { &Fetch::None },
            )?;
        }
        Ok(outcome)
    }

    /// The value of a parameter. Without any parameters there is none, and DuckDB complains itself.
    fn parameter(&self, name: &str) -> Result<Option<&serde_json::Value>, StatementError> {
        let parameters = &self.request.parameters;
        let found = parameters.get(name).or_else(|| {
            parameters
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        });
        match found {
            Some(value) => Ok(Some(value)),
            None if parameters.is_empty() => Ok(None),
            None => {
                let known: Vec<_> = parameters
                    .keys()
                    .map(|known| format!("`{known}`"))
                    .collect();
                Err(StatementError::new(
                    FailureKind::Request,
                    format!(
                        "no parameter `{name}` (`parameters` has {})",
                        known.join(", ")
                    ),
                ))
            }
        }
    }

    fn take_result(
        &mut self,
        mut result: ResultSet<'_>,
        fetch: &Fetch,
    ) -> Result<StatementResult, StatementError> {
        if !result.has_rows() {
            return Ok(StatementResult {
                changed_rows: result.changed_rows(),
                ..StatementResult::default()
            });
        }
        let (labels, types): (Vec<String>, Vec<Type>) = result.columns().into_iter().unzip();
        let mut outcome = StatementResult {
            has_rows: true,
            columns: columns(&labels, &types),
            ..StatementResult::default()
        };
        if *fetch != Fetch::None {
            refuse_unreadable(&labels, &types)?;
        }
        let shape = RowShape::new(&labels, self.zone.clone());
        match fetch {
            Fetch::None => {
                while let Some(chunk) = result.next_chunk(&types)? {
                    outcome.size += chunk.length() as u64;
                }
            }
            Fetch::One => {
                while let Some(chunk) = result.next_chunk(&types)? {
                    if chunk.length() > 0 {
                        let mut sink = JsonSink::default();
                        shape.write(&chunk.columns(), 0, &mut sink);
                        self.account(&sink)?;
                        outcome.row = Some(raw(sink));
                        outcome.size = 1;
                        break;
                    }
                }
            }
            Fetch::All => self.fetch_all(&mut result, &types, &shape, &mut outcome)?,
            Fetch::Store(folder) => {
                self.files += 1;
                let file = folder.join(format!("{}.ion", self.files));
                outcome.size = store(
                    &mut result,
                    &types,
                    &shape,
                    &file,
                    self.request.limits.store_bytes,
                )?;
                outcome.file = Some(file);
            }
        }
        Ok(outcome)
    }

    fn fetch_all(
        &mut self,
        result: &mut ResultSet<'_>,
        types: &[Type],
        shape: &RowShape,
        outcome: &mut StatementResult,
    ) -> Result<(), StatementError> {
        let limits = &self.request.limits;
        let mut sink = JsonSink::default();
        sink.begin_list();
        while let Some(chunk) = result.next_chunk(types)? {
            let columns = chunk.columns();
            for row in 0..chunk.length() {
                shape.write(&columns, row, &mut sink);
                if self.fetched_bytes + sink.text().len() as u64 > limits.fetch_bytes {
                    return Err(too_large(&format!("{} bytes", limits.fetch_bytes)));
                }
            }
            outcome.size += chunk.length() as u64;
            if outcome.size > limits.fetch_rows {
                return Err(too_large(&format!("{} rows", limits.fetch_rows)));
            }
        }
        sink.end_list();
        self.account(&sink)?;
        outcome.rows = Some(raw(sink));
        Ok(())
    }

    fn account(&mut self, sink: &JsonSink) -> Result<(), StatementError> {
        self.fetched_bytes += sink.text().len() as u64;
        let limit = self.request.limits.fetch_bytes;
        if self.fetched_bytes > limit {
            return Err(too_large(&format!("{limit} bytes")));
        }
        Ok(())
    }
}

fn columns(labels: &[String], types: &[Type]) -> Vec<Column> {
    labels
        .iter()
        .zip(types)
        .map(|(label, kind)| Column {
            name: label.clone(),
            type_name: kind.name(),
        })
        .collect()
}

fn refuse_unreadable(labels: &[String], types: &[Type]) -> Result<(), StatementError> {
    for (label, kind) in labels.iter().zip(types) {
        if let Some(part) = kind.unreadable_part() {
            return Err(StatementError::new(
                FailureKind::Sql,
                format!(
                    "the column `{label}` holds values of type {part}, which rows cannot have: cast it to JSON or VARCHAR"
                ),
            ));
        }
    }
    Ok(())
}

/// Writes all rows to a file; gives their number.
fn store(
    result: &mut ResultSet<'_>,
    types: &[Type],
    shape: &RowShape,
    path: &Path,
    limit_bytes: Option<u64>,
) -> Result<u64, StatementError> {
    let failed = |error: std::io::Error| {
        StatementError::new(
            FailureKind::Store,
            format!("cannot write the rows to `{}`: {error}", path.display()),
        )
    };
    let mut file = File::create(path).map_err(failed)?;
    let mut writer = Writer::new();
    let (mut rows, mut written) = (0, 0_u64);
    while let Some(chunk) = result.next_chunk(types)? {
        let columns = chunk.columns();
        for row in 0..chunk.length() {
            shape.write(&columns, row, &mut writer);
            writer.end_row();
            if writer.text().len() >= WRITE_BYTES {
                written += writer.text().len() as u64;
                file.write_all(writer.text().as_bytes()).map_err(failed)?;
                writer.clear();
            }
        }
        rows += chunk.length() as u64;
        if let Some(limit) =
            limit_bytes.filter(|limit| written + writer.text().len() as u64 > *limit)
        {
            return Err(StatementError::new(
                FailureKind::TooLarge,
                format!("the stored rows take more than {limit} bytes"),
            ));
        }
    }
    file.write_all(writer.text().as_bytes()).map_err(failed)?;
    Ok(rows)
}

fn raw(sink: JsonSink) -> Box<RawValue> {
    RawValue::from_string(sink.into_text()).expect("the sink writes JSON")
}

fn too_large(limit: &str) -> StatementError {
    StatementError::new(
        FailureKind::TooLarge,
        format!("the result is larger than {limit}: use `fetchType: STORE`, or a LIMIT in the SQL"),
    )
}

/// A failure whose place in the script is not known yet.
struct StatementError {
    kind: FailureKind,
    report: Report,
}

impl StatementError {
    fn new(kind: FailureKind, message: String) -> Self {
        Self {
            kind,
            report: Report {
                message,
                offset: None,
            },
        }
    }

    fn at(self, script: &str, piece: &Piece<'_>, statement: usize) -> Failure {
        let place = self
            .report
            .offset
            .map(|offset| sql::place_of(script, piece.offset + offset.min(piece.sql.len())));
        let mut message = self.report.message;
        if let Some(place) = place {
            message.push_str("\n\n");
            message.push_str(&sql::excerpt(script, place));
        }
        Failure {
            kind: self.kind,
            message,
            statement: Some(statement),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        }
    }
}

impl From<database::Error> for StatementError {
    fn from(error: database::Error) -> Self {
        let report = Report::of(&error);
        let out_of_memory = error.out_of_memory || report.message.starts_with("Out of Memory");
        Self {
            kind: if out_of_memory {
                FailureKind::Memory
            } else {
                FailureKind::Sql
            },
            report,
        }
    }
}

/// DuckDB's message, and the byte of the statement that it means.
struct Report {
    message: String,
    offset: Option<usize>,
}

impl Report {
    /// Takes the JSON apart that `errors_as_json` makes of errors (the parser's stand behind a `Parser Error: `); other
    /// texts are messages as they are.
    fn of(error: &database::Error) -> Self {
        #[derive(serde::Deserialize)]
        struct AsJson {
            exception_type: String,
            exception_message: String,
            position: Option<String>,
        }
        let json = error
            .message
            .find('{')
            .map_or("", |at| &error.message[at..]);
        match serde_json::from_str::<AsJson>(json) {
            Ok(json) => Self {
                message: format!("{} Error: {}", json.exception_type, json.exception_message),
                offset: json.position.and_then(|position| position.parse().ok()),
            },
            Err(_) => Self {
                message: error.message.clone(),
                offset: None,
            },
        }
    }
}
