//! Bounds on memory, rows and bytes.

use std::path::PathBuf;

use flowmill_duckdb::{FailureKind, Fetch};

use crate::support::{failure, request_or_skip, results, run};

const MEBIBYTE: u64 = 1024 * 1024;

#[test]
fn a_statement_that_needs_more_memory_than_it_may_fails_and_says_so() {
    let mut request = request_or_skip!(
        "SELECT count(DISTINCT i::VARCHAR || 'some more text') AS n FROM range(5000000) t(i)"
    );
    request.limits.memory_bytes = Some(32 * MEBIBYTE);
    request.limits.threads = Some(1);
    request.limits.temp_directory = Some(PathBuf::new());
    let response = run(&request);
    let failure = response.failure.expect("a failure");
    assert_eq!(failure.kind, FailureKind::Memory, "{failure}");
    assert!(
        failure.message.starts_with("Out of Memory Error"),
        "{failure}"
    );
    assert!(
        response.peak_memory_bytes < 300 * MEBIBYTE,
        "{}",
        response.peak_memory_bytes
    );
}

#[test]
fn what_does_not_fit_into_memory_goes_to_the_temporary_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request_or_skip!(
        "SELECT i FROM range(5000000) t(i) ORDER BY hash(i) LIMIT 1 OFFSET 4000000"
    );
    request.limits.memory_bytes = Some(64 * MEBIBYTE);
    request.limits.threads = Some(1);
    request.limits.temp_directory = Some(folder.path().join("spill"));
    assert_eq!(results(&request)[0].size, 1);
}

#[test]
fn a_million_rows_are_stored_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request_or_skip!(
        "SELECT i AS id, 'name of number ' || i AS name, (i * 7)::DECIMAL(18,2) AS price, i / 3.0 AS ratio FROM range(1000000) t(i)"
    );
    request.limits.memory_bytes = Some(100 * MEBIBYTE);
    request.fetch = Fetch::Store(folder.path().to_owned());
    let response = run(&request);
    assert_eq!(response.failure, None);
    let result = &response.results[0];
    assert_eq!(result.size, 1_000_000);
    let stored = std::fs::read_to_string(result.file.as_ref().unwrap()).unwrap();
    assert!(stored.len() as u64 > 70 * MEBIBYTE);
    assert_eq!(stored.lines().count(), 1_000_000);
    assert_eq!(
        stored.lines().last().unwrap(),
        "{id:999999,name:\"name of number 999999\",price:6999993.00,ratio:333333e0}"
    );
    assert!(
        response.peak_memory_bytes < 200 * MEBIBYTE,
        "{}",
        response.peak_memory_bytes
    );
}

#[test]
fn fetched_rows_are_bounded_in_number_and_size() {
    let mut request =
        request_or_skip!("SELECT i, repeat('x', 100) AS text FROM range(100000) t(i)");
    request.limits.fetch_rows = 1000;
    let rows = failure(&request);
    assert_eq!(rows.kind, FailureKind::TooLarge);
    assert!(
        rows.message
            .starts_with("the result is larger than 1000 rows: use `fetchType: STORE`"),
        "{rows}"
    );

    request.limits.fetch_rows = 1_000_000;
    request.limits.fetch_bytes = MEBIBYTE;
    let bytes = failure(&request);
    assert!(
        bytes
            .message
            .starts_with("the result is larger than 1048576 bytes"),
        "{bytes}"
    );

    request.script =
        crate::support::many("SELECT repeat('x', 600000) AS a; SELECT repeat('x', 600000) AS a");
    assert_eq!(failure(&request).statement, Some(2));
}

#[test]
fn a_stored_file_is_bounded_when_a_bound_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request_or_skip!("SELECT i FROM range(1000000) t(i)");
    request.fetch = Fetch::Store(folder.path().to_owned());
    request.limits.store_bytes = Some(MEBIBYTE);
    assert_eq!(failure(&request).kind, FailureKind::TooLarge);
}

#[test]
fn rows_that_cannot_be_written_say_where() {
    let mut request = request_or_skip!("SELECT 1 AS a");
    request.fetch = Fetch::Store("/nowhere".into());
    let failure = failure(&request);
    assert_eq!(failure.kind, FailureKind::Store);
    assert!(
        failure
            .message
            .starts_with("cannot write the rows to `/nowhere/1.ion`"),
        "{failure}"
    );
}
