//! The binary as a process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use flowmill_test_servers::Network;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::Api;

/// How long anything that must happen may take, on a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A command of the binary, in a clean environment.
pub(crate) fn flowmill(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowmill"));
    command
        .args(arguments)
        .env_remove("FLOWMILL_CONFIG")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// What a command that has ended said.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end.
pub(crate) fn run_to_end(command: &mut Command) -> Finished {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the binary starts");
    Finished {
        code: status.code(),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// How a server is started.
#[derive(Default)]
pub(crate) struct ServerOptions {
    /// What it does; everything, if nothing is said.
    pub(crate) roles: Option<&'static str>,
    /// Its data directory; a fresh one that goes away with the server, if there is none.
    pub(crate) data_directory: Option<PathBuf>,
    /// A folder of flows.
    pub(crate) flows: Option<PathBuf>,
    /// Configuration as YAML.
    pub(crate) config: Option<String>,
    /// Environment variables.
    pub(crate) environment: Vec<(String, String)>,
    /// The network that it is in; the machine's own, if there is none.
    pub(crate) network: Option<Arc<Network>>,
}

/// A server of a test. Ends when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) api: Api,
    pub(crate) data_directory: PathBuf,
    log: Receiver<String>,
    seen: Vec<String>,
    _scratch: TempDir,
}

impl Server {
    /// A server with nothing special.
    pub(crate) fn start() -> Self {
        Self::with(ServerOptions::default())
    }

    /// A server that listens: on a free port, which it tells.
    pub(crate) fn with(options: ServerOptions) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let data_directory = options
            .data_directory
            .clone()
            .unwrap_or_else(|| scratch.path().join("data"));
        let roles = options.roles.unwrap_or("standalone");
        let mut command = flowmill(["server", roles, "--port", "0", "--data-dir"]);
        command
            .arg(&data_directory)
            .env("FLOWMILL_LOG_FORMAT", "json");
        if let Some(flows) = &options.flows {
            command.arg("--flows").arg(flows);
        }
        if let Some(config) = &options.config {
            command
                .arg("--config")
                .arg(super::write(scratch.path(), "flowmill.yaml", config));
        }
        command.envs(options.environment);
        if let Some(network) = &options.network {
            command = network.inside(&command);
            command.stdin(Stdio::null());
        }
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = lines(&mut child);
        let mut server = Self {
            child,
            api: Api::new("127.0.0.1:0"),
            data_directory,
            log,
            seen: Vec::new(),
            _scratch: scratch,
        };
        let line = server.expect_log(r#""message":"listening""#);
        let line: serde_json::Value = serde_json::from_str(&line).expect("the log is JSON");
        server.api = Api::new(line["address"].as_str().expect("it says where"));
        server
    }

    /// Waits for a line of the log that holds this text.
    pub(crate) fn expect_log(&mut self, text: &str) -> String {
        if let Some(line) = self.seen.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        let until = Instant::now() + PATIENCE;
        loop {
            match self
                .log
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!(
                    "no log line with {text:?} in {PATIENCE:?}:\n{}",
                    self.seen.join("\n")
                ),
                Err(RecvTimeoutError::Disconnected) => panic!(
                    "the server ended without {text:?}:\n{}",
                    self.seen.join("\n")
                ),
            }
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Ends it as an operator does, and says how it ended.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        wait(&mut self.child)
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(mut self) {
        kill(self.pid(), Signal::SIGKILL).unwrap();
        wait(&mut self.child);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.seen.extend(self.log.try_iter());
            let from = self.seen.len().saturating_sub(50);
            eprintln!(
                "the server's log ends with:\n{}",
                self.seen[from..].join("\n")
            );
        }
    }
}

/// Waits for a process to end.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(
            Instant::now() < until,
            "process {} does not end",
            child.id()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Where a command may keep things by default, so that a test leaves nothing in the user's folders.
pub(crate) fn at_home(command: &mut Command, folder: &Path) {
    command.env("XDG_DATA_HOME", folder).env("HOME", folder);
}
