//! The shape of the house: which crate may know which. See ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::harness::repository;

/// What each crate may use of ours.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("expression", &[]),
    ("test-servers", &[]),
    ("duckdb", &["common"]),
    ("common", &["expression"]),
    ("scheduler", &["expression", "common"]),
    ("backends", &["expression", "common"]),
    ("tasks", &["expression", "common", "duckdb"]),
    (
        "executor",
        &["expression", "common", "scheduler", "backends"],
    ),
    ("worker", &["expression", "common", "tasks", "backends"]),
    (
        "api",
        &["expression", "common", "scheduler", "tasks", "backends"],
    ),
    (
        "cli",
        &[
            "expression",
            "common",
            "duckdb",
            "scheduler",
            "backends",
            "tasks",
            "executor",
            "worker",
            "api",
        ],
    ),
];
/// What crates without IO must not use.
const PURE: [&str; 3] = ["expression", "common", "scheduler"];
const IMPURE: [&str; 9] = [
    "tokio",
    "reqwest",
    "rand",
    "notify",
    "nix",
    "tempfile",
    "axum",
    "rusqlite",
    "tracing-subscriber",
];

#[test]
fn crates_know_only_those_below_them() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    for (krate, used) in dependencies() {
        let allowed = allowed
            .get(krate.as_str())
            .unwrap_or_else(|| panic!("`{krate}` is a new crate: say what it may use"));
        for other in used
            .iter()
            .filter_map(|name| name.strip_prefix("flowmill-"))
        {
            assert!(allowed.contains(&other), "`{krate}` must not use `{other}`");
        }
    }
}

#[test]
fn pure_crates_use_nothing_that_does_io() {
    let dependencies = dependencies();
    for krate in PURE {
        let used = &dependencies[krate];
        let found: Vec<_> = IMPURE.iter().filter(|name| used.contains(**name)).collect();
        assert!(
            found.is_empty(),
            "`{krate}` is pure and must not use {found:?}"
        );
    }
}

#[test]
fn there_is_one_tls_provider() {
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).unwrap();
    for name in ["aws-lc-rs", "openssl-sys", "native-tls"] {
        assert!(
            !lock.contains(&format!("name = \"{name}\"\n")),
            "`{name}` is in the dependency graph"
        );
    }
}

/// The dependencies of each crate of ours that are compiled into it, by name.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
            "--manifest-path",
        ])
        .arg(repository().join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| (short(&package["name"]), used(package)))
        .collect()
}

fn used(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().unwrap();
    // a test may use what it likes
    all.iter()
        .filter(|one| one["kind"].is_null())
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

fn short(name: &Value) -> String {
    let name = name.as_str().unwrap();
    name.strip_prefix("flowmill-").unwrap_or(name).to_owned()
}
