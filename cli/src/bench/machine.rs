//! The machine that a measurement was made on: without it the figures say little.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;

use super::latency::Latencies;

/// What the figures depend on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) memory_gib: f64,
    pub(super) kernel: String,
    pub(super) load_average: f64,
    /// Appending 4 KiB and making it durable, where the data is.
    pub(super) fsync: super::latency::Summary,
    /// `sh -c :`, start to end.
    pub(super) fork_exec: super::latency::Summary,
}

impl Machine {
    /// Looks at the machine; the disk is measured in this folder.
    pub(super) fn describe(folder: &Path) -> anyhow::Result<Self> {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .and_then(|rest| rest.split_once(':'));
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = meminfo.lines().find_map(|line| {
            line.strip_prefix("MemTotal:")?
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        });
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Ok(Self {
            cpu: cpu.map_or_else(
                || std::env::consts::ARCH.to_owned(),
                |(_, name)| name.trim().to_owned(),
            ),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gib: (memory.unwrap_or(0.0) / f64::from(1 << 20) * 10.0).round() / 10.0,
            kernel: kernel.trim().to_owned(),
            load_average: load
                .split_whitespace()
                .next()
                .and_then(|field| field.parse().ok())
                .unwrap_or(0.0),
            fsync: fsync(folder)?.summary(),
            fork_exec: fork_exec()?.summary(),
        })
    }
}

/// How long the disk takes to make an append durable.
fn fsync(folder: &Path) -> anyhow::Result<Latencies> {
    const ROUNDS: usize = 200;
    let mut file =
        tempfile::tempfile_in(folder).context("no file can be made where the data goes")?;
    let block = [0x5a_u8; 4096];
    let mut latencies = Latencies::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        file.write_all(&block)
            .and_then(|()| file.sync_data())
            .context("the disk refuses")?;
        latencies.record(started.elapsed());
    }
    Ok(latencies)
}

/// How long the smallest shell script takes by itself.
fn fork_exec() -> anyhow::Result<Latencies> {
    const ROUNDS: usize = 60;
    let mut latencies = Latencies::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        Command::new("/bin/sh")
            .args(["-c", ":"])
            .stdin(Stdio::null())
            .status()
            .context("`/bin/sh` does not start")?;
        latencies.record(started.elapsed());
    }
    Ok(latencies)
}
