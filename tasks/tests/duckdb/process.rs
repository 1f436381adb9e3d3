use flowmill_tasks::TaskError;
use serde_json::json;

use crate::{failure, query, run, world};

/// The processes that have this folder as their working directory.
fn processes_in(folder: &std::path::Path) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
        .count()
}

pub(crate) async fn a_kill_ends_the_process() {
    let world = world();
    let endless = json!({"sql": "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"});
    let folder = world.folder().canonicalize().unwrap();
    let kill = async {
        while processes_in(&folder) == 0 {
            tokio::task::yield_now().await;
        }
        world.cancelled.cancel();
    };
    let (result, ()) = tokio::join!(run(&world, "Query", endless), kill);
    assert_eq!(result, Err(TaskError::Killed));
    assert_eq!(processes_in(&folder), 0);
}

pub(crate) async fn a_missing_library_says_how_to_install_it() {
    let mut world = world();
    world.config.duckdb.library = Some("/nowhere/libduckdb.so".into());
    let message = failure(&world, "Query", json!({"sql": "SELECT 1"})).await;
    assert!(
        message.contains("/nowhere/libduckdb.so") && message.contains("duckdb/fetch.sh"),
        "{message}"
    );
}

pub(crate) async fn secrets_of_the_environment_are_not_passed_on() {
    let world = world();
    let sql = "SELECT content FROM read_text('/proc/self/environ')";
    let row = query(&world, json!({"sql": sql, "fetchType": "FETCH_ONE"})).await;
    let environment = row["row"]["content"].as_str().unwrap();
    assert!(!environment.contains("CARGO_"), "{environment}");
}
