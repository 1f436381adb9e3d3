//! The DuckDB tasks with the real library. Without one the tests say so and pass; with `REQUIRE_BACKENDS=1` they fail.
//!
//! This program is also the child process that the tasks start, so it brings its own small test runner.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test program")]

// the world is that of the other tests; not all of it is used here
#[allow(dead_code)]
#[path = "../scripts/world.rs"]
mod world;

mod files;
mod process;
mod queries;
mod query;

use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;

use flowmill_common::log::Level;
use flowmill_duckdb::library;
use flowmill_tasks::{Catalogue, Output, TaskError};
use serde_json::Value;

use self::world::World;

type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// Names each test function with its module.
macro_rules! tests {
    ($($name:path),* $(,)?) => {
        [$((stringify!($name), (|| Box::pin($name())) as fn() -> Pin<Box<dyn Future<Output = ()>>>)),*]
    };
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .first()
        .is_some_and(|argument| argument == "duckdb-child")
    {
        return flowmill_duckdb::child_main();
    }
    let tests: Vec<Test> = tests![
        query::each_fetch_type_gives_its_outputs,
        query::the_older_switches_go_before_the_fetch_type,
        query::rows_are_stored_as_ion_one_a_line,
        query::a_statement_after_it_shares_its_transaction,
        query::parameters_are_bound_and_casts_are_none,
        query::what_is_wrong_with_the_sql_is_said_with_its_place,
        queries::statements_with_rows_give_an_entry_each,
        queries::a_failing_statement_undoes_those_before_it,
        files::input_files_are_read_by_name_and_by_path,
        files::files_that_the_sql_writes_are_stored_under_their_names,
        files::a_database_is_stored_and_opened_again,
        process::a_kill_ends_the_process,
        process::a_missing_library_says_how_to_install_it,
        process::secrets_of_the_environment_are_not_passed_on,
    ]
    .into_iter()
    .filter(|(name, _)| {
        arguments
            .iter()
            .filter(|it| !it.starts_with('-'))
            .all(|wanted| name.contains(wanted.as_str()))
    })
    .collect();
    if arguments.iter().any(|argument| argument == "--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    if !has_library() {
        println!("skipped: libduckdb.so was not found (see duckdb/fetch.sh)");
        return if std::env::var_os("REQUIRE_BACKENDS").is_some() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
    }
    println!("running {} tests", tests.len());
    let failed: Vec<&str> = tests
        .into_iter()
        .filter(|test| !passes(test))
        .map(|(name, _)| name)
        .collect();
    println!(
        "{}",
        if failed.is_empty() {
            "all passed".to_owned()
        } else {
            format!("FAILED: {failed:?}")
        }
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn passes((name, test): &Test) -> bool {
    let run = std::panic::catch_unwind(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(test());
    });
    println!(
        "test {name} ... {}",
        if run.is_ok() { "ok" } else { "FAILED" }
    );
    run.is_ok()
}

fn search() -> library::Search {
    library::Search {
        environment: std::env::var_os("FLOWMILL_DUCKDB_LIB").map(PathBuf::from),
        // target/debug/deps: the library is in target/duckdb, or in that of the usual target folder
        program_directory: std::env::current_exe()
            .ok()
            .and_then(|program| Some(program.parent()?.parent()?.to_owned())),
        data_directory: Some(PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../target/duckdb/data"
        ))),
        ..library::Search::default()
    }
}

fn library_file() -> Option<PathBuf> {
    let usual = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/duckdb"))
        .join(library::FILE_NAME);
    let found = library::find(&search()).ok()?.path;
    [found, usual].into_iter().find(|path| path.is_file())
}

fn has_library() -> bool {
    library_file().is_some()
}

/// A world whose child process is this program.
fn world() -> World {
    let mut world = World::new();
    world.config.duckdb.program = Some(std::env::current_exe().unwrap());
    world.config.duckdb.library = library_file();
    world
}

/// Runs `io.kestra.plugin.jdbc.duckdb.…`.
async fn run(world: &World, short_type: &str, properties: Value) -> Result<Output, TaskError> {
    let task_type = format!("io.kestra.plugin.jdbc.duckdb.{short_type}");
    let task = Catalogue::new()
        .task(&task_type, properties.as_object().unwrap())
        .unwrap();
    task.run(&world.context()).await
}

/// The outputs of a query that succeeds.
async fn query(world: &World, properties: Value) -> Value {
    Value::Object(run(world, "Query", properties).await.unwrap().values)
}

async fn failure(world: &World, short_type: &str, properties: Value) -> String {
    run(world, short_type, properties)
        .await
        .unwrap_err()
        .to_string()
}

fn debug_lines(world: &World) -> Vec<String> {
    world.logged(Level::Debug)
}
