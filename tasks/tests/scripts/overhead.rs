//! What a script costs beside the process itself.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::world::World;

#[tokio::test]
async fn forty_scripts_cost_little_more_than_forty_processes() {
    let world = World::new();
    world.commands(&["true"]).await.unwrap();
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (mut scripts, mut processes) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        let started = Instant::now();
        world.commands(&["true"]).await.unwrap();
        scripts.push(started.elapsed());
        let started = Instant::now();
        assert!(
            Command::new("/bin/sh")
                .args(["-c", "set -e\ntrue"])
                .output()
                .unwrap()
                .status
                .success()
        );
        processes.push(started.elapsed());
    }
    let (script, process) = (median(scripts), median(processes));
    println!("a script {script:?}, a process {process:?}");
    // The aim is 2 ms; a loaded machine must not fail the test.
    assert!(
        script.saturating_sub(process) < Duration::from_millis(20),
        "a script {script:?}, a process {process:?}"
    );
}
