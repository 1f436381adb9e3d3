//! Random processes are killed, stopped and restarted under load, and so are RabbitMQ and Redis; the network of one worker is cut: nothing
//! is lost, nothing hangs, and what ran twice is told. `CHAOS_SECONDS` and `CHAOS_SEED` in the environment lengthen or repeat it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowmill_test_servers::{Network, or_skip};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::api::state;
use crate::harness::{Api, Cluster, Server, Servers};
use crate::marked::{CLIENTS, Load, counts, flow, post};

/// How long the short form takes.
const SECONDS: u64 = 20;

/// How long the undisturbed speed is measured.
const CALM: Duration = Duration::from_secs(3);

/// Leases short enough that a process that stands still for some seconds has lost its work.
const CONFIG: &str = "\
executor: {worker-lease-milliseconds: 3000}
worker: {lease: 2500ms, shutdown-grace: 5s}
";

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
    cluster.apis[0].api.save(&flow("chaos", &marks));
    let mut chaos = Chaos::new(cluster, network);
    let load = Load::start("chaos", chaos.addresses(), chaos.sustained() / 2.0);
    let until = Instant::now() + Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(SECONDS));
    while Instant::now() < until {
        chaos.go_on();
        load.is_known(chaos.addresses());
        std::thread::sleep(Duration::from_millis(10));
    }
    let (rate, accepted) = (load.rate, load.stop());
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
        "CHAOS_SEED={}: {} executions at {rate:.0}/s, {repeated} of them with a repeated task, all over {took:?} after the last of {:?}",
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

    fn addresses(&self) -> Vec<String> {
        let apis = self.cluster.apis.iter();
        apis.map(|server| server.api.address().to_owned()).collect()
    }

    /// How many executions a second end while nobody does any damage.
    fn sustained(&self) -> f64 {
        let since = Instant::now();
        let addresses = self.addresses();
        let clients = (0..CLIENTS).map(|number| {
            let api = Api::new(&addresses[number % addresses.len()]);
            std::thread::spawn(move || {
                let ended = std::iter::repeat_with(|| post(&api, "chaos", "?wait=true"));
                ended.take_while(|_| since.elapsed() < CALM).count()
            })
        });
        let clients: Vec<_> = clients.collect();
        let ended = clients.into_iter().map(|client| client.join().unwrap());
        ended.sum::<usize>() as f64 / since.elapsed().as_secs_f64()
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

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
