//! What a process costs, as `/proc` tells.

use std::time::Duration;

use anyhow::{Context, bail};

/// CPU time of a process and of the children it has waited for. Counted by the kernel in ticks of 10 ms.
pub(super) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat =
        std::fs::read_to_string(&path).with_context(|| format!("`{path}` cannot be read"))?;
    // the name of the program stands in parentheses and may hold anything
    let after_name = stat
        .rsplit_once(')')
        .map_or(stat.as_str(), |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: u64 = (fields
        .get(11..15)
        .with_context(|| format!("`{path}` is too short"))?)
    .iter()
    .map(|field| field.parse::<u64>())
    .sum::<Result<u64, _>>()
    .with_context(|| format!("`{path}` is unreadable"))?;
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?
        .unwrap_or(100)
        .max(1);
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// Memory in use, in bytes: resident set size.
pub(super) fn resident_memory(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status =
        std::fs::read_to_string(&path).with_context(|| format!("`{path}` cannot be read"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let Some(kibibytes) = line.and_then(|rest| rest.split_whitespace().next()) else {
        bail!("`{path}` has no VmRSS")
    };
    Ok(kibibytes
        .parse::<u64>()
        .with_context(|| format!("`{path}` is unreadable"))?
        << 10)
}

/// How often the threads of a process were put on a CPU: what an idle process that polls cannot hide.
pub(super) fn wake_ups(pid: u32) -> anyhow::Result<u64> {
    let folder = format!("/proc/{pid}/task");
    let mut sum = 0;
    for thread in
        std::fs::read_dir(&folder).with_context(|| format!("`{folder}` cannot be read"))?
    {
        // a thread may end meanwhile
        let Ok(stat) = std::fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        sum += stat
            .split_whitespace()
            .nth(2)
            .and_then(|field| field.parse::<u64>().ok())
            .unwrap_or(0);
    }
    Ok(sum)
}
