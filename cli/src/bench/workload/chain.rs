//! W2: a chain of 100 tasks, in the executor and through the worker.

use super::{Sequential, Setting};
use crate::bench::flows;
use crate::bench::result::{Outcome, Target};

const LENGTH: usize = 100;

pub(super) async fn run(setting: &Setting<'_>) -> anyhow::Result<Vec<Outcome>> {
    Ok(vec![
        chain(setting, "w2-core", false, "chain of 100 core tasks", 10.0).await?,
        chain(
            setting,
            "w2-worker",
            true,
            "chain of 100 worker tasks",
            60.0,
        )
        .await?,
    ])
}

async fn chain(
    setting: &Setting<'_>,
    id: &str,
    on_worker: bool,
    description: &str,
    bound: f64,
) -> anyhow::Result<Outcome> {
    let server = setting.server;
    let mut connection = server.connect().await?;
    server
        .save(&mut connection, &flows::chain(id, LENGTH, on_worker))
        .await?;
    Sequential::run(&mut connection, id, 3, 0.0).await?;

    let before = server.cost(&mut connection).await?;
    let done = Sequential::run(&mut connection, id, 10, setting.seconds).await?;
    let after = server.cost(&mut connection).await?;

    let outcome = Outcome::new("W2", description, &done.latencies, done.errors)
        .costing(before, after, LENGTH);
    let p50 = outcome.latency.p50;
    if setting.queues.is_some() {
        return Ok(match on_worker {
            true => outcome.aiming_at_two_crossings(),
            false => outcome,
        });
    }
    Ok(outcome.aiming(Target::at_most("p50", p50, bound, "ms")))
}
