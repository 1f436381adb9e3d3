//! `flowmill run`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::harness::api::{state, task_run};
use crate::harness::process::{at_home, wait};
use crate::harness::{Finished, flowmill, run_to_end, write};

/// Runs a flow with these arguments.
fn run(flow: &str, arguments: &[&str]) -> Finished {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "flow.yaml", flow);
    let mut command = flowmill(["run"]);
    at_home(&mut command, home.path());
    run_to_end(command.arg(file).args(arguments))
}

const LOG: &str = "\
id: log
namespace: test
inputs:
  - id: name
    type: STRING
  - id: count
    type: INT
    defaults: 1
    max: 10
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: \"{{ inputs.name }} {{ inputs.count }} {{ labels.team ?? 'nobody' }}\"
outputs:
  - id: greeting
    type: STRING
    value: \"to {{ inputs.name }}\"
";

const FAIL: &str = "\
id: fail
namespace: test
tasks:
  - id: script
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
    commands:
      - echo 'it does not work' >&2
      - exit 3
";

#[test]
fn success_is_status_0_and_shows_logs_and_outputs() {
    let done = run(
        LOG,
        &["-i", "name=Ada", "-i", "count=3", "--label", "team=a b"],
    );
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert!(done.out.contains(" say INFO Ada 3 a b\n"), "{}", done.out);
    assert!(done.out.contains(" say SUCCESS "), "{}", done.out);
    assert!(
        done.out.contains("✔ test.log SUCCESS after"),
        "{}",
        done.out
    );
    assert!(
        done.out.contains("outputs\n  greeting: to Ada\n"),
        "{}",
        done.out
    );
    assert!(
        !done.out.contains('\u{1b}'),
        "no colours where nobody sees them: {}",
        done.out
    );
}

#[test]
fn failure_is_status_1_and_says_which_task_why_and_its_exit_code() {
    let done = run(FAIL, &[]);
    assert_eq!(done.code, Some(1), "{}{}", done.out, done.err);
    assert!(
        done.out.contains("✘ test.fail FAILED after"),
        "{}",
        done.out
    );
    let why = done
        .out
        .split("failed: task `script` with exit code 3")
        .nth(1)
        .expect(&done.out);
    assert!(why.contains("it does not work"), "{}", done.out);
}

#[test]
fn wrong_input_is_status_2_with_one_message_for_each_input() {
    for (arguments, messages) in [
        (
            &[][..],
            &["Missing required input:name (give it with `-i name=VALUE`)"][..],
        ),
        (&["-i", "count=many"], &["name", "count"]),
        (&["-i", "name=x", "-i", "count=11"], &["count", "10"]),
        (
            &["-i", "name=x", "-i", "coutn=1"],
            &["no input `coutn` in flow `test.log` (did you mean `count`?)"],
        ),
        (
            &["-i", "name=x", "-f", "name=/nowhere/x"],
            &["input `name`: `/nowhere/x` cannot be read"],
        ),
    ] {
        let done = run(LOG, arguments);
        assert_eq!(
            done.code,
            Some(2),
            "{arguments:?}: {}{}",
            done.out,
            done.err
        );
        for message in messages {
            assert!(done.err.contains(message), "{arguments:?}: {}", done.err);
        }
    }
    let done = run(
        "id: x\nnamespace: test\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.log.Lgo\n",
        &[],
    );
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("flow.yaml:5:"), "{}", done.err);
    assert!(
        done.err.contains("io.kestra.plugin.core.log.Log"),
        "the nearest type: {}",
        done.err
    );
    assert_eq!(run(LOG, &["--nonsense"]).code, Some(2));
}

#[test]
fn an_interrupt_is_status_130_and_kills_what_runs() {
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("mark");
    let flow = format!(
        "id: sleep\nnamespace: test\ntasks:\n  - id: script\n    type: io.kestra.plugin.scripts.shell.Commands\n    \
         taskRunner:\n      type: io.kestra.plugin.core.runner.Process\n    commands:\n      - echo $$ > {0}.new && mv {0}.new {0}\n      \
         - echo waiting\n      - sleep 1000\n",
        mark.display()
    );
    let file = write(home.path(), "flow.yaml", &flow);
    let data = home.path().join("data");
    let mut command = flowmill(["run"]);
    command
        .arg(&file)
        .arg("--data-dir")
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(
        lines.any(|line| line.contains("waiting")),
        "the script's log comes while it runs"
    );
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let rest: Vec<String> = lines.collect();
    assert_eq!(wait(&mut child).code(), Some(130), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("KILLED")), "{rest:?}");

    let script: i32 = std::fs::read_to_string(&mark)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(
        kill(Pid::from_raw(script), None).is_err(),
        "the script is gone"
    );
    let kept = run_to_end(
        flowmill(["eval", "execution.state", "--execution"])
            .arg(id_in(&rest))
            .arg("--data-dir")
            .arg(&data),
    );
    assert_eq!(kept.out.trim(), "KILLED", "{}", kept.err);
}

/// The execution that the last lines name.
fn id_in(lines: &[String]) -> String {
    let named = lines
        .iter()
        .find_map(|line| line.split("(execution ").nth(1));
    named
        .expect("the end names the execution")
        .trim_end_matches(')')
        .to_owned()
}

#[test]
fn json_is_the_execution_as_the_api_gives_it() {
    let done = run(LOG, &["-i", "name=Ada", "--output", "json"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let execution: Value = serde_json::from_str(&done.out).expect("nothing but JSON");
    assert_eq!(state(&execution), "SUCCESS");
    assert_eq!(execution["flowId"], "log");
    assert_eq!(execution["inputs"]["count"], 1);
    assert_eq!(execution["outputs"]["greeting"], "to Ada");
    assert_eq!(state(task_run(&execution, "say")), "SUCCESS");
    let done = run(FAIL, &["--output", "json"]);
    assert_eq!(done.code, Some(1));
    assert_eq!(state(&serde_json::from_str(&done.out).unwrap()), "FAILED");
}

#[test]
fn two_runs_at_the_same_time_do_not_disturb_each_other() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "flow.yaml", LOG);
    let start = || {
        let mut command = flowmill(["run"]);
        at_home(&mut command, home.path());
        command
            .arg(&file)
            .args(["-i", "name=x"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut runs: Vec<_> = (0..4).map(|_| start()).collect();
    for run in &mut runs {
        assert_eq!(wait(run).code(), Some(0));
    }
}
