//! Scripts in real containers. Each test is skipped, loudly, where no daemon with the image `python:slim` answers;
//! `REQUIRE_BACKENDS=1` makes that a failure. `tests/servers/dockerd.sh` and `python-image.sh` provide both.

use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use flowmill_common::log::Level;
use flowmill_tasks::runner::DefaultRunner;
use flowmill_tasks::{Output, TaskError};
use serde_json::{Value, json};

use crate::registry::Registry;
use crate::world::{World, failed};

const IMAGE: &str = "python:slim";

/// A world whose scripts run in containers; none: skip the test.
fn world() -> Option<World> {
    with_variables(json!({}))
}

fn with_variables(variables: Value) -> Option<World> {
    static READY: OnceLock<bool> = OnceLock::new();
    let is_ready = *READY.get_or_init(|| {
        let image = Command::new("docker")
            .args(["image", "inspect", IMAGE])
            .output();
        image.is_ok_and(|output| output.status.success())
    });
    if !is_ready {
        let required = std::env::var("REQUIRE_BACKENDS").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "no Docker daemon with the image `{IMAGE}` answers (DOCKER_HOST)"
        );
        eprintln!("SKIPPED: no Docker daemon with the image `{IMAGE}` answers (DOCKER_HOST)");
        return None;
    }
    let mut world = World::with_variables(variables);
    world.config.runner.default = DefaultRunner::Docker;
    world.config.docker.pull_retries = 0;
    Some(world)
}

/// Runs commands with the properties of a task runner.
async fn with_runner(
    world: &World,
    commands: &[&str],
    mut runner: Value,
) -> Result<Output, TaskError> {
    runner["type"] = "io.kestra.plugin.scripts.runner.docker.Docker".into();
    world
        .run(
            "shell.Commands",
            json!({"commands": commands, "containerImage": IMAGE, "taskRunner": runner}),
        )
        .await
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "docker {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The containers of a world, ended ones included.
fn containers(world: &World) -> Vec<String> {
    let label = format!("label=kestra.io/taskrun-id={}", world.context().job.run);
    let ids = docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &label]);
    ids.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn commands_run_in_a_container_that_is_removed_at_the_end() {
    let Some(world) = world() else { return };
    let script = "echo out; echo err >&2; echo '::{\"outputs\":{\"a\":1}}::'; echo \"[$CARGO_MANIFEST_DIR]\"";
    let output = world
        .run(
            "shell.Script",
            json!({"script": script, "containerImage": IMAGE}),
        )
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["out", "[]"]);
    assert_eq!(world.logged(Level::Error), ["err"]);
    assert_eq!(
        (&output.values["vars"], &output.values["exitCode"]),
        (&json!({"a": 1}), &json!(0))
    );
    assert_eq!(
        output.values["taskRunner"]["containerId"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    assert_eq!(containers(&world), [""; 0]);
}

#[tokio::test]
async fn files_go_in_and_come_back() {
    let Some(world) = with_variables(json!({"uri": "kestra:///stored.csv"})) else {
        return;
    };
    world.store("kestra:///stored.csv", "stored");
    let commands = [
        "cat in/a.txt {{ uri }}",
        "test \"$WORKING_DIR\" = \"$(pwd)\" && test '{{ workingDir }}' = \"$(pwd)\"",
        "mkdir out && echo result > out/b.txt && echo '#!/bin/sh' > run.sh && chmod 755 run.sh",
        "rm in/a.txt",
    ];
    let properties = json!({
        "commands": commands,
        "containerImage": IMAGE,
        "inputFiles": {"in/a.txt": "given\n"},
        "outputFiles": ["out/*.txt"],
    });
    let output = world.run("shell.Commands", properties).await.unwrap();
    assert_eq!(world.logged(Level::Info), ["given", "stored"]);
    assert_eq!(
        world.stored(&output.values["outputFiles"]["out/b.txt"]),
        "result\n"
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(world.path("run.sh"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o755);
    assert!(
        !world.path("in/a.txt").exists(),
        "what the container removed is gone"
    );
}

#[tokio::test]
async fn a_mounted_working_directory_is_the_same_on_both_sides() {
    let Some(world) = world() else { return };
    std::fs::write(world.path("in.txt"), "mounted").unwrap();
    with_runner(
        &world,
        &["cat in.txt", "echo x > out.txt"],
        json!({"fileHandlingStrategy": "MOUNT"}),
    )
    .await
    .unwrap();
    assert_eq!(world.logged(Level::Info), ["mounted"]);
    assert_eq!(
        std::fs::read_to_string(world.path("out.txt")).unwrap(),
        "x\n"
    );
}

#[tokio::test]
async fn a_failed_container_keeps_its_outputs() {
    let Some(world) = world() else { return };
    let properties = json!({
        "commands": ["echo '::{\"outputs\":{\"a\":1}}::'", "echo data > out.txt", "exit 3"],
        "containerImage": IMAGE,
        "outputFiles": ["*.txt"],
    });
    let (message, outputs) = failed(world.run("shell.Commands", properties).await);
    assert_eq!(message, "Command failed with exit code 3");
    assert_eq!(
        (&outputs["vars"]["a"], &outputs["exitCode"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(world.stored(&outputs["outputFiles"]["out.txt"]), "data\n");
    assert_eq!(containers(&world), [""; 0]);
}

#[tokio::test]
async fn an_output_file_that_leads_out_of_the_folder_is_refused_here_too() {
    let Some(world) = world() else { return };
    let properties = json!({"commands": ["ln -s /etc/passwd out.txt"], "containerImage": IMAGE, "outputFiles": ["*.txt"]});
    let (message, _) = failed(world.run("shell.Commands", properties).await);
    assert!(message.contains("leads out"), "{message}");
}

#[tokio::test]
async fn any_user_of_the_container_may_write_into_the_working_directory() {
    for (user, id) in [("1234:1234", "1234"), ("nobody", "65534")] {
        let Some(world) = world() else { return };
        std::fs::write(world.path("in.txt"), "x").unwrap();
        with_runner(
            &world,
            &["id -u", "echo y >> in.txt", "cat in.txt"],
            json!({ "user": user }),
        )
        .await
        .unwrap();
        assert_eq!(world.logged(Level::Info), [id, "xy"]);
        // Without any file, too.
        let Some(world) = self::world() else { return };
        with_runner(&world, &["touch made"], json!({ "user": user }))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_entry_point_of_the_image_does_not_stand_in_the_way_except_in_the_older_form() {
    let Some(world) = world() else { return };
    let container = docker(&["create", IMAGE]);
    docker(&[
        "commit",
        "--change",
        "ENTRYPOINT [\"echo\", \"entry\"]",
        &container,
        "flowmill-entry:latest",
    ]);
    docker(&["rm", &container]);
    let commands = json!(["echo commands"]);
    let properties = json!({"commands": commands, "containerImage": "flowmill-entry"});
    world.run("shell.Commands", properties).await.unwrap();
    let properties = json!({"commands": commands, "docker": {"image": "flowmill-entry"}});
    world.run("shell.Commands", properties).await.unwrap();
    let runner = json!({"image": "flowmill-entry", "entryPoint": ["echo", "mine"]});
    with_runner(&world, &["commands"], runner).await.unwrap();
    let logged = world.logged(Level::Info);
    assert_eq!(
        (
            logged[0].as_str(),
            logged[1].starts_with("entry /bin/sh -c"),
            logged[3].starts_with("mine /bin/sh")
        ),
        ("commands", true, true),
        "{logged:?}"
    );
}

#[tokio::test]
async fn a_container_that_takes_too_much_memory_is_killed_and_the_log_says_why() {
    let Some(world) = world() else { return };
    let properties = json!({
        "script": "data = []\nwhile True:\n    data.append(bytearray(10_000_000))",
        "containerImage": IMAGE,
        "taskRunner": {
            "type": "io.kestra.plugin.scripts.runner.docker.Docker",
            "memory": {"memory": "64MB", "memorySwap": "64MB"},
        },
    });
    let (message, outputs) = failed(world.run("python.Script", properties).await);
    assert_eq!(
        (message.as_str(), &outputs["exitCode"]),
        ("Command failed with exit code 137", &json!(137))
    );
    assert!(
        world
            .logged(Level::Error)
            .iter()
            .any(|line| line.contains("out of memory"))
    );
}

#[tokio::test]
async fn a_container_without_a_network_has_none() {
    let Some(world) = world() else { return };
    with_runner(
        &world,
        &["ls /sys/class/net"],
        json!({"networkMode": "none"}),
    )
    .await
    .unwrap();
    assert_eq!(world.logged(Level::Info), ["lo"]);
}

#[tokio::test]
async fn a_missing_image_is_named_and_what_can_be_done() {
    let Some(world) = world() else { return };
    let runner = json!({"image": "no-such-image:1", "pullPolicy": "NEVER"});
    let (message, outputs) = failed(with_runner(&world, &["true"], runner).await);
    assert!(
        message.contains("`no-such-image:1`") && message.contains("NEVER"),
        "{message}"
    );
    assert!(outputs.is_empty());
    let (message, _) =
        failed(with_runner(&world, &["true"], json!({"image": "127.0.0.1:1/no-such:1"})).await);
    assert!(
        message.contains("`127.0.0.1:1/no-such:1` cannot be pulled"),
        "{message}"
    );
}

#[tokio::test]
async fn an_image_is_pulled_with_credentials_and_tried_again() {
    let Some(mut world) = world() else { return };
    world.config.docker.pull_retries = 3;
    let registry = Registry::start("flow", "mill", 2).await;
    let image = format!("{}/probe:1", registry.address());
    let runner = json!({"image": image, "entryPoint": [""], "credentials": {"username": "flow", "password": "mill"}, "networkMode": "none"});
    // The image is empty, so that its only use is to be found, and to have no shell.
    let (message, _) = failed(with_runner(&world, &["true"], runner.clone()).await);
    assert!(
        message.contains("start the container") || message.contains("create the container"),
        "{message}"
    );
    docker(&["image", "inspect", &image]);
    assert!(
        world
            .logged(Level::Warn)
            .iter()
            .any(|line| line.contains("trying again")),
        "{:?}",
        world.logged(Level::Warn)
    );
    docker(&["rmi", &image]);
    let wrong = json!({"image": image, "credentials": {"username": "flow", "password": "wrong"}});
    let (message, _) = failed(with_runner(&world, &["true"], wrong).await);
    assert!(message.contains("cannot be pulled"), "{message}");
}

#[tokio::test]
async fn a_stopped_task_leaves_no_container() {
    for grace in ["PT0S", "PT20S"] {
        let Some(world) = world() else { return };
        let commands = [
            "trap 'echo bye; exit 1' TERM",
            "echo started",
            "sleep 1000 & wait",
        ];
        let task = with_runner(&world, &commands, json!({ "killGracePeriod": grace }));
        let stop = async {
            world.until_logged("started").await;
            world.cancelled.cancel();
        };
        let started = Instant::now();
        let (result, ()) = tokio::join!(task, stop);
        assert_eq!(result, Err(TaskError::Killed));
        assert!(started.elapsed() < Duration::from_secs(15));
        assert_eq!(containers(&world), [""; 0]);
    }
}

#[tokio::test]
async fn a_task_that_is_stopped_or_dropped_at_any_moment_leaves_no_container() {
    let Some(probe) = world() else { return };
    let started = Instant::now();
    with_runner(&probe, &["true"], json!({})).await.unwrap();
    let whole = started.elapsed();
    for part in 0..12 {
        let Some(world) = world() else { return };
        std::fs::write(world.path("in.txt"), "x").unwrap();
        let moment = tokio::time::sleep(whole * part / 10);
        if part % 2 == 0 {
            let task = with_runner(&world, &["true"], json!({}));
            let stop = async {
                moment.await;
                world.cancelled.cancel();
            };
            let (result, ()) = tokio::join!(task, stop);
            assert!(
                matches!(result, Ok(_) | Err(TaskError::Killed)),
                "{result:?}"
            );
        } else {
            tokio::select! {
                _ = with_runner(&world, &["true"], json!({})) => {}
                () = moment => {}
            }
        }
        // What was dropped is removed in the background.
        let deadline = Instant::now() + Duration::from_secs(20);
        while !containers(&world).is_empty() {
            assert!(
                Instant::now() < deadline,
                "a container is left after {part}/10 of a run"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn folders_of_the_host_are_mounted_only_where_the_operator_allows_it() {
    let Some(mut world) = world() else { return };
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("a.txt"), "of the host").unwrap();
    let runner = json!({"volumes": [format!("{}:/mounted:ro", host.path().display())]});
    let commands = ["cat /mounted/a.txt || echo nothing"];
    with_runner(&world, &commands, runner.clone())
        .await
        .unwrap();
    assert!(world.logged(Level::Warn)[0].contains("volumeEnabled"));
    world.config.docker.volume_enabled = true;
    with_runner(&world, &commands, runner).await.unwrap();
    assert_eq!(world.logged(Level::Info), ["nothing", "of the host"]);
}

#[tokio::test]
async fn a_container_is_made_as_the_options_say() {
    let Some(world) = with_variables(json!({"no": false})) else {
        return;
    };
    let runner = json!({
        "cpu": {"cpus": 0.5},
        "memory": {"memory": "128MB", "memoryReservation": 67_108_864, "oomKillDisable": "{{ no }}"},
        "shmSize": "32m",
        "extraHosts": ["there:10.1.2.3"],
        "portBindings": ["127.0.0.1:18080:80"],
        "delete": false,
    });
    let output = with_runner(&world, &["grep there /etc/hosts"], runner)
        .await
        .unwrap();
    let id = output.values["taskRunner"]["containerId"].as_str().unwrap();
    let inspected: Value = serde_json::from_str(&docker(&["inspect", id])).unwrap();
    docker(&["rm", id]);
    let host = &inspected[0]["HostConfig"];
    assert_eq!(host["NanoCpus"], 500_000_000);
    assert_eq!(
        (&host["Memory"], &host["MemoryReservation"]),
        (&json!(128 << 20), &json!(64 << 20))
    );
    assert_eq!(host["ShmSize"], 32 << 20);
    assert_eq!(
        host["PortBindings"]["80/tcp"],
        json!([{"HostIp": "127.0.0.1", "HostPort": "18080"}])
    );
    assert_eq!(
        inspected[0]["Config"]["Labels"]["kestra.io/namespace"],
        "company.team"
    );
    assert_eq!(world.logged(Level::Info), ["10.1.2.3\tthere"]);
}

#[tokio::test]
async fn a_container_of_a_lost_worker_is_taken_over() {
    let Some(mut world) = world() else { return };
    let commands = [
        "echo '::{\"outputs\":{\"a\":1}}::'",
        "echo first",
        "echo data > out.txt",
        "sleep 1",
    ];
    let properties = json!({
        "commands": commands,
        "containerImage": IMAGE,
        "outputFiles": ["*.txt"],
        "taskRunner": {"type": "io.kestra.plugin.scripts.runner.docker.Docker", "delete": false},
    });
    // The first worker is lost: its task is never heard of again, but its container goes on.
    let mut lost = Box::pin(world.run("shell.Commands", properties.clone()));
    let id = tokio::select! {
        result = &mut lost => panic!("{result:?}"),
        _ = world.until_logged("first") => containers(&world).remove(0),
    };
    std::mem::forget(lost);
    let output = world
        .run("shell.Commands", properties.clone())
        .await
        .unwrap();
    assert_eq!(output.values["taskRunner"]["containerId"], id);
    assert_eq!(output.values["vars"], json!({"a": 1}));
    assert_eq!(
        world.stored(&output.values["outputFiles"]["out.txt"]),
        "data\n"
    );
    assert!(
        world
            .logged(Level::Info)
            .iter()
            .any(|line| line.starts_with("Resuming"))
    );
    // Another attempt is another container.
    world.attempt = 1;
    let output = world.run("shell.Commands", properties).await.unwrap();
    let other = output.values["taskRunner"]["containerId"].as_str().unwrap();
    assert_ne!(other, id);
    docker(&["rm", "--force", &id, other]);
}

#[tokio::test]
async fn a_container_that_is_not_waited_for_goes_on() {
    let Some(world) = world() else { return };
    let output = with_runner(&world, &["sleep 1000"], json!({"wait": false}))
        .await
        .unwrap();
    let id = output.values["taskRunner"]["containerId"].as_str().unwrap();
    assert_eq!(
        docker(&["inspect", "--format", "{{.State.Running}}", id]),
        "true"
    );
    docker(&["rm", "--force", id]);
}

#[tokio::test]
async fn a_hundred_megabytes_of_a_container_are_cut_in_the_log() {
    let Some(mut world) = world() else { return };
    world.config.scripts.maximum_logged_bytes = 1_000_000;
    let script = "yes 'a line of some length, nothing special about it' | head -c 100000000; echo; echo '::{\"outputs\":{\"done\":true}}::'";
    let output = world
        .run(
            "shell.Script",
            json!({"script": script, "containerImage": IMAGE}),
        )
        .await
        .unwrap();
    assert_eq!(output.values["vars"]["done"], true);
    assert!(
        world
            .logged(Level::Warn)
            .iter()
            .any(|line| line.contains("more lines"))
    );
}

#[tokio::test]
async fn python_dependencies_are_installed_in_the_container_once() {
    let Some(mut world) = world() else { return };
    let cache = tempfile::tempdir().unwrap();
    world.config.scripts.cache_directory = Some(cache.path().to_owned());
    let mut properties = json!({
        "dependencies": ["./package"],
        "env": {"PIP_NO_INDEX": "1"},
        "script": "import flowmill_probe\nprint(flowmill_probe.VALUE)",
        "containerImage": IMAGE,
        "inputFiles": {"package/pyproject.toml": crate::python::PROJECT, "package/backend.py": crate::python::BACKEND},
    });
    world
        .run("python.Script", properties.clone())
        .await
        .unwrap();
    // The second time there is nothing to install from.
    let Some(mut second) = self::world() else {
        return;
    };
    second.config.scripts.cache_directory = Some(cache.path().to_owned());
    properties["inputFiles"] = Value::Null;
    second.run("python.Script", properties).await.unwrap();
    assert_eq!(
        (world.logged(Level::Info), second.logged(Level::Info)),
        (vec!["1".to_owned()], vec!["1".to_owned()])
    );
    assert_eq!(second.metrics()[0].name, "deps.cache.download.duration");
}

#[tokio::test]
async fn the_default_runner_is_a_container_where_a_daemon_answers_and_else_a_process_with_one_warning()
 {
    let Some(mut world) = world() else { return };
    world.config.runner.default = DefaultRunner::Auto;
    let properties = json!({"commands": ["true"], "containerImage": IMAGE});
    let output = world
        .run("shell.Commands", properties.clone())
        .await
        .unwrap();
    assert!(output.values.contains_key("taskRunner") && world.logged(Level::Warn).is_empty());
    world.config.docker.host = Some("unix:///no/such/docker.sock".into());
    let output = world.run("shell.Commands", properties).await.unwrap();
    assert!(!output.values.contains_key("taskRunner"));
    let warnings = world.logged(Level::Warn);
    assert!(
        warnings.len() == 1 && warnings[0].contains("no Docker daemon answers"),
        "{warnings:?}"
    );
}
