//! W3: a loop whose iterations all run at once, of growing size: the cost of an iteration must not grow with it.

use super::{Sequential, Setting};
use crate::bench::flows;
use crate::bench::result::{Outcome, Target};

/// The sizes, what each may take in milliseconds, and how many are run at least.
const SIZES: [(usize, Option<f64>, u64); 3] = [
    (100, None, 20),
    (1_000, Some(120.0), 10),
    (10_000, Some(1_200.0), 3),
];
/// The same with several processes, where the tasks are those of workers.
const DISTRIBUTED: [(usize, Option<f64>, u64); 3] = [
    (100, None, 20),
    (1_000, None, 10),
    (10_000, Some(2_500.0), 3),
];
/// The name of a figure.
const EACH: &str = "time per iteration";
/// How much an iteration among 10,000 may cost, compared with one among 100.
const FLAT: f64 = 1.5;

pub(super) async fn run(setting: &Setting<'_>) -> anyhow::Result<Vec<Outcome>> {
    let server = setting.server;
    let on_worker = setting.queues.is_some();
    let sizes = if on_worker { DISTRIBUTED } else { SIZES };
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (size, bound, at_least) in sizes {
        let id = format!("w3-{size}");
        let mut connection = server.connect().await?;
        server
            .save(&mut connection, &flows::for_each(&id, size, on_worker))
            .await?;
        Sequential::run(&mut connection, &id, 1, 0.0).await?;

        let before = server.cost(&mut connection).await?;
        let done = Sequential::run(
            &mut connection,
            &id,
            at_least,
            setting.seconds / sizes.len() as f64,
        )
        .await?;
        let after = server.cost(&mut connection).await?;

        let kind = if on_worker { "worker-task" } else { "one-task" };
        let description = format!("ForEach of {size} {kind} iterations, unlimited");
        let mut outcome = Outcome::new("W3", description, &done.latencies, done.errors)
            .costing(before, after, size);
        let each = outcome.latency.p50 * 1e3 / size as f64;
        outcome = outcome.with(EACH, each, "µs");
        if let Some(bound) = bound {
            let p50 = outcome.latency.p50;
            outcome = outcome.aiming(Target::at_most("p50", p50, bound, "ms"));
        }
        if size == 10_000 {
            let first = outcomes.first().map(|first| first.more.as_slice());
            let figure = (first.unwrap_or_default().iter()).find(|figure| figure.name == EACH);
            let ratio = each / figure.map_or(each, |figure| figure.value);
            outcome = outcome.aiming(Target::at_most(
                "time per iteration, 10,000 to 100",
                ratio,
                FLAT,
                "×",
            ));
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}
