//! Cases recorded from the real engine, in both dialects.
//!
//! They are read from `tests/vectors` of this crate (recorded on Kestra 1.3.34 and 2.0.0), from
//! `shared/vectors/expressions.json` beside the workspace where that is, and from the files `EXPRESSION_VECTORS` names
//! (separated by `:` or `,`).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may panic, print and look around"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use flowmill_expression::{Engine, FixedHost, Options, Profile, Value};

#[test]
fn recorded_cases_hold_in_the_legacy_dialect() {
    run(Profile::Legacy);
}

#[test]
fn recorded_cases_hold_in_the_dialect_of_version_2() {
    run(Profile::V2);
}

fn run(profile: Profile) {
    let files = files();
    let engine = Engine::new(Options::with_profile(profile));
    let recursive = Engine::new(Options {
        recursive_rendering: true,
        ..Options::with_profile(profile)
    });
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failures = String::new();
    for file in &files {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let cases = Value::from_json_text(&text)
            .expect("a list of cases")
            .as_list()
            .expect("a list of cases");
        for case in cases.iter().map(Case).filter(|case| case.applies(profile)) {
            let group = groups.entry(case.text("group")).or_default();
            group.1 += 1;
            let outcome = case.run(if case.text("mode") == "recursive" {
                &recursive
            } else {
                &engine
            });
            match case.judge(&outcome) {
                Ok(()) => group.0 += 1,
                Err(problem) => {
                    let _ = writeln!(
                        failures,
                        "{} {}\n{problem}",
                        case.text("id"),
                        case.get("template")
                    );
                }
            }
        }
    }
    let total = groups
        .values()
        .fold((0, 0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
    for (name, (passed, all)) in &groups {
        let mark = if passed == all { " " } else { "*" };
        println!("{mark} {name:28} {passed:5} of {all}");
    }
    println!("{profile:?}: {} of {} cases hold", total.0, total.1);
    assert!(
        failures.is_empty(),
        "{failures}\n{profile:?}: {} of {} cases hold",
        total.0,
        total.1
    );
    assert!(total.1 > 0, "the files hold no cases for this dialect");
}

fn files() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is in a workspace");
    let beside = workspace.join("../shared/vectors/expressions.json");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let own = std::fs::read_dir(own).expect("they are part of the crate");
    let own = own.map(|file| file.expect("the folder can be read").path());
    let named = std::env::var("EXPRESSION_VECTORS").unwrap_or_default();
    let named = named
        .split([':', ','])
        .filter(|name| !name.is_empty())
        .map(PathBuf::from);
    beside
        .exists()
        .then_some(beside)
        .into_iter()
        .chain(own)
        .chain(named)
        .collect()
}

struct Case<'a>(&'a Value);

impl Case<'_> {
    fn get(&self, field: &str) -> Json {
        Json(self.0.get(field).expect("it is a map").unwrap_or_default())
    }

    fn has(&self, field: &str) -> bool {
        self.0.get(field).expect("it is a map").is_some()
    }

    fn text(&self, field: &str) -> String {
        self.get(field).0.as_str().unwrap_or_default().to_owned()
    }

    fn applies(&self, profile: Profile) -> bool {
        if profile == Profile::V2 && self.has("removed_in") {
            return false;
        }
        match self.text("profile").as_str() {
            "legacy" => profile == Profile::Legacy,
            "v2" => profile == Profile::V2,
            _ => true,
        }
    }

    fn run(&self, engine: &Engine) -> Result<Value, String> {
        let context = self.get("context").0;
        let root = context.as_object().unwrap_or(&());
        let host = FixedHost::default();
        let template = self.get("template").0;
        let result = match (self.text("mode").as_str(), template.as_str()) {
            ("typed", Some(text)) => engine.render_typed(text, root, &host),
            ("object", _) => {
                let json = template.to_json().expect("it is JSON");
                engine.render_json(&json, root, &host).map(Value::from)
            }
            (_, Some(text)) => engine.render(text, root, &host).map(Value::from),
            (mode, None) => panic!("mode `{mode}` needs a text"),
        };
        // The whole message, and what the user sees of it, must both be there.
        result.map_err(|error| format!("{}\n{error}", error.message()))
    }

    fn judge(&self, outcome: &Result<Value, String>) -> Result<(), String> {
        let lenient = self.get("lenient").0.as_bool() == Some(true);
        let (wanted, fits) = if self.has("expect_error") {
            let fragment = self.text("expect_error");
            let fits = match outcome {
                Ok(_) => lenient,
                Err(message) => message.contains(&fragment),
            };
            (format!("an error with `{fragment}`"), fits)
        } else if self.has("expect_json") {
            let wanted = self.get("expect_json");
            let fits = outcome
                .as_ref()
                .is_ok_and(|value| value.to_json().ok() == wanted.0.to_json().ok());
            (wanted.to_string(), fits)
        } else {
            let wanted = self.text("expect");
            let fits = outcome
                .as_ref()
                .is_ok_and(|value| value.as_str() == Some(&wanted));
            (format!("{wanted:?}"), fits)
        };
        if fits {
            return Ok(());
        }
        let got = match outcome {
            Ok(value) => Json(value.clone()).to_string(),
            Err(message) => format!("error: {message}"),
        };
        Err(format!("    expected {wanted}\n    got      {got}"))
    }
}

/// A value as JSON, for messages.
struct Json(Value);

impl std::fmt::Display for Json {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.to_json() {
            Ok(json) => json.fmt(formatter),
            Err(error) => error.fmt(formatter),
        }
    }
}
