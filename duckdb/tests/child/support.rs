//! Starts the child as the worker does.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use flowmill_duckdb::library::{self, Search};
use flowmill_duckdb::{Database, Fetch, Limits, Request, Response, Script, StatementResult};
use serde_json::Value;

pub(crate) const CHILD: &str = env!("CARGO_BIN_EXE_flowmill-duckdb-child");

/// The library that `fetch.sh` has put into the build tree, or the one that the environment names.
pub(crate) fn library() -> Option<library::Location> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let search = Search {
        environment: std::env::var_os("FLOWMILL_DUCKDB_LIB").map(PathBuf::from),
        program_directory: Some(repository.join("target/debug")),
        ..Search::default()
    };
    let location = library::find(&search).expect("FLOWMILL_DUCKDB_LIB");
    if location.path.is_absolute() {
        return Some(location);
    }
    assert!(
        std::env::var("REQUIRE_BACKENDS").as_deref() != Ok("1"),
        "libduckdb is missing, and REQUIRE_BACKENDS=1: run duckdb/fetch.sh"
    );
    static SAID: Once = Once::new();
    // Not by `eprintln!`, which the test runner captures.
    SAID.call_once(|| {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: libduckdb is missing, run duckdb/fetch.sh"
        );
    });
    None
}

/// Ends a test early when there is no library.
macro_rules! request_or_skip {
    ($sql:expr) => {
        match crate::support::library() {
            Some(library) => crate::support::request(library, $sql),
            None => return,
        }
    };
}
pub(crate) use request_or_skip;

/// One statement in memory, whose rows are all fetched.
pub(crate) fn request(library: library::Location, sql: &str) -> Request {
    Request {
        library,
        parent: Some(std::process::id()),
        database: Database::Memory,
        working_directory: None,
        script: Script::One {
            sql: sql.to_owned(),
            after: None,
        },
        parameters: serde_json::Map::new(),
        fetch: Fetch::All,
        time_zone: None,
        extensions: Vec::new(),
        limits: Limits::default(),
    }
}

pub(crate) fn many(sql: &str) -> Script {
    Script::Many {
        sql: sql.to_owned(),
        transaction: true,
    }
}

/// A started child that has its request.
pub(crate) fn start(request: &Request) -> Child {
    let mut child = Command::new(CHILD)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let mut line = serde_json::to_vec(request).unwrap();
    line.push(b'\n');
    child.stdin.take().unwrap().write_all(&line).unwrap();
    child
}

/// Runs a request to its end.
pub(crate) fn run(request: &Request) -> Response {
    let mut child = start(request);
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(
        text.matches('\n').count(),
        1,
        "one line and nothing else: {text}"
    );
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The results of a request that succeeds.
pub(crate) fn results(request: &Request) -> Vec<StatementResult> {
    let response = run(request);
    assert_eq!(response.failure, None);
    response.results
}

/// The rows of a request of one statement, as text.
pub(crate) fn rows_text(request: &Request) -> String {
    let results = results(request);
    results
        .last()
        .unwrap()
        .rows
        .as_ref()
        .expect("rows")
        .get()
        .to_owned()
}

pub(crate) fn rows(request: &Request) -> Value {
    serde_json::from_str(&rows_text(request)).unwrap()
}

/// The message of a request that fails.
pub(crate) fn failure(request: &Request) -> flowmill_duckdb::Failure {
    run(request).failure.expect("a failure")
}
