//! Kestra's own flows: those that must be refused with its words, and those that must compile.

use std::path::{Path, PathBuf};

use flowmill_common::compile::{Options, compile};
use flowmill_common::yaml::{Diagnostic, DiagnosticKind, render_all};

use crate::catalogue::CoreTasks;

/// The suite stands beside the repository; without it there is nothing to check.
fn suite() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    path.is_dir().then_some(path)
}

/// Types of Kestra's test-suite, and such as are not run yet.
fn needs_more(problem: &Diagnostic) -> bool {
    problem.kind == DiagnosticKind::Unsupported
        || problem
            .message
            .starts_with("Invalid type: io.kestra.core.tasks.test.")
        || problem
            .message
            .starts_with("Invalid type: io.kestra.core.runners.")
}

#[test]
fn what_kestra_refuses_is_refused_in_its_words() {
    let Some(suite) = suite() else { return };
    let cases: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(suite.join("invalid_cases.json")).unwrap())
            .unwrap();
    for case in cases.as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let file = case["file"].as_str().unwrap();
        let native = suite.join("flows/invalids").join(file);
        let path = if native.exists() {
            native
        } else {
            suite.join("synth/invalids").join(file)
        };
        let source = std::fs::read_to_string(path).unwrap();
        match compile(&source, &CoreTasks, &Options::default()) {
            Ok(_) => assert_eq!(case["valid"], true, "{id} was taken"),
            Err(found) => {
                let shown = render_all(&found, Some(file), &source);
                assert_ne!(case["valid"], true, "{id} was refused:\n{shown}");
                let answers: Vec<String> = found.iter().map(Diagnostic::constraint).collect();
                for fragment in case["violations"].as_array().unwrap() {
                    let fragment = fragment.as_str().unwrap();
                    assert!(
                        answers.join("\n").contains(fragment),
                        "{id} lacks `{fragment}`:\n{shown}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_flow_of_the_suite_compiles_or_needs_a_type_that_is_not_built() {
    let Some(suite) = suite() else { return };
    let mut compiled = 0;
    let mut refused = Vec::new();
    for folder in ["flows", "synth", "../seeds"] {
        for entry in std::fs::read_dir(suite.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !(name.ends_with(".yaml") || name.ends_with(".yml"))
                || REFUSED.contains(&name.as_str())
            {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            match compile(&source, &CoreTasks, &Options::default()) {
                Ok(_) => compiled += 1,
                Err(found) => {
                    let unexpected: Vec<Diagnostic> = found
                        .iter()
                        .filter(|problem| problem.is_error() && !needs_more(problem))
                        .cloned()
                        .collect();
                    if !unexpected.is_empty() {
                        refused.push(render_all(&unexpected, Some(&name), &source));
                    }
                }
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(compiled > 90, "only {compiled} flows compiled");
}

/// Flows that are patched before they are loaded, or are there to be refused.
const REFUSED: &[&str] = &["kv.yaml", "pause.yaml"];
