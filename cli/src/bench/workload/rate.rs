//! W4: a two-task flow at rising rates. Requests go out by the clock, whether earlier ones were answered or not, and a latency
//! counts from the moment a request was due: a server that falls behind cannot hide it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Sequential, Setting, execute, succeeded};
use crate::bench::flows;
use crate::bench::http::Connection;
use crate::bench::latency::Latencies;
use crate::bench::result::{Outcome, Target};

/// Executions a second that are tried.
const RATES: [u64; 12] = [
    250, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 5_000, 6_000, 8_000,
];
/// So many requests may be under way at once.
const CONNECTIONS: usize = 128;
/// A rate is sustained if so much of it was answered, and at this latency or better.
const ANSWERED: f64 = 0.98;
const SUSTAINED_P99: f64 = 250.0;
const TARGET_RATE: f64 = 3_000.0;
/// The same with several processes.
const DISTRIBUTED_RATE: f64 = 1_500.0;
/// Requests under way in the closed loop.
const CLOSED: usize = 64;

pub(super) async fn run(setting: &Setting<'_>) -> anyhow::Result<Vec<Outcome>> {
    let server = setting.server;
    let mut connection = server.connect().await?;
    server.save(&mut connection, &flows::two_tasks()).await?;
    Sequential::run(&mut connection, "w4", 200, 0.0).await?;

    let closed = closed_loop(setting).await?;
    let (mut outcomes, mut sustained) = (Vec::new(), 0.0_f64);
    for rate in RATES {
        let outcome = open_loop(setting, rate).await?;
        let holds = outcome.rate >= rate as f64 * ANSWERED
            && outcome.latency.p99 <= SUSTAINED_P99
            && outcome.errors == 0;
        if holds {
            sustained = sustained.max(outcome.rate);
        }
        outcomes.push(outcome);
        if !holds {
            break;
        }
    }
    let best = sustained.max(closed.rate);
    let closed = closed
        .with("highest open-loop rate that was sustained", sustained, "/s")
        .aiming(Target::at_least(
            "executions per second",
            best,
            if setting.queues.is_some() {
                DISTRIBUTED_RATE
            } else {
                TARGET_RATE
            },
            "/s",
        ));
    outcomes.insert(0, closed);
    Ok(outcomes)
}

/// Each connection sends its next request when the last one was answered.
async fn closed_loop(setting: &Setting<'_>) -> anyhow::Result<Outcome> {
    let server = setting.server;
    let mut control = server.connect().await?;
    let before = server.cost(&mut control).await?;
    let until = Instant::now() + Duration::from_secs_f64(setting.seconds);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..CLOSED {
        let mut connection = server.connect().await?;
        senders.spawn(async move {
            let (mut latencies, mut errors) = (Latencies::new(), 0);
            while Instant::now() < until {
                let started = Instant::now();
                let answer = execute(&mut connection, "w4").await?;
                latencies.record(started.elapsed());
                errors += u64::from(!succeeded(&answer));
            }
            anyhow::Ok((latencies, errors))
        });
    }
    let (mut latencies, mut errors) = (Latencies::new(), 0);
    for done in senders.join_all().await {
        let (part, wrong) = done?;
        latencies.add(&part);
        errors += wrong;
    }
    let after = server.cost(&mut control).await?;
    let description = format!("OutputValues and Log, {CLOSED} in flight");
    Ok(Outcome::new("W4", description, &latencies, errors).costing(before, after, 2))
}

/// Requests go out at a fixed rate.
async fn open_loop(setting: &Setting<'_>, rate: u64) -> anyhow::Result<Outcome> {
    let server = setting.server;
    let mut control = server.connect().await?;
    let count = (rate as f64 * setting.seconds.min(5.0)) as u64;
    let next = Arc::new(AtomicU64::new(0));
    let mut connections: Vec<Connection> = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(server.connect().await?);
    }
    let before = server.cost(&mut control).await?;
    let begin = tokio::time::Instant::now() + Duration::from_millis(20);
    let mut senders = tokio::task::JoinSet::new();
    for mut connection in connections {
        let next = next.clone();
        senders.spawn(async move {
            let (mut latencies, mut errors) = (Latencies::new(), 0);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok((latencies, errors));
                }
                let due = begin + Duration::from_secs_f64(number as f64 / rate as f64);
                tokio::time::sleep_until(due).await;
                let answer = execute(&mut connection, "w4").await?;
                latencies.record(due.elapsed());
                errors += u64::from(!succeeded(&answer));
            }
        });
    }
    let (mut latencies, mut errors) = (Latencies::new(), 0);
    for done in senders.join_all().await {
        let (part, wrong) = done?;
        latencies.add(&part);
        errors += wrong;
    }
    let taken = begin.elapsed();
    let after = server.cost(&mut control).await?;
    let description = format!("OutputValues and Log, offered {rate}/s");
    let mut outcome = Outcome::new("W4", description, &latencies, errors).costing(before, after, 2);
    outcome.rate = count as f64 / taken.as_secs_f64();
    Ok(outcome)
}
