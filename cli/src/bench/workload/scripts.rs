//! W5: 40 shell scripts, one after the other.

use super::{Sequential, Setting};
use crate::bench::flows;
use crate::bench::result::{Outcome, Target};

const SCRIPTS: usize = 40;

pub(super) async fn run(setting: &Setting<'_>) -> anyhow::Result<Outcome> {
    let server = setting.server;
    let mut connection = server.connect().await?;
    server
        .save(&mut connection, &flows::scripts(SCRIPTS))
        .await?;
    Sequential::run(&mut connection, "w5", 1, 0.0).await?;

    let before = server.cost(&mut connection).await?;
    let done = Sequential::run(&mut connection, "w5", 5, setting.seconds).await?;
    let after = server.cost(&mut connection).await?;

    let bound = 80.0 + SCRIPTS as f64 * setting.machine.fork_exec.p50;
    let outcome = Outcome::new(
        "W5",
        "40 sequential sh scripts",
        &done.latencies,
        done.errors,
    )
    .costing(before, after, SCRIPTS);
    let p50 = outcome.latency.p50;
    Ok(outcome.aiming(Target::at_most(
        "p50 (80 ms + 40 × fork/exec)",
        p50,
        bound,
        "ms",
    )))
}
