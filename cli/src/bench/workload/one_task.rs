//! W1: one task, from the request until its end is visible, one at a time.

use super::{Sequential, Setting};
use crate::bench::flows;
use crate::bench::result::{Outcome, Target};
use crate::bench::server::Queues;

pub(super) async fn run(setting: &Setting<'_>) -> anyhow::Result<Outcome> {
    let server = setting.server;
    let mut connection = server.connect().await?;
    server.save(&mut connection, &flows::one_task()).await?;
    Sequential::run(&mut connection, "w1", 200, 0.0).await?;

    let before = server.cost(&mut connection).await?;
    let done = Sequential::run(&mut connection, "w1", 100, setting.seconds).await?;
    let after = server.cost(&mut connection).await?;

    let fsync = setting.machine.fsync;
    let distributed = setting.queues.map(|queues| match queues {
        Queues::Quorum => Target::at_most(
            "p50, quorum queues",
            done.latencies.summary().p50,
            3.0,
            "ms",
        ),
        Queues::Classic => Target::at_most(
            "p50, classic queues",
            done.latencies.summary().p50,
            1.5,
            "ms",
        ),
    });
    let outcome = Outcome::new(
        "W1",
        "one Return task, sequential",
        &done.latencies,
        done.errors,
    )
    .costing(before, after, 1);
    if let Some(target) = distributed {
        return Ok(outcome.aiming(target));
    }
    let latency = outcome.latency;
    Ok(outcome
        .aiming(Target::at_most(
            "p50 (1 ms + one fsync)",
            latency.p50,
            1.0 + fsync.p50,
            "ms",
        ))
        .aiming(Target::at_most(
            "p99 (5 ms + one fsync)",
            latency.p99,
            5.0 + fsync.p99,
            "ms",
        )))
}
