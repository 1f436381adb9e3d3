use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::Missing;
use crate::process::{Process, find, free_port, mortal, wait_for_port, wait_until};

const NAME: &str = "Redis";
const PATIENCE: Duration = Duration::from_secs(20);

/// A private Redis (or Valkey) server with append-only persistence.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    arguments: Vec<String>,
    process: Option<Process>,
    folder: TempDir,
}

impl Redis {
    /// Starts one.
    pub fn start() -> Result<Self, Missing> {
        Self::with(&[])
    }

    /// Starts one with further settings, as on redis-server's command line: `["--requirepass", "secret"]`.
    pub fn with(arguments: &[&str]) -> Result<Self, Missing> {
        find(NAME, "FLOWMILL_REDIS", "redis-server", &[])?;
        let failed = |reason: String| Missing {
            server: NAME,
            reason,
        };
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let arguments = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        let mut redis = Self {
            port: free_port(),
            arguments,
            process: None,
            folder,
        };
        redis.launch().map_err(failed)?;
        Ok(redis)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address without credentials.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it as if the machine lost power; what the append-only file has is kept for [`Redis::restart`].
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port with the same data.
    pub fn restart(&mut self) {
        self.process = None;
        self.launch().expect("it ran before");
    }

    /// Stops it from answering, as a network cut would, until [`Redis::resume`].
    pub fn pause(&self) {
        self.process
            .iter()
            .for_each(|process| process.signal(Signal::SIGSTOP));
    }

    /// Lets it answer again.
    pub fn resume(&self) {
        self.process
            .iter()
            .for_each(|process| process.signal(Signal::SIGCONT));
    }

    /// Opens a port with TLS as well (it must have been started with a certificate), and says which.
    pub fn enable_tls(&self) -> u16 {
        let port = free_port();
        self.command(&["config", "set", "tls-port", &port.to_string()]);
        port
    }

    /// What `redis-cli` prints for a command.
    pub fn command(&self, arguments: &[&str]) -> String {
        cli(self.port, arguments)
    }

    fn launch(&mut self) -> Result<(), String> {
        let program =
            find(NAME, "FLOWMILL_REDIS", "redis-server", &[]).map_err(|missing| missing.reason)?;
        let log = self.folder.path().join("log");
        let mut command = mortal(program);
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "yes",
            "--daemonize",
            "no",
        ]);
        command
            .arg("--port")
            .arg(self.port.to_string())
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.arguments);
        let mut process = Process::start(command, &log).map_err(|error| error.to_string())?;
        wait_for_port(&mut process, self.port, PATIENCE, &log)?;
        wait_until(&mut process, PATIENCE, &log, || {
            !cli(self.port, &["ping"]).contains("LOADING")
        })?;
        self.process = Some(process);
        Ok(())
    }
}

/// A Redis cluster of three masters.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts one.
    pub fn start() -> Result<Self, Missing> {
        let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        let nodes = (0..3)
            .map(|_| Redis::with(&settings))
            .collect::<Result<Vec<_>, _>>()?;
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create", "--cluster-yes"]);
        create.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
        let failed = |reason: String| Missing {
            server: "Redis cluster",
            reason,
        };
        let created = create.output().map_err(|error| failed(error.to_string()))?;
        if !created.status.success() {
            return Err(failed(
                String::from_utf8_lossy(&created.stdout).into_owned(),
            ));
        }
        let mut cluster = Self { nodes };
        for node in &mut cluster.nodes {
            let (port, log) = (node.port, node.folder.path().join("log"));
            let process = node.process.as_mut().expect("it was started");
            let agreed = || cli(port, &["cluster", "info"]).contains("cluster_state:ok");
            wait_until(process, PATIENCE, &log, agreed).map_err(failed)?;
        }
        Ok(cluster)
    }

    /// The addresses of its nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// Its nodes.
    pub fn nodes(&mut self) -> &mut [Redis] {
        &mut self.nodes
    }
}

fn cli(port: u16, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .arg("-p")
        .arg(port.to_string())
        .args(arguments)
        .output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}
