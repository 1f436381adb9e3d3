//! W6: one worker against four, with tasks that take 100 ms: what more workers are worth.

use std::path::Path;

use super::Sequential;
use crate::bench::flows;
use crate::bench::latency::Latencies;
use crate::bench::result::{Outcome, Target};
use crate::bench::server::{Distributed, Server};

/// Tasks of one execution, and the slots of one worker.
const TASKS: usize = 1_600;
const SLOTS: u16 = 8;
/// How many workers are compared with one.
const WORKERS: usize = 4;
/// How much of them must come through.
const EFFICIENT: f64 = 95.0;

pub(in crate::bench) async fn run(
    data_directory: &Path,
    log: &Path,
    distributed: &Distributed,
) -> anyhow::Result<Outcome> {
    let one = measure(data_directory, log, distributed, 1).await?;
    let several = measure(data_directory, log, distributed, WORKERS).await?;
    let description = format!("{TASKS} tasks of 100 ms, {WORKERS} workers with {SLOTS} slots each");
    let ideal = 100.0 * TASKS as f64 / f64::from(SLOTS);
    let outcome = Outcome::new(
        "W6",
        description,
        &several.latencies,
        several.errors + one.errors,
    );
    let (alone, together) = (p50(&one.latencies), outcome.latency.p50);
    let efficiency = alone / together / WORKERS as f64 * 100.0;
    Ok(outcome
        .aiming(Target::at_least("efficiency", efficiency, EFFICIENT, "%"))
        .with("one worker", alone, "ms")
        .with(
            "one worker, if nothing but the tasks took time",
            ideal,
            "ms",
        ))
}

async fn measure(
    data_directory: &Path,
    log: &Path,
    distributed: &Distributed,
    workers: usize,
) -> anyhow::Result<Sequential> {
    let distributed = Distributed {
        workers,
        slots: Some(SLOTS),
        ..distributed.clone()
    };
    let data_directory = data_directory.join(format!("workers-{workers}"));
    let server = Server::start(&data_directory, log, Some(&distributed)).await?;
    let mut connection = server.connect().await?;
    server
        .save(&mut connection, &flows::sleepers("w6-warm", 32))
        .await?;
    server
        .save(&mut connection, &flows::sleepers("w6", TASKS))
        .await?;
    Sequential::run(&mut connection, "w6-warm", 1, 0.0).await?;
    let done = Sequential::run(&mut connection, "w6", 1, 0.0).await?;
    server.stop()?;
    Ok(done)
}

fn p50(latencies: &Latencies) -> f64 {
    latencies.summary().p50
}
