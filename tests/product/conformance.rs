//! Kestra's own behaviour, as the cases of `shared/conformance` beside the checkout hold it. Those named in `tests/conformance.txt`
//! must pass; the report of all is left in `target/conformance.txt`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Api, Cluster, Server, ServerOptions, beside, in_tests, repository, skip};

/// What the cases expect of the server; see the README beside them.
const CONFIG: &str = "\
encryption:
  secret-key: I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK
variables:
  globals: {string: string, int: 1, bool: true, nested: {int: 2}}
";
/// base64 of `{\"secretKey\":\"secretValue\"}`.
const MY_SECRET: &str = "eyJzZWNyZXRLZXkiOiJzZWNyZXRWYWx1ZSJ9";
/// base64 of `passwordveryveryveyrlong`, five times, broken as the `base64` program does.
const NEW_LINE: &str = "cGFzc3dvcmR2ZXJ5dmVyeXZleXJsb25ncGFzc3dvcmR2ZXJ5dmVyeXZleXJsb25ncGFzc3dvcmR2\n\
                        ZXJ5dmVyeXZleXJsb25ncGFzc3dvcmR2ZXJ5dmVyeXZleXJsb25ncGFzc3dvcmR2ZXJ5dmVyeXZl\neXJsb25n";

const ENVIRONMENT: [(&str, &str); 5] = [
    ("SECRET_MY_SECRET", MY_SECRET),
    ("SECRET_NEW_LINE", NEW_LINE),
    ("SECRET_WEBHOOK_KEY", "c2VjcmV0S2V5"),
    ("KESTRA_TEST1", "true"),
    ("KESTRA_TEST2", "Pass by env"),
];

#[test]
fn the_cases_that_passed_before_pass() {
    let environment = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let server = Server::with(ServerOptions {
        config: Some(CONFIG.into()),
        environment: environment.to_vec(),
        ..ServerOptions::default()
    });
    hold(&server.api, "conformance.txt");
}

#[test]
fn the_same_cases_pass_on_many_processes() {
    let Some(cluster) = Cluster::new("conformance", CONFIG, &ENVIRONMENT) else {
        return;
    };
    let cluster = cluster.start(2, 3, 2);
    hold(&cluster.apis[0].api, "conformance-distributed.txt");
}

/// Runs all cases, leaves the report under this name, and fails if one is lost.
fn hold(api: &Api, report_name: &str) {
    let Some(runner) = beside("conformance/run.py") else {
        return skip(
            "conformance",
            "there is no shared/conformance beside the checkout",
        );
    };
    let scratch = tempfile::tempdir().unwrap();
    let results = scratch.path().join("results.json");
    let base = format!("http://{}", api.address());
    let mut command = Command::new("python3");
    command
        .arg(runner)
        .args(["--base", &base, "--jobs", "8", "--timeout", "20", "--json"])
        .arg(&results);
    let output = command.output().expect("python3 runs");
    assert_ne!(
        output.status.code(),
        Some(2),
        "the run did not start: {}",
        String::from_utf8_lossy(&output.stderr)
    );

    let outcomes = read(&std::fs::read_to_string(&results).expect("the runner writes its results"));
    report(&outcomes, report_name);
    let wanted = std::fs::read_to_string(in_tests("conformance.txt")).unwrap();
    let lost: Vec<String> = wanted
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|id| match outcomes.get(id) {
            Some((status, _)) if status == "pass" => None,
            Some((_, why)) => Some(format!("{id}: {why}")),
            None => Some(format!("{id}: no such case")),
        })
        .collect();
    assert!(
        lost.is_empty(),
        "{} cases passed before and do not now:\n{}",
        lost.len(),
        lost.join("\n")
    );
}

/// Status and reason of each case.
fn read(json: &str) -> BTreeMap<String, (String, String)> {
    let results: Value = serde_json::from_str(json).expect("the results are JSON");
    let results = results
        .as_array()
        .cloned()
        .or_else(|| results["results"].as_array().cloned())
        .expect("a list of results");
    results
        .iter()
        .map(|result| {
            let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
            (text("id"), (text("status").to_lowercase(), text("reason")))
        })
        .collect()
}

/// Leaves what did not pass where a person finds it.
fn report(outcomes: &BTreeMap<String, (String, String)>, name: &str) {
    let count = |wanted: &str| {
        outcomes
            .values()
            .filter(|(status, _)| status == wanted)
            .count()
    };
    let mut text = format!(
        "{} passed, {} failed, {} skipped\n",
        count("pass"),
        count("fail"),
        count("skip")
    );
    for wanted in ["fail", "pass", "skip"] {
        for (id, (status, why)) in outcomes.iter().filter(|(_, (status, _))| status == wanted) {
            let _ = writeln!(
                text,
                "{status} {id} {}",
                why.lines().next().unwrap_or_default()
            );
        }
    }
    let folder = repository().join("target");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}
