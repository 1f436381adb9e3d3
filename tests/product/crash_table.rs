//! Each process is killed at each point of the protocol between them, by a breakpoint that only the tests' build has: nothing is lost,
//! nothing hangs, and no task runs twice but one whose worker died inside it, which its log tells.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::api::state;
use crate::harness::process::PATIENCE;
use crate::harness::{Cluster, Server};
use crate::marked::{counts, flow, try_start};

/// How many executions are under way around a death.
const EXECUTIONS: usize = 24;

/// One row: where a process dies, and after how many times that it has come by.
fn row(role: &'static str, point: &str) {
    let name = point.replace('.', "-");
    let Some(cluster) = Cluster::new(&name, "", &[]) else {
        return;
    };
    let mut cluster = cluster.start(1, 1, 1);
    let scratch = tempfile::tempdir().unwrap();
    let marks = scratch.path().join("marks");
    let doomed = cluster.with(
        role,
        &[
            ("FLOWMILL_BREAKPOINT", &format!("{point}:3")),
            // one task at a time dies with its worker
            ("FLOWMILL_WORKER_SLOTS", "1"),
        ],
    );
    let api = &cluster.apis[0].api;
    api.save(&flow("crash", &marks));
    let mut started = Vec::new();
    let mut doomed = Some(doomed);
    let until = Instant::now() + PATIENCE;
    // the doomed one gets its share of partitions or jobs soon
    while doomed.as_mut().is_some_and(Server::is_running) || started.len() < EXECUTIONS {
        assert!(Instant::now() < until, "{point} is never reached");
        started.push(id(&api.start("crash/marked", &[])));
        if started.len() >= EXECUTIONS {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    drop(doomed.take());
    let died = Instant::now();
    cluster.executors.push(cluster.process("executor"));
    for id in &started {
        let execution = api.wait(id);
        assert_eq!(state(&execution), "SUCCESS", "{point}: {execution:#}");
    }
    println!(
        "{point}: {} executions, all over {:?} after the death",
        started.len(),
        died.elapsed()
    );
    let counts = counts(&marks);
    for id in &started {
        let count = counts.get(id).copied().unwrap_or_default();
        let told = api.log(id).contains("runs again");
        assert!(
            count == 1 || (count == 2 && told && point == "worker.before-result"),
            "{point}: the task of {id} ran {count} times, told: {told}"
        );
    }
}

/// An API dies while an execution is created: what it has accepted runs once, and so does what it could not answer any more.
fn api_row(point: &str, expected: usize) {
    let Some(cluster) = Cluster::new(&point.replace('.', "-"), "", &[]) else {
        return;
    };
    let cluster = cluster.start(1, 1, 1);
    let scratch = tempfile::tempdir().unwrap();
    let marks = scratch.path().join("marks");
    let api = &cluster.apis[0].api;
    api.save(&flow("crash", &marks));
    let breakpoint = format!("{point}:3");
    let doomed = cluster.with("api", &[("FLOWMILL_BREAKPOINT", &breakpoint)]);
    let accepted = std::iter::from_fn(|| try_start(&doomed.api, "crash"));
    assert_eq!(accepted.count(), 2);
    let found = api.get("/api/v1/executions/search?namespace=crash&size=100");
    let found = found.json()["results"].as_array().unwrap().clone();
    assert_eq!(found.len(), expected, "{found:#?}");
    for execution in &found {
        assert_eq!(state(&api.wait(&id(execution))), "SUCCESS");
    }
    let counts = counts(&marks);
    assert_eq!(counts.len(), expected);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[test]
fn an_api_dies_before_it_has_sent_an_execution() {
    api_row("api.before-create", 2);
}

#[test]
fn an_api_dies_after_it_has_sent_an_execution() {
    api_row("api.after-create", 3);
}

#[test]
fn every_message_comes_twice() {
    let Some(cluster) = Cluster::new("duplicates", "", &[("FLOWMILL_DUPLICATES", "1")]) else {
        return;
    };
    let cluster = cluster.start(2, 2, 1);
    let scratch = tempfile::tempdir().unwrap();
    let marks = scratch.path().join("marks");
    let api = &cluster.apis[0].api;
    api.save(&flow("crash", &marks));
    let started: Vec<_> = (0..EXECUTIONS)
        .map(|_| id(&api.start("crash/marked", &[])))
        .collect();
    for id in &started {
        let execution = api.wait(id);
        assert_eq!(state(&execution), "SUCCESS", "{execution:#}");
        assert!(!api.log(id).contains("runs again"), "{}", api.log(id));
    }
    let counts = counts(&marks);
    assert_eq!(counts.len(), EXECUTIONS);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

fn id(execution: &Value) -> String {
    execution["id"].as_str().unwrap().to_owned()
}

macro_rules! rows {
    ($($name:ident: $role:literal at $point:literal;)+) => {
        $(#[test]
        fn $name() {
            row($role, $point);
        })+
    };
}

rows! {
    an_executor_dies_before_it_commits: "executor" at "executor.before-commit";
    an_executor_dies_after_it_has_committed: "executor" at "executor.after-commit";
    an_executor_dies_after_it_has_sent_jobs: "executor" at "executor.after-dispatch";
    an_executor_dies_before_it_acknowledges_events: "executor" at "executor.before-acknowledgement";
    a_worker_dies_before_it_claims_a_job: "worker" at "worker.before-claim";
    a_worker_dies_after_it_has_claimed_a_job: "worker" at "worker.after-claim";
    a_worker_dies_with_a_result_in_its_hands: "worker" at "worker.before-result";
    a_worker_dies_after_it_has_sent_a_result: "worker" at "worker.after-result";
}
