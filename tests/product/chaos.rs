//! Random processes are killed, stopped and restarted under load, and so are RabbitMQ and Redis; the network of one worker is cut: nothing
//! is lost, nothing hangs, and what ran twice is told. `CHAOS_SECONDS` and `CHAOS_SEED` in the environment lengthen or repeat it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flowmill_test_servers::{Network, or_skip};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;

use crate::harness::api::state;
use crate::harness::process::PATIENCE;
use crate::harness::{Api, Cluster, Server, Servers};

/// How long the short form takes.
const SECONDS: u64 = 20;

/// Leases short enough that a process that stands still for some seconds has lost its work.
const CONFIG: &str = "\
executor: {worker-lease-milliseconds: 3000}
worker: {lease: 2500ms, shutdown-grace: 5s}
";

/// The script leaves its mark outside of flowmill.
fn flow(marks: &Path) -> String {
    format!(
        "\
id: marked
namespace: chaos
tasks:
  - {{id: begin, type: io.kestra.plugin.core.debug.Return, format: x}}
  - id: mark
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {{type: io.kestra.plugin.core.runner.Process}}
    commands: ['echo {{{{ execution.id }}}} >> {}']
  - {{id: end, type: io.kestra.plugin.core.debug.Return, format: '{{{{ outputs.begin.value }}}}'}}
",
        marks.display()
    )
}

/// How often each execution has left its mark.
fn counts(marks: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in std::fs::read_to_string(marks).unwrap_or_default().lines() {
        *counts.entry(line.trim().to_owned()).or_default() += 1;
    }
    counts
}

/// Starts an execution; none when this API is not there, or does not say whether it did.
fn try_start(api: &Api) -> Option<String> {
    let body = Some(("text/plain", Vec::new()));
    let answer = api
        .try_call(Method::POST, "/api/v1/executions/chaos/marked", body)
        .ok()?;
    (answer.status == 200).then(|| answer.json()["id"].as_str().unwrap().to_owned())
}

#[test]
fn any_process_may_die_at_any_time() {
    let Some(network) = or_skip(Network::new()).map(Arc::new) else {
        return;
    };
    let Some(servers) = Servers::reached_from(&network) else {
        return;
    };
    let cluster = Cluster::over(servers, "chaos", CONFIG, &[]).start(2, 2, 2);
    let scratch = tempfile::tempdir().unwrap();
    let marks = scratch.path().join("marks");
    cluster.apis[0].api.save(&flow(&marks));
    let mut chaos = Chaos::new(cluster, network);
    let until = Instant::now() + Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(SECONDS));
    let mut accepted = Vec::new();
    while Instant::now() < until {
        let number = chaos.random(chaos.cluster.apis.len());
        accepted.extend(try_start(&chaos.cluster.apis[number].api));
        chaos.go_on();
    }
    chaos.calm_down();
    let calm = Instant::now();
    let api = &chaos.cluster.apis[0].api;
    for id in &accepted {
        let execution = api.wait(id);
        assert_eq!(
            state(&execution),
            "SUCCESS",
            "seed {}: {execution:#}\n{}",
            chaos.seed,
            api.log(id)
        );
    }
    let took = calm.elapsed();
    let counts = counts(&marks);
    let mut repeated = 0;
    for id in &accepted {
        let count = counts.get(id).copied().unwrap_or_default();
        assert!(count >= 1, "seed {}: {id} left no mark", chaos.seed);
        if count > 1 {
            repeated += 1;
            let log = api.log(id);
            assert!(
                log.contains("runs again"),
                "seed {}: the task of {id} ran {count} times:\n{log}",
                chaos.seed
            );
        }
    }
    println!(
        "CHAOS_SEED={}: {} executions, {repeated} of them with a repeated task, all over {took:?} after the last of {:?}",
        chaos.seed,
        accepted.len(),
        chaos.done
    );
    assert!(!accepted.is_empty());
}

/// Who does the damage.
struct Chaos {
    cluster: Cluster,
    /// Where the worker is that can be cut off.
    network: Arc<Network>,
    remote: Server,
    cut_until: Option<Instant>,
    seed: u64,
    chance: u64,
    next: Instant,
    stopped: Vec<(Instant, Pid)>,
    /// How often what was done.
    done: BTreeMap<&'static str, u32>,
}

impl Chaos {
    fn new(cluster: Cluster, network: Arc<Network>) -> Self {
        let seed = number("CHAOS_SEED").unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(1, |now| now.subsec_nanos().into())
        });
        eprintln!("CHAOS_SEED={seed}");
        Self {
            remote: cluster.inside(&network, "worker"),
            cluster,
            network,
            cut_until: None,
            seed,
            chance: seed,
            next: Instant::now() + Duration::from_secs(1),
            stopped: Vec::new(),
            done: BTreeMap::new(),
        }
    }

    /// Below `bound`; the same for the same seed (SplitMix64).
    fn random(&mut self, bound: usize) -> usize {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }

    /// Does the next thing if it is time.
    fn go_on(&mut self) {
        let now = Instant::now();
        self.stopped.retain(|(until, pid)| {
            let is_over = *until <= now;
            if is_over {
                // it may have been killed meanwhile
                let _ = kill(*pid, Signal::SIGCONT);
            }
            !is_over
        });
        if self.cut_until.is_some_and(|until| until <= now) {
            self.mend();
        }
        if now < self.next {
            return;
        }
        let what = match self.random(24) {
            0..=3 => self.kill("executor"),
            4..=8 => self.kill("worker"),
            9..=10 => self.kill("api"),
            11..=12 => self.stop("executor"),
            13..=16 => self.stop("worker"),
            17..=20 => self.cut(),
            21 => {
                self.mend(); // or its successor could not start
                self.remote = self.cluster.inside(&self.network, "worker");
                "killed the remote worker"
            }
            22 => {
                self.cluster.servers.redis.lock().unwrap().restart();
                "restarted Redis"
            }
            _ => {
                self.cluster.servers.rabbitmq.lock().unwrap().restart();
                "restarted RabbitMQ"
            }
        };
        *self.done.entry(what).or_default() += 1;
        let pause = 200 + self.random(800) as u64;
        self.next = Instant::now() + Duration::from_millis(pause);
    }

    fn of(&mut self, role: &str) -> &mut Vec<Server> {
        match role {
            "executor" => &mut self.cluster.executors,
            "worker" => &mut self.cluster.workers,
            _ => &mut self.cluster.apis,
        }
    }

    /// Kills one and starts another in its place.
    fn kill(&mut self, role: &'static str) -> &'static str {
        let count = self.of(role).len();
        let number = self.random(count);
        self.of(role).remove(number).kill();
        let successor = self.cluster.process(role);
        self.of(role).push(successor);
        match role {
            "executor" => "killed an executor",
            "worker" => "killed a worker",
            _ => "killed an API",
        }
    }

    /// Makes one stand still for a while.
    fn stop(&mut self, role: &'static str) -> &'static str {
        let count = self.of(role).len();
        let number = self.random(count);
        let pid = self.of(role)[number].pid();
        let pause = Duration::from_millis(500 + self.random(5000) as u64);
        kill(pid, Signal::SIGSTOP).unwrap();
        self.stopped.push((Instant::now() + pause, pid));
        match role {
            "executor" => "stopped an executor",
            _ => "stopped a worker",
        }
    }

    /// Cuts a worker off from everything for a while.
    fn cut(&mut self) -> &'static str {
        let pause = Duration::from_millis(500 + self.random(8000) as u64);
        self.network.cut();
        self.cut_until = Some(Instant::now() + pause);
        "cut off a worker"
    }

    fn mend(&mut self) {
        self.network.mend();
        self.cut_until = None;
    }

    fn calm_down(&mut self) {
        self.mend();
        for (_, pid) in self.stopped.drain(..) {
            let _ = kill(pid, Signal::SIGCONT);
        }
    }
}

#[test]
fn a_rolling_restart_fails_nothing_and_stops_nothing() {
    let Some(cluster) = Cluster::new("rolling", "", &[]) else {
        return;
    };
    let mut cluster = cluster.start(2, 2, 2);
    let scratch = tempfile::tempdir().unwrap();
    let marks = scratch.path().join("marks");
    cluster.apis[0].api.save(&flow(&marks));
    let addresses = |cluster: &Cluster| -> Vec<String> {
        let apis = cluster.apis.iter();
        apis.map(|server| server.api.address().to_owned()).collect()
    };
    let known = Arc::new(Mutex::new(addresses(&cluster)));
    let is_over = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..3)
        .map(|_| {
            let (known, is_over) = (known.clone(), is_over.clone());
            std::thread::spawn(move || run_until(&is_over, &known))
        })
        .collect();
    for _ in 0..2 {
        for role in ["executor", "worker", "api"] {
            let successor = cluster.process(role);
            let servers = match role {
                "executor" => &mut cluster.executors,
                "worker" => &mut cluster.workers,
                _ => &mut cluster.apis,
            };
            servers.push(successor);
            let predecessor = servers.remove(0);
            *known.lock().unwrap() = addresses(&cluster);
            assert!(predecessor.terminate().success(), "{role}");
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let mut ends: Vec<(Instant, String)> = load
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    ends.sort();
    let gap = ends
        .windows(2)
        .map(|pair| pair[1].0 - pair[0].0)
        .max()
        .unwrap_or_default();
    println!(
        "rolling restart of 6 processes: {} executions, longest time without an end {gap:?}",
        ends.len()
    );
    let counts = counts(&marks);
    for (_, id) in &ends {
        assert_eq!(counts.get(id), Some(&1), "{id}");
    }
    assert!(gap < Duration::from_secs(10), "{gap:?}");
}

/// Runs one execution after the other, and says when which ended. Goes to another API when one does not answer.
fn run_until(is_over: &AtomicBool, known: &Mutex<Vec<String>>) -> Vec<(Instant, String)> {
    let mut ends = Vec::new();
    let mut number = 0;
    let mut next = || {
        let known = known.lock().unwrap();
        number += 1;
        Api::new(&known[number % known.len()])
    };
    let mut api = next();
    while !is_over.load(Ordering::Relaxed) {
        let Some(id) = try_start(&api) else {
            api = next();
            continue;
        };
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "execution {id} hangs");
            let path = format!("/api/v1/executions/{id}");
            // asked for right after its creation, it may not be stored yet
            match api.try_call(Method::GET, &path, None) {
                Ok(answer) if answer.status == 200 => {
                    let execution = answer.json();
                    match state(&execution) {
                        "SUCCESS" => break,
                        "CREATED" | "RUNNING" => {}
                        _ => panic!("{execution:#}"),
                    }
                }
                Ok(answer) if answer.status == 404 => {}
                Ok(_) | Err(_) => api = next(),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        ends.push((Instant::now(), id));
    }
    ends
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
