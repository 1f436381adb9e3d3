//! Scripts that misbehave.

use std::process::Command;
use std::time::{Duration, Instant};

use flowmill_common::log::Level;
use flowmill_tasks::TaskError;
use serde_json::json;

use crate::world::{World, failed};

/// Whether a process lives; a zombie does not.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next())
        .is_some_and(|state| !"ZX".contains(state))
}

/// Runs commands that log `pid N` for each of their processes, stops the task once `pids` are known, and gives them.
async fn stopped(world: &World, script: &str, pids: usize) -> Vec<String> {
    let task = world.run("shell.Script", json!({ "script": script }));
    let stop = async {
        let mut known = Vec::new();
        for number in 0..pids {
            let line = world.until_logged(&format!("pid{number} ")).await;
            known.push(line.split(' ').nth(1).unwrap().to_owned());
        }
        assert!(known.iter().all(|pid| lives(pid)));
        world.cancelled.cancel();
        known
    };
    let (result, known) = tokio::join!(task, stop);
    assert_eq!(result, Err(TaskError::Killed));
    known
}

#[tokio::test]
async fn a_stopped_script_takes_all_its_processes_with_it() {
    let world = World::new();
    let script = "\
        echo pid0 $$ x\n\
        sleep 1000 & echo pid1 $! x\n\
        setsid sh -c 'echo pid2 $$ x; sleep 1000' &\n\
        (setsid sh -c 'echo pid3 $$ x; exec sleep 1000' &)\n\
        (cd / && setsid env -i PATH=$PATH sh -c '(echo pid4 $(exec sh -c \"echo \\$PPID\") x; exec sleep 1000)') &\n\
        sleep 1000\n";
    let known = stopped(&world, script, 5).await;
    let left: Vec<_> = known
        .iter()
        .enumerate()
        .filter(|(_, pid)| lives(pid))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_script_that_ignores_the_request_to_end_is_killed_after_its_grace() {
    let mut world = World::new();
    world.config.process.kill_grace = Duration::from_millis(200);
    let started = Instant::now();
    let known = stopped(
        &world,
        "trap '' TERM; echo pid0 $$ x; while :; do sleep 1; done",
        1,
    )
    .await;
    assert!(!lives(&known[0]));
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_stopped_script_may_use_its_grace_for_last_words() {
    let world = World::new();
    stopped(
        &world,
        "trap 'echo bye; exit 0' TERM; echo pid0 $$ x; sleep 1000 & wait",
        1,
    )
    .await;
    assert_eq!(world.logged(Level::Info).last().unwrap(), "bye");
}

#[tokio::test]
async fn a_dropped_task_leaves_no_process() {
    let world = World::new();
    let task = world.commands(&[
        "echo pid0 $$ x",
        "(setsid sh -c 'echo pid1 $$ x; exec sleep 1000' &)",
        "sleep 1000",
    ]);
    let known = async {
        [
            world.until_logged("pid0").await,
            world.until_logged("pid1").await,
        ]
        .map(|line| line.split(' ').nth(1).unwrap().to_owned())
    };
    let known = tokio::select! { result = task => panic!("{result:?}"), known = known => known };
    // They were killed, and end when the kernel gets to them.
    let deadline = Instant::now() + Duration::from_secs(10);
    while known.iter().any(|pid| lives(pid)) {
        assert!(Instant::now() < deadline, "{known:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_script_leaves_in_the_background_neither_holds_nor_outlives_the_task() {
    let world = World::new();
    let started = Instant::now();
    let script = "sleep 1000 & echo pid $! x; (setsid sh -c 'echo pid $$ x; exec sleep 1000' > left 2>&1 &); sleep 0.1; cat left";
    world
        .run("shell.Script", json!({ "script": script }))
        .await
        .unwrap();
    assert!(started.elapsed() < Duration::from_secs(60));
    let lines = world.logged(Level::Info);
    let pids: Vec<_> = lines
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    assert_eq!(pids.len(), 2);
    assert!(!pids.iter().any(|pid| lives(pid)), "{pids:?}");
    assert!(
        world
            .logged(Level::Warn)
            .iter()
            .any(|line| line.contains("in the background"))
    );
}

#[tokio::test]
async fn a_silent_daemon_is_found_too() {
    let world = World::new();
    let script = "(setsid sh -c 'echo $$ > pid; exec sleep 1000' > /dev/null 2>&1 < /dev/null &); while [ ! -s pid ]; do :; done";
    world
        .run("shell.Script", json!({ "script": script }))
        .await
        .unwrap();
    let pid = std::fs::read_to_string(world.path("pid")).unwrap();
    assert!(!lives(pid.trim()));
}

#[tokio::test]
async fn orphans_that_end_by_themselves_do_not_stay_zombies() {
    let world = World::new();
    let script = "for n in 1 2 3; do (setsid sh -c 'echo $$ >> pids' > /dev/null 2>&1 &); done; while [ $(wc -l < pids || echo 0) -lt 3 ]; do :; done 2> /dev/null";
    world
        .run("shell.Script", json!({ "script": script }))
        .await
        .unwrap();
    world.commands(&["true"]).await.unwrap();
    for pid in std::fs::read_to_string(world.path("pids")).unwrap().lines() {
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}")).exists(),
            "{pid} is a zombie"
        );
    }
}

#[tokio::test]
async fn a_late_word_from_the_background_is_heard() {
    let world = World::new();
    world
        .run(
            "shell.Script",
            json!({"script": "(sleep 0.2; echo late) &"}),
        )
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["late"]);
}

#[tokio::test]
async fn a_hundred_megabytes_of_output_are_cut_in_the_log_and_cost_no_memory() {
    let mut world = World::new();
    world.config.scripts.maximum_logged_bytes = 1_000_000;
    let before = resident();
    let script = "yes 'a line of some length, nothing special about it' | head -c 100000000; echo; echo '::{\"outputs\":{\"done\":true}}::'";
    let output = world
        .run("shell.Script", json!({ "script": script }))
        .await
        .unwrap();
    assert_eq!(output.values["vars"]["done"], true);
    let bytes: usize = world
        .logged(Level::Info)
        .iter()
        .map(|line| line.len() + 1)
        .sum();
    assert!((900_000..=1_000_000).contains(&bytes), "{bytes}");
    let warnings = world.logged(Level::Warn);
    assert!(
        warnings[0].contains("maximumLoggedBytes") && warnings[1].contains("more lines"),
        "{warnings:?}"
    );
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "grew by {grown} bytes");
}

#[tokio::test]
async fn a_line_without_an_end_is_cut() {
    let mut world = World::new();
    world.config.scripts.maximum_line_bytes = 1000;
    world
        .run(
            "shell.Script",
            json!({"script": "head -c 5000000 /dev/zero | tr '\\0' x; echo; echo next"}),
        )
        .await
        .unwrap();
    let lines = world.logged(Level::Info);
    assert_eq!(
        (lines[0].len(), lines[1].as_str()),
        (1000 + "… (4999000 more bytes)".len(), "next")
    );
}

#[tokio::test]
async fn outputs_that_are_too_long_fail_the_task() {
    let mut world = World::new();
    world.config.scripts.maximum_line_bytes = 1000;
    let line = format!(
        "echo '::{{\"outputs\":{{\"a\":\"{}\"}}}}::'",
        "x".repeat(2000)
    );
    assert!(
        failed(world.commands(&[&line]).await)
            .0
            .contains("maximumLineBytes")
    );
    world.config.scripts.maximum_line_bytes = 10_000;
    world.config.scripts.maximum_variable_bytes = 1000;
    assert!(
        failed(world.commands(&[&line]).await)
            .0
            .contains("maximumVariableBytes")
    );
}

#[tokio::test]
async fn bytes_that_are_not_utf8_are_replaced() {
    let world = World::new();
    world.commands(&["printf 'a\\377b\\n'"]).await.unwrap();
    assert_eq!(world.logged(Level::Info), ["a\u{fffd}b"]);
}

#[tokio::test]
async fn a_script_that_closes_its_output_is_still_waited_for() {
    let world = World::new();
    world
        .commands(&["exec > /dev/null 2>&1", "sleep 0.2", "touch late"])
        .await
        .unwrap();
    assert!(world.path("late").exists());
}

#[tokio::test]
async fn nothing_can_be_read_from_the_workers_terminal() {
    let world = World::new();
    world
        .commands(&["if read line; then echo \"$line\"; else echo nothing; fi"])
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["nothing"]);
}

/// Bytes of memory that this process holds.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn the_scripts_of_a_killed_worker_are_ended_by_the_next_one() {
    // As a worker of this machine that is gone would have marked it.
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap();
    let namespace = namespace
        .to_str()
        .unwrap()
        .trim_start_matches("pid:[")
        .trim_end_matches(']')
        .to_owned();
    let mark = |worker: &str, started: &str| format!("{namespace}.{worker}.{started}.0");
    let start = |mark: String| {
        Command::new("sleep")
            .arg("1000")
            .env("FLOWMILL_PROCESS", mark)
            .spawn()
            .unwrap()
    };
    let stat = std::fs::read_to_string("/proc/1/stat").unwrap();
    let started = stat
        .rsplit(") ")
        .next()
        .unwrap()
        .split(' ')
        .nth(19)
        .unwrap()
        .to_owned();
    let mut left = start(mark("1", "1"));
    let mut of_a_living_worker = start(mark("1", &started));
    let mut foreign = start("4026500000.1.1.0".into());

    // A process of its own: the first command of this one may have run already.
    let test = std::env::current_exe().unwrap();
    let status = Command::new(test)
        .args(["--exact", "hostile::bytes_that_are_not_utf8_are_replaced"])
        .output()
        .unwrap()
        .status;
    assert!(status.success());

    let ended = left.wait().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&ended),
        Some(9)
    );
    for child in [&mut of_a_living_worker, &mut foreign] {
        assert_eq!(child.try_wait().unwrap(), None, "it is no lost worker's");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
