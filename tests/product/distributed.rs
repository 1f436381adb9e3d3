//! The product as many processes: executors, workers and APIs over RabbitMQ, Redis and S3.

use std::time::{Duration, Instant};

use flowmill_backends::Queue;
use flowmill_backends::config::Address;
use flowmill_backends::queue::rabbitmq::{self, RabbitQueue};
use flowmill_backends::queue::{Message, Topic};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::api::{state, task_run};
use crate::harness::process::PATIENCE;
use crate::harness::{Api, Cluster, Server, ServerOptions, Servers, flowmill, run_to_end, write};

/// A flow whose task sleeps in a process of its own and leaves a line in a file for each time that it ran to its end.
fn sleeper(id: &str, seconds: f64, effects: &std::path::Path) -> String {
    format!(
        "\
id: {id}
namespace: a.b
tasks:
  - id: sleep
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {{type: io.kestra.plugin.core.runner.Process}}
    commands:
      - echo begun >> {begun}
      - sleep {seconds}
      - echo '{{{{ execution.id }}}}' >> {done}
",
        begun = effects.join("begun").display(),
        done = effects.join("done").display(),
    )
}

fn lines(folder: &std::path::Path, name: &str) -> usize {
    std::fs::read_to_string(folder.join(name)).map_or(0, |text| text.lines().count())
}

fn wait_for_lines(folder: &std::path::Path, name: &str, count: usize) {
    let until = Instant::now() + PATIENCE;
    while lines(folder, name) < count {
        assert!(Instant::now() < until, "`{name}` never has {count} lines");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn id(execution: &Value) -> String {
    execution["id"].as_str().unwrap().to_owned()
}

fn assert_success(api: &Api, id: &str) -> Value {
    let execution = api.wait(id);
    assert_eq!(
        state(&execution),
        "SUCCESS",
        "{execution:#}\n{}",
        api.log(id)
    );
    execution
}

#[test]
fn any_api_answers_for_any_worker() {
    let Some(cluster) = Cluster::new("any", "", &[]) else {
        return;
    };
    let cluster = cluster.start(2, 2, 2);
    let [first, second] = &cluster.apis[..] else {
        unreachable!("two were started")
    };
    first.api.save(
        "\
id: hello
namespace: a.b
inputs: [{id: who, type: STRING}]
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: hello {{ inputs.who }}
  - id: write
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    outputFiles: [out.txt]
    commands:
      - echo 'for {{ inputs.who }}' > out.txt
      - echo '::{\"outputs\":{\"long\":\"'$(head -c 200000 /dev/zero | tr '\\0' x)'\"}}::'
  - id: read
    type: io.kestra.plugin.core.debug.Return
    format: \"{{ outputs.write.vars.long | length }} {{ read(outputs.write.outputFiles['out.txt']) }}\"
",
    );
    for number in 0..20 {
        // waited for at one instance, asked for at the other
        let who = format!("n{number}");
        let api = if number % 2 == 0 { second } else { first };
        let execution = api.api.run("a.b/hello", &[("who", &who)]);
        assert_eq!(state(&execution), "SUCCESS", "{execution:#}");
        let seen = first.api.execution(&id(&execution));
        let value = task_run(&seen, "read")["outputs"]["value"]
            .as_str()
            .unwrap();
        assert_eq!(value.trim(), format!("200000 for {who}"));
        second
            .api
            .log_with(&id(&execution), &[&format!("hello {who}")]);
    }
}

#[test]
fn large_values_and_files_pass_by_reference() {
    let Some(servers) = Servers::start() else {
        return;
    };
    let minio = servers.minio.url();
    let config = "tasks: {scripts: {maximum-line-bytes: 6000000}}\n";
    let endpoint = [("FLOWMILL_FILES_S3_PUBLIC_ENDPOINT", minio.as_str())];
    let cluster = Cluster::over(servers, "large", config, &endpoint).start(1, 2, 1);
    let api = &cluster.apis[0].api;
    api.save(
        "\
id: large
namespace: a.b
tasks:
  - id: write
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    outputFiles: [large.bin]
    commands:
      - head -c 100000000 /dev/zero > large.bin
      - echo '::{\"outputs\":{\"long\":\"'$(head -c 5000000 /dev/zero | tr '\\0' x)'\"}}::'
  - id: read
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    inputFiles:
      text: \"{{ outputs.write.vars.long }}\"
      file: \"{{ outputs.write.outputFiles['large.bin'] }}\"
    commands:
      - echo '::{\"outputs\":{\"lengths\":\"'$(wc -c < text)' '$(wc -c < file)'\"}}::'
",
    );
    let execution = api.run("a.b/large", &[]);
    assert_eq!(state(&execution), "SUCCESS", "{}", api.log(&id(&execution)));
    let lengths = &task_run(&execution, "read")["outputs"]["vars"]["lengths"];
    assert_eq!(lengths, "5000000 100000000");
    // the storage gives what is downloaded
    let uri = task_run(&execution, "write")["outputs"]["outputFiles"]["large.bin"]
        .as_str()
        .unwrap();
    let path = format!("/api/v1/executions/{}/file?path={uri}", id(&execution));
    let downloaded = api.get(&path);
    assert_eq!(
        (downloaded.status, downloaded.body.len()),
        (200, 100_000_000)
    );
    for worker in &cluster.workers {
        let status = std::fs::read_to_string(format!("/proc/{}/status", worker.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        println!("a worker's memory at its highest: {}", line.unwrap());
    }
}

#[test]
fn the_task_of_a_killed_worker_runs_again_soon() {
    let Some(cluster) = Cluster::new("killed-worker", "", &[]) else {
        return;
    };
    let mut cluster = cluster.start(1, 1, 1);
    let effects = tempfile::tempdir().unwrap();
    let api = &cluster.apis[0].api;
    api.save(&sleeper("sleeper", 3.0, effects.path()));
    let started = id(&api.start("a.b/sleeper", &[]));
    wait_for_lines(effects.path(), "begun", 1);
    let other = cluster.process("worker");
    let killed = Instant::now();
    cluster.workers.remove(0).kill();
    wait_for_lines(effects.path(), "begun", 2);
    let took = killed.elapsed();
    println!("worker kill -9: its task runs again after {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let execution = assert_success(&cluster.apis[0].api, &started);
    assert_eq!(lines(effects.path(), "done"), 1, "{execution:#}");
    drop(other);
}

#[test]
fn executions_go_on_when_an_executor_is_killed() {
    let Some(cluster) = Cluster::new("killed-executor", "", &[]) else {
        return;
    };
    let mut cluster = cluster.start(2, 1, 1);
    cluster.apis[0].api.save(
        "id: quick\nnamespace: a.b\ntasks:\n  - {id: one, type: io.kestra.plugin.core.debug.Return, format: x}\n",
    );
    for _ in 0..32 {
        let execution = cluster.apis[0].api.run("a.b/quick", &[]);
        assert_eq!(state(&execution), "SUCCESS");
    }
    cluster.executors.remove(0).kill();
    let killed = Instant::now();
    // one for each partition and more: whoever owned it
    let started: Vec<_> = (0..48)
        .map(|_| id(&cluster.apis[0].api.start("a.b/quick", &[])))
        .collect();
    for id in &started {
        assert_success(&cluster.apis[0].api, id);
    }
    let took = killed.elapsed();
    println!("executor kill -9: all partitions work again after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_worker_that_stood_still_loses_its_task_and_its_late_result_counts_for_nothing() {
    let config = "executor: {worker-lease-milliseconds: 2000}\nworker: {lease: 1500ms}\n";
    let Some(cluster) = Cluster::new("silent-worker", config, &[]) else {
        return;
    };
    let mut cluster = cluster.start(1, 1, 1);
    let effects = tempfile::tempdir().unwrap();
    cluster.apis[0]
        .api
        .save(&sleeper("sleeper", 1.0, effects.path()));
    let started = id(&cluster.apis[0].api.start("a.b/sleeper", &[]));
    wait_for_lines(effects.path(), "begun", 1);
    cluster.workers[0].signal(Signal::SIGSTOP);
    let other = cluster.process("worker");
    let execution = assert_success(&cluster.apis[0].api, &started);
    cluster.workers[0].signal(Signal::SIGCONT);
    // it takes work again
    let again = id(&cluster.apis[0].api.start("a.b/sleeper", &[]));
    assert_success(&cluster.apis[0].api, &again);
    let after = cluster.apis[0].api.execution(&started);
    assert_eq!(after["state"], execution["state"]);
    assert_eq!(after["taskRunList"], execution["taskRunList"]);
    cluster.workers.push(other);
}

#[test]
fn a_worker_that_is_told_to_stop_finishes_what_it_has_begun() {
    let Some(cluster) = Cluster::new("drained-worker", "", &[]) else {
        return;
    };
    let mut cluster = cluster.start(1, 2, 1);
    let effects = tempfile::tempdir().unwrap();
    let api = &cluster.apis[0].api;
    api.save(&sleeper("sleeper", 1.0, effects.path()));
    let started: Vec<_> = (0..8).map(|_| id(&api.start("a.b/sleeper", &[]))).collect();
    wait_for_lines(effects.path(), "begun", 8);
    assert!(cluster.workers.remove(0).terminate().success());
    for id in &started {
        assert_success(&cluster.apis[0].api, id);
    }
    assert_eq!(lines(effects.path(), "begun"), 8);
    assert_eq!(lines(effects.path(), "done"), 8);
}

#[test]
fn a_task_that_runs_for_long_is_not_taken_from_its_worker() {
    // acknowledged early, as for a task of hours; then more jobs come than there is room for
    let config = "worker: {acknowledge-after: 200ms, slots: 2}\n";
    let Some(cluster) = Cluster::new("long-task", config, &[]) else {
        return;
    };
    let mut cluster = cluster.start(1, 1, 1);
    let effects = tempfile::tempdir().unwrap();
    let api = &cluster.apis[0].api;
    api.save(&sleeper("sleeper", 3.0, effects.path()));
    let started: Vec<_> = (0..4).map(|_| id(&api.start("a.b/sleeper", &[]))).collect();
    wait_for_lines(effects.path(), "begun", 2);
    cluster.workers.push(cluster.process("worker"));
    for id in &started {
        assert_success(&cluster.apis[0].api, id);
    }
    assert_eq!(lines(effects.path(), "begun"), 4);
}

#[test]
fn outages_of_redis_and_rabbitmq_are_waited_out_and_told() {
    let Some(servers) = Servers::alone() else {
        return;
    };
    let cluster = Cluster::over(servers, "outages", "", &[]).start(1, 1, 1);
    let api = &cluster.apis[0].api;
    let effects = tempfile::tempdir().unwrap();
    api.save(&sleeper("sleeper", 0.5, effects.path()));
    let mut number = 0;
    for name in ["redis", "rabbitmq"] {
        let started = id(&api.start("a.b/sleeper", &[]));
        number += 1;
        wait_for_lines(effects.path(), "begun", number);
        let restart = |action: &str| match (name, action) {
            ("redis", "kill") => cluster.servers.redis.lock().unwrap().kill(),
            ("redis", _) => cluster.servers.redis.lock().unwrap().restart(),
            (_, "kill") => cluster.servers.rabbitmq.lock().unwrap().kill(),
            (_, _) => cluster.servers.rabbitmq.lock().unwrap().restart(),
        };
        restart("kill");
        for server in [&cluster.workers[0], &cluster.executors[0], &cluster.apis[0]] {
            told(server, name);
        }
        restart("start");
        let back = Instant::now();
        assert_success(api, &started);
        println!(
            "{name} back: its execution ended after {:?}",
            back.elapsed()
        );
        let next = api.run("a.b/sleeper", &[]);
        number += 1;
        assert_eq!(state(&next), "SUCCESS");
        assert_eq!(lines(effects.path(), "done"), number);
        for server in [&cluster.workers[0], &cluster.executors[0], &cluster.apis[0]] {
            let until = Instant::now() + PATIENCE;
            while server.api.get("/health").status != 200 {
                assert!(
                    Instant::now() < until,
                    "{}",
                    server.api.get("/health").text()
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

#[test]
fn a_message_that_nobody_understands_stops_nobody() {
    let Some(cluster) = Cluster::new("garbage", "", &[]) else {
        return;
    };
    let cluster = cluster.start(1, 1, 1);
    let api = &cluster.apis[0].api;
    api.save("id: quick\nnamespace: a.b\ntasks:\n  - {id: one, type: io.kestra.plugin.core.debug.Return, format: x}\n");
    assert_eq!(state(&api.run("a.b/quick", &[])), "SUCCESS");
    let url = cluster.servers.rabbitmq.lock().unwrap().url();
    let config = rabbitmq::Config {
        url: Address::new(url),
        prefix: "garbage".into(),
        ..rabbitmq::Config::default()
    };
    let mut topics = vec![
        Topic::Jobs("default".into()),
        Topic::Changes,
        Topic::Control,
    ];
    topics.extend((0..16).map(Topic::Events));
    let bodies: [&[u8]; 4] = [
        b"",
        b"\xff\x00garbage",
        b"{}",
        br#"{"of": "another version"}"#,
    ];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let put_aside = runtime.block_on(async {
        let queue = RabbitQueue::open(&config).await.unwrap();
        for topic in &topics {
            let message = |body: &[u8]| Message {
                id: "garbage".into(),
                body: body.to_vec().into(),
            };
            let messages = bodies.iter().map(|body| message(body)).collect();
            queue.publish(topic, messages).await.unwrap();
        }
        for topic in topics
            .iter()
            .filter(|topic| matches!(topic, Topic::Jobs(_) | Topic::Events(_)))
        {
            let until = Instant::now() + PATIENCE;
            while queue.depth(topic).await.unwrap() != Some(0) {
                assert!(Instant::now() < until, "{topic:?} is not emptied");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        bodies.len() * 17
    });
    for _ in 0..32 {
        assert_eq!(state(&api.run("a.b/quick", &[])), "SUCCESS");
    }
    let count = || {
        let control = |words: &[&str]| cluster.servers.rabbitmq.lock().unwrap().control(words);
        let queues = control(&["list_queues", "name", "messages"]);
        let mut counts = queues
            .lines()
            .filter_map(|line| line.strip_prefix("garbage.dead-letters"));
        counts
            .next()
            .and_then(|rest| rest.trim().parse::<usize>().ok())
    };
    let until = Instant::now() + PATIENCE;
    while count() != Some(put_aside) {
        assert!(
            Instant::now() < until,
            "{:?} dead letters instead of {put_aside}",
            count()
        );
    }
}

#[test]
fn wrong_settings_fail_at_start_with_their_names() {
    let Some(servers) = Servers::start() else {
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let config = write(scratch.path(), "flowmill.yaml", &servers.config("wrong"));
    for (variable, value, setting) in [
        (
            "FLOWMILL_QUEUE_RABBITMQ_PASSWORD",
            "hunter2",
            "`queue.rabbitmq.password`",
        ),
        (
            "FLOWMILL_QUEUE_RABBITMQ_VHOST",
            "elsewhere",
            "`queue.rabbitmq.vhost`",
        ),
        ("FLOWMILL_FILES_S3_BUCKET", "elsewhere", "`files.s3.bucket`"),
        (
            "FLOWMILL_FILES_S3_SECRET_KEY",
            "hunter2",
            "`files.s3.secret-key`",
        ),
        ("FLOWMILL_STORE_PARTITIONS", "8", "partitions"),
    ] {
        if variable == "FLOWMILL_STORE_PARTITIONS" {
            // the store must have been made first
            let server = ServerOptions {
                roles: Some("executor,worker,api"),
                config: Some(servers.config("wrong")),
                ..ServerOptions::default()
            };
            assert!(Server::with(server).terminate().success());
        }
        let mut command = flowmill(["server", "executor", "--data-dir"]);
        command
            .arg(scratch.path().join("data"))
            .arg("--config")
            .arg(&config)
            .env(variable, value);
        let ended = run_to_end(&mut command);
        assert_ne!(ended.code, Some(0), "{variable}");
        assert!(ended.err.contains(setting), "{variable}: {}", ended.err);
        assert!(!ended.err.contains("hunter2"), "{}", ended.err);
    }
}

/// Waits until a process says in its health that this backend is away.
fn told(server: &Server, name: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let health = server.api.get("/health");
        if health.status == 503 && health.text().contains(name) {
            return;
        }
        assert!(Instant::now() < until, "{}", health.text());
        std::thread::sleep(Duration::from_millis(20));
    }
}
