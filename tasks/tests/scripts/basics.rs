//! Commands, exit codes, the environment, and what a script says with its output.

use flowmill_common::log::{Level, MetricKind};
use flowmill_tasks::TaskError;
use flowmill_tasks::runner::process::Environment;
use serde_json::json;

use crate::world::{World, failed};

#[tokio::test]
async fn standard_output_is_logged_as_info_and_standard_error_as_error() {
    let world = World::new();
    let output = world.commands(&["echo out", "echo err >&2"]).await.unwrap();
    assert_eq!(world.logged(Level::Info), ["out"]);
    assert_eq!(world.logged(Level::Error), ["err"]);
    assert_eq!(
        serde_json::Value::Object(output.values),
        json!({"vars": {}, "exitCode": 0, "outputFiles": {}})
    );
}

#[tokio::test]
async fn the_first_command_that_fails_ends_the_script() {
    let world = World::new();
    let (message, outputs) = failed(world.commands(&["false", "echo x"]).await);
    assert_eq!(message, "Command failed with exit code 1");
    assert_eq!(outputs["exitCode"], 1);
    assert_eq!(world.logged(Level::Info), [""; 0]);
}

#[tokio::test]
async fn without_fail_fast_the_last_command_decides() {
    let world = World::new();
    let properties = json!({"commands": ["false", "echo x"], "failFast": false});
    world.run("shell.Commands", properties).await.unwrap();
    assert_eq!(world.logged(Level::Info), ["x"]);
}

#[tokio::test]
async fn folders_and_variables_hold_from_one_command_to_the_next() {
    let world = World::new();
    let properties = json!({"beforeCommands": ["A=1; cd /"], "commands": ["echo $A", "pwd"]});
    world.run("shell.Commands", properties).await.unwrap();
    assert_eq!(world.logged(Level::Info), ["1", "/"]);
}

#[tokio::test]
async fn a_script_is_given_to_the_shell_as_it_is() {
    let world = World::with_variables(json!({"inputs": {"who": "world"}}));
    let script = "for n in 1 2; do\n  echo \"{{ inputs.who }} $n\"\ndone\n";
    world
        .run("shell.Script", json!({ "script": script }))
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["world 1", "world 2"]);
}

#[tokio::test]
async fn outputs_metrics_and_logs_come_by_control_lines() {
    let world = World::new();
    let lines = [
        r#"echo '::{"outputs":{"a":1,"b":{"c":[true]}}}::'"#,
        r#"echo '::{"outputs":{"a":2}}::'"#,
        r#"echo '::{"outputs":{"e":3}}::' >&2"#,
        r#"echo '::{"metrics":[{"name":"n","type":"counter","value":3,"tags":{"t":"x"}},{"name":"d","type":"timer","value":2.5}]}::'"#,
        r#"echo '::{"logs":[{"level":"WARNING","message":"careful"}]}::'"#,
        r#"echo '::{"outputs"}::'"#,
    ];
    let output = world.commands(&lines).await.unwrap();
    assert_eq!(
        output.values["vars"],
        json!({"a": 2, "b": {"c": [true]}, "e": 3})
    );
    let metrics = world.metrics();
    assert_eq!(
        (metrics[0].name.as_str(), metrics[0].kind, metrics[0].value),
        ("n", MetricKind::Counter, 3.0)
    );
    assert_eq!(metrics[0].tags["t"], "x");
    assert_eq!(
        (metrics[1].kind, metrics[1].value),
        (MetricKind::Timer, 2500.0)
    );
    let warnings = world.logged(Level::Warn);
    assert_eq!(warnings[0], "careful");
    assert!(
        warnings[1].starts_with("Invalid outputs '{\"outputs\"}'"),
        "{warnings:?}"
    );
    assert_eq!(world.logged(Level::Info), [""; 0]);
}

#[tokio::test]
async fn a_failed_script_keeps_its_outputs() {
    let world = World::new();
    let properties = json!({
        "commands": [r#"echo '::{"outputs":{"a":1}}::'"#, "echo data > out.txt", "exit 3"],
        "outputFiles": ["*.txt"],
    });
    let (message, outputs) = failed(world.run("shell.Commands", properties).await);
    assert_eq!(message, "Command failed with exit code 3");
    assert_eq!(
        (&outputs["vars"]["a"], &outputs["exitCode"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(world.stored(&outputs["outputFiles"]["out.txt"]), "data\n");
}

#[tokio::test]
async fn a_command_that_is_ended_by_a_signal_has_its_number() {
    let world = World::new();
    let (_, outputs) = failed(world.commands(&["kill -9 $$"]).await);
    assert_eq!(outputs["exitCode"], 137);
}

#[tokio::test]
async fn the_environment_is_the_tasks_and_the_folders() {
    let world = World::with_variables(json!({"inputs": {"n": 5}}));
    let properties = json!({
        "commands": ["echo $N-$GONE-$FLOWMILL_IDEMPOTENCY_KEY", "test \"$WORKING_DIR\" = \"$(pwd)\"", "test '{{ workingDir }}' = \"$(pwd)\""],
        "env": {"N": "{{ inputs.n }}", "GONE": null},
    });
    world.run("shell.Commands", properties).await.unwrap();
    let key = world.folder().file_name().unwrap().to_str().unwrap();
    assert_eq!(world.logged(Level::Info), [format!("5--{key}")]);
}

#[tokio::test]
async fn the_workers_own_environment_stays_its_own_unless_the_operator_opens_it() {
    // `CARGO_MANIFEST_DIR` is set for every test, and is nothing that a program needs.
    let mut world = World::new();
    world
        .commands(&["echo \"[$CARGO_MANIFEST_DIR]\"", "test -n \"$PATH\""])
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["[]"]);
    world.config.process.environment = Environment::Inherited;
    world
        .commands(&["test -n \"$CARGO_MANIFEST_DIR\""])
        .await
        .unwrap();
}

#[tokio::test]
async fn an_interpreter_may_be_named() {
    let world = World::new();
    let properties =
        json!({"commands": ["a=(x y); echo ${a[1]}"], "interpreter": ["/bin/bash", "-c"]});
    world.run("shell.Commands", properties).await.unwrap();
    world
        .run(
            "shell.Commands",
            json!({"commands": ["echo", "a  b"], "interpreter": []}),
        )
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["y", "a  b"]);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let world = World::new();
    let (message, _) = failed(
        world
            .run(
                "shell.Commands",
                json!({"commands": ["x"], "interpreter": ["/no/such/shell"]}),
            )
            .await,
    );
    assert!(message.contains("`/no/such/shell`"), "{message}");
    let (message, outputs) = failed(
        world
            .run(
                "shell.Commands",
                json!({"commands": ["no-such-program"], "interpreter": []}),
            )
            .await,
    );
    assert!(
        message.contains("`no-such-program`") && message.contains("looked in"),
        "{message}"
    );
    assert!(outputs.is_empty());
}

#[tokio::test]
async fn a_script_that_is_longer_than_an_argument_may_be_runs() {
    let world = World::new();
    let script = format!(": '{}'\necho done", "x".repeat(300_000));
    world
        .run("shell.Script", json!({ "script": script }))
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["done"]);
}

#[tokio::test]
async fn a_runner_of_another_product_is_refused_with_what_there_is() {
    let world = World::new();
    let runner = json!({"type": "io.kestra.plugin.ee.aws.runner.Batch", "region": "eu"});
    let (message, _) = failed(
        world
            .run(
                "shell.Commands",
                json!({"commands": ["true"], "taskRunner": runner}),
            )
            .await,
    );
    assert!(
        message.contains("`io.kestra.plugin.ee.aws.runner.Batch`")
            && message.contains("runner.Process"),
        "{message}"
    );
}

#[tokio::test]
async fn node_and_other_languages_run_their_scripts() {
    let world = World::new();
    let script = "const {value} = require('./lib.js');\nconsole.log(`::${JSON.stringify({outputs: {value}})}::`);";
    let properties = json!({"script": script, "inputFiles": {"lib.js": "exports.value = 42;"}});
    assert_eq!(
        world.run("node.Script", properties).await.unwrap().values["vars"]["value"],
        42
    );
    world
        .run("perl.Script", json!({"script": "print \"pearl\\n\";"}))
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["pearl"]);
}

#[tokio::test]
async fn a_task_that_was_stopped_before_does_not_start() {
    let world = World::new();
    world.cancelled.cancel();
    assert_eq!(
        world.commands(&["touch started"]).await,
        Err(TaskError::Killed)
    );
    assert!(!world.path("started").exists());
}
