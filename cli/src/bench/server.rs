//! The server that is measured: this very binary, as a child process with its own data directory.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::http::Connection;
use super::process;

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running standalone server. Ends when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
}

/// What a server has cost since it was started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) at: Instant,
    pub(super) cpu: Duration,
    pub(super) fsyncs: u64,
}

impl Server {
    /// Starts one on this data directory, and waits until it answers.
    pub(super) async fn start(data_directory: &Path, log: &Path) -> anyhow::Result<Self> {
        let server = Self::spawn(data_directory, log)?;
        server.connect().await?;
        Ok(server)
    }

    /// Starts one without waiting for it.
    pub(super) fn spawn(data_directory: &Path, log: &Path) -> anyhow::Result<Self> {
        let address = free_address()?;
        let binary: PathBuf = std::env::current_exe().context("this binary is not to be found")?;
        let log = std::fs::File::create(log).context("the server's log cannot be written")?;
        let child = Command::new(binary)
            .args([
                "server",
                "standalone",
                "--port",
                &address.port().to_string(),
                "--data-dir",
            ])
            .arg(data_directory)
            .env("FLOWMILL_LOG_LEVEL", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("the server does not start")?;
        Ok(Self { child, address })
    }

    /// The first connection that is taken.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        let started = Instant::now();
        loop {
            match Connection::open(self.address).await {
                Ok(connection) => return Ok(connection),
                Err(error) if started.elapsed() > START_LIMIT => {
                    return Err(error).context("the server does not listen, see its log");
                }
                Err(_) => tokio::time::sleep(Duration::from_micros(500)).await,
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has cost so far.
    pub(super) async fn cost(&self, connection: &mut Connection) -> anyhow::Result<Cost> {
        let answer = connection
            .get("/prometheus")
            .await
            .context("the server does not tell its metrics")?;
        let text = String::from_utf8_lossy(&answer.body);
        let fsyncs = metric(&text, FSYNCS).unwrap_or(0.0) as u64;
        Ok(Cost {
            at: Instant::now(),
            cpu: process::cpu_time(self.pid())?,
            fsyncs,
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

impl Drop for Server {
    fn drop(&mut self) {
        self.terminate();
    }
}

/// What the store counts: one for each transaction that was made durable.
const FSYNCS: &str = "flowmill_store_transactions_total";

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
