//! How the child starts and ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flowmill_duckdb::library::Location;
use flowmill_duckdb::{FailureKind, Response};

use crate::support::{CHILD, failure, request, request_or_skip, start};

/// Runs for hours.
const ENDLESS: &str =
    "SELECT count(*) FROM range(10000000000) a(i), range(1000) b(j) WHERE hash(i + j) = 42";

#[test]
fn a_killed_child_is_gone_at_once() {
    let request = request_or_skip!(ENDLESS);
    let mut child = start(&request);
    wait_until_busy(child.id());
    let before = Instant::now();
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success());
    assert!(before.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_child_does_not_survive_its_worker() {
    let mut request = request_or_skip!(ENDLESS);
    // A shell stands in for the worker: it starts the child in the background and is killed.
    request.parent = Some(0);
    let text = serde_json::to_string(&request)
        .unwrap()
        .replace("\"parent\":0", "\"parent\":$$");
    let script = format!(
        "'{CHILD}' <<REQUEST >/dev/null 2>&1 &\n{}\nREQUEST\necho $!\nwait",
        text.replace('`', "\\`")
    );
    let mut worker = Command::new("sh")
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(worker.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let child: u32 = line.trim().parse().unwrap();
    wait_until_busy(child);
    worker.kill().unwrap();
    worker.wait().unwrap();
    wait_until(
        || cpu_ticks(child).is_none(),
        "the child ends with its worker",
    );
}

#[test]
fn a_child_whose_worker_was_gone_before_it_began_ends() {
    let mut request = request_or_skip!(ENDLESS);
    request.parent = Some(1);
    let mut child = start(&request);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn a_missing_library_is_a_result_that_says_how_to_install_it() {
    let location = Location {
        path: "/nowhere/libduckdb.so".into(),
        searched: vec!["/data/lib/libduckdb.so".into()],
    };
    let failure = failure(&request(location, "SELECT 1"));
    assert_eq!(failure.kind, FailureKind::Library);
    for part in [
        "/data/lib/libduckdb.so",
        "/nowhere/libduckdb.so",
        "duckdb/fetch.sh",
        "FLOWMILL_DUCKDB_LIB",
    ] {
        assert!(failure.message.contains(part), "{failure}");
    }
}

#[test]
fn another_library_is_refused() {
    let Some(location) = [
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib/aarch64-linux-gnu/libc.so.6",
        "/lib64/libc.so.6",
    ]
    .iter()
    .find(|path| std::path::Path::new(path).exists())
    .map(|path| Location {
        path: path.into(),
        searched: Vec::new(),
    }) else {
        return;
    };
    let failure = failure(&request(location, "SELECT 1"));
    assert!(
        failure.message.contains("this is no DuckDB library"),
        "{failure}"
    );
}

#[test]
fn a_request_that_is_not_well_formed_is_answered() {
    let mut child = Command::new(CHILD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"{\"library\":1}\n")
        .unwrap();
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(child.wait().unwrap().success());
    let response: Response = serde_json::from_str(&text).unwrap();
    assert_eq!(response.failure.unwrap().kind, FailureKind::Request);
}

/// Waits until the process has spent a while of processor time: it is in its query then.
fn wait_until_busy(process: u32) {
    wait_until(
        || cpu_ticks(process).is_some_and(|ticks| ticks > 30),
        "the query runs",
    );
}

fn wait_until(condition: impl Fn() -> bool, what: &str) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
}

/// Processor time of a process in hundredths of a second; `None` if it has ended.
fn cpu_ticks(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if fields[0] == "Z" {
        return None;
    }
    Some(fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?)
}
