//! Scripts that do what scripts should not: each fails or is held to its limits, and the server goes on.

use std::path::Path;

use serde_json::Value;

use crate::harness::Server;
use crate::harness::api::{state, task_run};

fn source(script: &str, more: &str) -> String {
    let script: String = script
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect();
    format!(
        "id: hostile\nnamespace: test\ntasks:\n  - id: script\n    type: io.kestra.plugin.scripts.shell.Script\n    taskRunner:\n      \
         type: io.kestra.plugin.core.runner.Process\n{more}    script: |\n{script}"
    )
}

/// Runs a script to its end.
fn run(server: &Server, script: &str, more: &str) -> Value {
    server
        .api
        .save_or_replace("test/hostile", &source(script, more));
    let execution = server.api.run("test/hostile", &[]);
    assert_eq!(server.api.get("/health").status, 200);
    execution
}

fn log_holds(server: &Server, execution: &Value, texts: &[&str]) {
    server
        .api
        .log_with(execution["id"].as_str().unwrap(), texts);
}

#[test]
fn a_script_that_fails_keeps_its_exit_code() {
    let server = Server::start();
    let execution = run(&server, "echo to stderr >&2\nexit 42", "");
    assert_eq!(state(&execution), "FAILED");
    assert_eq!(task_run(&execution, "script")["outputs"]["exitCode"], 42);
    log_holds(&server, &execution, &["42", "to stderr"]);
}

#[test]
fn a_script_that_kills_itself_fails_with_the_signal() {
    let server = Server::start();
    let execution = run(&server, "kill -9 $$", "");
    assert_eq!(state(&execution), "FAILED");
    assert_eq!(task_run(&execution, "script")["outputs"]["exitCode"], 137);
}

#[test]
fn a_hundred_megabytes_of_output_are_cut_and_the_cut_is_said() {
    let server = Server::start();
    let execution = run(
        &server,
        "head -c 100000000 /dev/zero | tr '\\0' x | fold -w 999",
        "",
    );
    assert_eq!(state(&execution), "SUCCESS");
    log_holds(&server, &execution, &["not logged", "were not kept"]);
    let kept = server.api.log(execution["id"].as_str().unwrap()).len();
    assert!(kept < 20 << 20, "{kept} bytes were kept");
}

#[test]
fn output_that_is_not_utf_8_is_kept_readable() {
    let server = Server::start();
    let execution = run(&server, "printf 'caf\\351 \\377\\376 ok\\n'", "");
    assert_eq!(state(&execution), "SUCCESS");
    log_holds(&server, &execution, &["caf\u{fffd} \u{fffd}\u{fffd} ok"]);
}

#[test]
fn a_child_that_a_script_leaves_behind_ends_with_it() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("pid");
    let script = format!("sleep 1000 &\necho $! > {}\n", mark.display());
    let execution = run(&server, &script, "");
    assert_eq!(state(&execution), "SUCCESS");
    assert!(!is_alive(&mark), "the child is gone");
}

#[test]
fn a_script_that_is_killed_leaves_nothing_behind() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("pid");
    server.api.save(&source(
        &format!(
            "echo $$ > {0}.new && mv {0}.new {0}\ntrap '' TERM\nsleep 1000 & wait\nsleep 1000",
            mark.display()
        ),
        "",
    ));
    let id = server.api.start("test/hostile", &[])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    server.api.wait_until(&id, |_| mark.exists());
    let answer = server.api.delete(&format!("/api/v1/executions/{id}/kill"));
    assert!(answer.status < 300, "{}", answer.text());
    assert_eq!(state(&server.api.wait(&id)), "KILLED");
    server.api.wait_until(&id, |_| !is_alive(&mark));
}

#[test]
fn output_files_outside_the_working_directory_are_refused() {
    let server = Server::start();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let path = secret.path().display();
    for (script, files) in [
        (format!("ln -s {path} out.txt"), "out.txt"),
        (
            format!("ln -s {} out", secret.path().parent().unwrap().display()),
            "out/*",
        ),
        ("echo x > ../outside.txt".to_owned(), "../outside.txt"),
        ("true".to_owned(), "/etc/passwd"),
    ] {
        let more = format!("    outputFiles:\n      - \"{files}\"\n");
        let answer = server.api.post(
            "/api/v1/flows/validate",
            "application/x-yaml",
            source(&script, &more),
        );
        if answer.json()[0]["constraints"].is_string() {
            continue;
        }
        let execution = run(&server, &script, &more);
        let outputs = task_run(&execution, "script")["outputs"]["outputFiles"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        assert!(outputs.is_empty(), "{script}: {outputs:?}");
    }
}

#[test]
fn a_glob_that_matches_nothing_gives_no_files() {
    let server = Server::start();
    let execution = run(&server, "true", "    outputFiles:\n      - \"*.csv\"\n");
    assert_eq!(state(&execution), "SUCCESS");
    let outputs = &task_run(&execution, "script")["outputs"]["outputFiles"];
    assert!(
        outputs.as_object().is_none_or(serde_json::Map::is_empty),
        "{outputs}"
    );
}

fn is_alive(mark: &Path) -> bool {
    let pid: i32 = std::fs::read_to_string(mark)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    // a process that has ended and waits for its parent is not alive
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status
        .rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
