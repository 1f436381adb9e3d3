//! The workloads, one file each.

mod chain;
mod fan_out;
mod one_task;
mod rate;
mod scripts;
mod start;
mod workers;

use std::time::{Duration, Instant};

use anyhow::Context;

use super::flows::NAMESPACE;
use super::http::{Answer, Connection};
use super::latency::Latencies;
use super::machine::Machine;
use super::result::Outcome;
use super::server::{Queues, Server};

/// What the workloads share.
pub(super) struct Setting<'a> {
    /// The server.
    pub(super) server: &'a Server,
    /// The queues of its several processes, if it has several.
    pub(super) queues: Option<Queues>,
    /// The machine it stands on.
    pub(super) machine: &'a Machine,
    /// How long each measurement takes, about.
    pub(super) seconds: f64,
}

/// A workload on a running server: `W1` to `W5`.
pub(super) async fn run(name: &str, setting: &Setting<'_>) -> anyhow::Result<Vec<Outcome>> {
    match name {
        "W1" => Ok(vec![one_task::run(setting).await?]),
        "W2" => chain::run(setting).await,
        "W3" => fan_out::run(setting).await,
        "W4" => rate::run(setting).await,
        "W5" => Ok(vec![scripts::run(setting).await?]),
        _ => Ok(Vec::new()),
    }
}

pub(super) use start::run as run_start;
pub(super) use workers::run as run_workers;

/// Runs executions of a flow one after the other: at least `at_least`, then until the time is over.
struct Sequential {
    latencies: Latencies,
    errors: u64,
}

impl Sequential {
    async fn run(
        connection: &mut Connection,
        flow: &str,
        at_least: u64,
        seconds: f64,
    ) -> anyhow::Result<Self> {
        let mut done = Self {
            latencies: Latencies::new(),
            errors: 0,
        };
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        while done.latencies.summary().count < at_least || Instant::now() < until {
            let started = Instant::now();
            let answer = execute(connection, flow).await?;
            done.latencies.record(started.elapsed());
            if !succeeded(&answer) {
                done.errors += 1;
            }
        }
        Ok(done)
    }
}

/// One execution, from the request until its end is answered.
async fn execute(connection: &mut Connection, flow: &str) -> anyhow::Result<Answer> {
    let path = format!("/api/v1/executions/{NAMESPACE}/{flow}?wait=true");
    connection
        .post(&path, None)
        .await
        .with_context(|| format!("an execution of `{flow}` got no answer"))
}

fn succeeded(answer: &Answer) -> bool {
    const SUCCESS: &[u8] = br#""current":"SUCCESS""#;
    answer.status == 200
        && answer
            .body
            .windows(SUCCESS.len())
            .any(|window| window == SUCCESS)
}
