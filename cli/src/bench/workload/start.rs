//! W7: from the start of the process to the end of its first execution; then what it costs while nothing happens.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{execute, succeeded};
use crate::bench::latency::Latencies;
use crate::bench::result::{Outcome, Target};
use crate::bench::server::Server;
use crate::bench::{flows, process};

const STARTS: usize = 10;
/// How long the idle server is looked at.
const IDLE: Duration = Duration::from_secs(5);

pub(in crate::bench) async fn run(data_directory: &Path, log: &Path) -> anyhow::Result<Outcome> {
    let server = Server::start(data_directory, log, None).await?;
    server
        .save(&mut server.connect().await?, &flows::one_task())
        .await?;
    server.stop()?;

    let mut latencies = Latencies::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let server = Server::spawn(data_directory, log)?;
        let answer = execute(&mut server.connect().await?, "w1").await?;
        latencies.record(started.elapsed());
        ensure!(succeeded(&answer), "the first execution did not succeed");
        server.stop()?;
    }

    let server = Server::spawn(data_directory, log)?;
    let answer = execute(&mut server.connect().await?, "w1").await?;
    ensure!(succeeded(&answer), "the first execution did not succeed");
    // what was begun for the execution may end
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (cpu, wake_ups) = (
        process::cpu_time(server.pid())?,
        process::wake_ups(server.pid())?,
    );
    tokio::time::sleep(IDLE).await;
    let idle_cpu = process::cpu_time(server.pid())?
        .saturating_sub(cpu)
        .as_secs_f64()
        / IDLE.as_secs_f64()
        * 100.0;
    let wake_ups = (process::wake_ups(server.pid())? - wake_ups) as f64 / IDLE.as_secs_f64();
    let memory = process::resident_memory(server.pid())? as f64 / 1e6;
    server.stop()?;

    let outcome = Outcome::new(
        "W7",
        "process start to first finished execution",
        &latencies,
        0,
    );
    let p50 = outcome.latency.p50;
    Ok(outcome
        .aiming(Target::at_most("p50", p50, 80.0, "ms"))
        .aiming(Target::at_most("idle memory (RSS)", memory, 25.0, "MB"))
        .aiming(Target::at_most("idle wake-ups", wake_ups, 5.0, "/s"))
        .with("idle CPU", idle_cpu, "%"))
}
