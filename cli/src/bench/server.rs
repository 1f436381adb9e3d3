//! The server that is measured: this very binary, as a child process with its own data directory, or as several over shared backends.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::http::Connection;
use super::process;

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running server. Ends when dropped.
pub(super) struct Server {
    /// The process that answers.
    process: Process,
    /// Those that work for it, where there are several.
    others: Vec<Process>,
    /// Processes that are not ours and are counted as well, by name: a broker.
    counted: Vec<(String, u32)>,
    pub(super) address: SocketAddr,
}

/// One process of ours.
struct Process {
    role: &'static str,
    child: Child,
    address: SocketAddr,
}

/// How a server of several processes is made.
#[derive(Clone, Debug)]
pub(super) struct Distributed {
    /// The configuration that names the backends.
    pub(super) config: PathBuf,
    /// How many of each.
    pub(super) executors: usize,
    pub(super) workers: usize,
    /// The slots of each worker, if not as configured.
    pub(super) slots: Option<u16>,
    /// What is configured.
    pub(super) queues: Queues,
    /// Processes that are not ours and are counted as well.
    pub(super) counted: Vec<(String, u32)>,
}

/// How RabbitMQ keeps messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queues {
    Quorum,
    Classic,
}

/// What a server has cost since it was started.
#[derive(Clone, Debug)]
pub(super) struct Cost {
    pub(super) at: Instant,
    /// Of all processes of ours.
    pub(super) cpu: Duration,
    /// Of each role, and of what else is counted, where there are several processes.
    pub(super) each: Vec<(String, Duration)>,
    pub(super) fsyncs: u64,
    /// Messages that were published, and requests to the store, where these are servers.
    pub(super) published: u64,
    pub(super) requests: u64,
}

impl Server {
    /// Starts one on this data directory, and waits until it answers.
    pub(super) async fn start(
        data_directory: &Path,
        log: &Path,
        distributed: Option<&Distributed>,
    ) -> anyhow::Result<Self> {
        let server = match distributed {
            None => Self::spawn(data_directory, log)?,
            Some(distributed) => Self::several(distributed, data_directory, log)?,
        };
        server.connect().await?;
        for other in &server.others {
            connect(other.address).await?;
        }
        Ok(server)
    }

    /// Starts several over the same backends, with names there that nobody else uses.
    fn several(
        distributed: &Distributed,
        data_directory: &Path,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let name = format!("bench-{}", uuid::Uuid::new_v4().simple());
        std::fs::create_dir_all(data_directory).context("no folder can be made for the data")?;
        let start = |role, number: usize| {
            let mut command = Command::new(this_binary()?);
            command
                .args(["server", role, "--config"])
                .arg(&distributed.config)
                .env("FLOWMILL_STORE_REDIS_PREFIX", &name)
                .env("FLOWMILL_QUEUE_RABBITMQ_PREFIX", &name)
                .env("FLOWMILL_FILES_S3_PREFIX", &name);
            if let Some(slots) = distributed.slots {
                command.env("FLOWMILL_WORKER_SLOTS", slots.to_string());
            }
            let data_directory = data_directory.join(format!("{role}-{number}"));
            let log = log.with_extension(format!("{role}-{number}.log"));
            Process::spawn(role, command, &data_directory, &log)
        };
        let mut others = Vec::new();
        for number in 0..distributed.executors.max(1) {
            others.push(start("executor", number)?);
        }
        for number in 0..distributed.workers.max(1) {
            others.push(start("worker", number)?);
        }
        let process = start("api", 0)?;
        Ok(Self {
            address: process.address,
            process,
            others,
            counted: distributed.counted.clone(),
        })
    }

    /// Starts one without waiting for it.
    pub(super) fn spawn(data_directory: &Path, log: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(this_binary()?);
        command.args(["server", "standalone"]);
        let process = Process::spawn("standalone", command, data_directory, log)?;
        Ok(Self {
            address: process.address,
            process,
            others: Vec::new(),
            counted: Vec::new(),
        })
    }

    /// The first connection that is taken.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        connect(self.address).await
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// What it has cost so far.
    pub(super) async fn cost(&self, connection: &mut Connection) -> anyhow::Result<Cost> {
        let answer = connection
            .get("/prometheus")
            .await
            .context("the server does not tell its metrics")?;
        let mut text = String::from_utf8_lossy(&answer.body).into_owned();
        let mut each = vec![(self.process.role.to_owned(), process::cpu_time(self.pid())?)];
        for other in &self.others {
            let answer = connect(other.address).await?.get("/metrics").await?;
            text.push_str(&String::from_utf8_lossy(&answer.body));
            each.push((other.role.to_owned(), process::cpu_time(other.child.id())?));
        }
        let sum = |name| metric(&text, name).unwrap_or(0.0) as u64;
        let cpu = each.iter().map(|(_, cpu)| *cpu).sum();
        for (name, pid) in &self.counted {
            each.push((name.clone(), process::cpu_time(*pid)?));
        }
        let is_alone = self.others.is_empty();
        Ok(Cost {
            at: Instant::now(),
            cpu,
            each: if is_alone { Vec::new() } else { each },
            fsyncs: sum(FSYNCS),
            published: sum(PUBLISHED),
            requests: sum(REQUESTS),
        })
    }

    /// Saves a flow.
    pub(super) async fn save(
        &self,
        connection: &mut Connection,
        source: &str,
    ) -> anyhow::Result<()> {
        let answer = connection
            .post("/api/v1/flows", Some(("application/x-yaml", source)))
            .await?;
        if answer.status >= 300 {
            bail!(
                "the server refuses a flow of the benchmark: {}",
                String::from_utf8_lossy(&answer.body)
            );
        }
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        self.terminate();
        Ok(())
    }

    fn terminate(&mut self) {
        self.process.terminate();
        self.others.iter_mut().for_each(Process::terminate);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.terminate();
    }
}

impl Process {
    /// Starts a command with a free port, this data directory and this log.
    fn spawn(
        role: &'static str,
        mut command: Command,
        data_directory: &Path,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let log = std::fs::File::create(log).context("the server's log cannot be written")?;
        let child = command
            .args(["--port", &address.port().to_string(), "--data-dir"])
            .arg(data_directory)
            .env("FLOWMILL_LOG_LEVEL", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("the server does not start")?;
        Ok(Self {
            role,
            child,
            address,
        })
    }

    fn terminate(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn this_binary() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this binary is not to be found")
}

/// The first connection that is taken.
async fn connect(address: SocketAddr) -> anyhow::Result<Connection> {
    let started = Instant::now();
    loop {
        match Connection::open(address).await {
            Ok(connection) => return Ok(connection),
            Err(error) if started.elapsed() > START_LIMIT => {
                return Err(error).context("the server does not listen, see its log");
            }
            Err(_) => tokio::time::sleep(Duration::from_micros(500)).await,
        }
    }
}

/// What the store counts: one for each transaction that was made durable.
const FSYNCS: &str = "flowmill_store_transactions_total";
/// What a queue counts: each message that was published and confirmed.
const PUBLISHED: &str = "flowmill_queue_published_total";
/// What a store that is a server counts: each round trip.
const REQUESTS: &str = "flowmill_store_requests_total";

/// The sum of a metric over its labels.
fn metric(text: &str, name: &str) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let rest = if rest.starts_with('{') {
            rest.split_once('}')?.1
        } else {
            rest
        };
        rest.strip_prefix(' ')?
            .split_whitespace()
            .next()?
            .parse::<f64>()
            .ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        let text = "# TYPE x_total counter\nx_total{a=\"1\"} 2\nx_total{a=\"2\"} 3.5\nx_total_more 9\ny 1\n";
        assert_eq!(metric(text, "x_total"), Some(5.5));
        assert_eq!(metric(text, "y"), Some(1.0));
        assert_eq!(metric(text, "z"), None);
    }
}
