use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::Missing;
use crate::process::{Process, find, free_port, mortal, wait_for_port};

const NAME: &str = "RabbitMQ";
/// Erlang takes its time, the more so on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The scripts themselves: the wrappers in the path insist on the user `rabbitmq`.
const SCRIPTS: [&str; 2] = ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin"];

/// A private RabbitMQ broker (user `guest`, password `guest`, virtual host `/`).
#[derive(Debug)]
pub struct RabbitMq {
    port: u16,
    distribution_port: u16,
    name_port: u16,
    process: Option<Process>,
    folder: TempDir,
}

impl RabbitMq {
    /// Starts one.
    pub fn start() -> Result<Self, Missing> {
        Self::start_also_on(&[])
    }

    /// Starts one that listens on these addresses, too.
    pub fn start_also_on(addresses: &[Ipv4Addr]) -> Result<Self, Missing> {
        find(NAME, "FLOWMILL_RABBITMQ", "rabbitmq-server", &SCRIPTS)?;
        let failed = |reason: String| Missing {
            server: NAME,
            reason,
        };
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let ports = [free_port(), free_port(), free_port()];
        let mut broker = Self {
            port: ports[0],
            distribution_port: ports[1],
            name_port: ports[2],
            process: None,
            folder,
        };
        let mut configuration = format!(
            "listeners.tcp.1 = 127.0.0.1:{}\nloopback_users = none\ndisk_free_limit.absolute = 1MB\nlog.console = false\n\
             heartbeat = 10\nvm_memory_high_watermark.absolute = 2GB\n",
            broker.port
        );
        for (number, address) in (2..).zip(addresses) {
            let port = broker.port;
            configuration += &format!("listeners.tcp.{number} = {address}:{port}\n");
        }
        std::fs::write(broker.folder.path().join("rabbitmq.conf"), configuration)
            .and_then(|()| std::fs::write(broker.folder.path().join("plugins"), "[].\n"))
            .map_err(|error| failed(error.to_string()))?;
        broker.launch().map_err(failed)?;
        Ok(broker)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address with the credentials of `guest`.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// What `rabbitmqctl` prints for a command.
    pub fn control(&self, arguments: &[&str]) -> String {
        let Ok(script) = script("rabbitmqctl") else {
            return String::new();
        };
        let mut command = Command::new(script);
        self.environment(&mut command);
        let output = command
            .arg("-q")
            .args(arguments)
            .output()
            .expect("rabbitmqctl runs");
        let [out, err] = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        out + &err
    }

    /// Ends all connections, as an operator could.
    pub fn close_connections(&self) {
        self.control(&["close_all_connections", "test"]);
    }

    /// Makes it refuse publishers, as when its memory is full.
    pub fn block(&self) {
        self.control(&["set_vm_memory_high_watermark", "absolute", "1"]);
    }

    /// Lets it take messages again.
    pub fn unblock(&self) {
        self.control(&["set_vm_memory_high_watermark", "absolute", "2GB"]);
    }

    /// Kills it as if the machine lost power.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port with the same data.
    pub fn restart(&mut self) {
        self.process = None;
        self.launch().expect("it ran before");
    }

    /// Stops it from answering, as a network cut would, until [`RabbitMq::resume`].
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

    fn launch(&mut self) -> Result<(), String> {
        let log = self.folder.path().join("console.log");
        let mut command = mortal(script("rabbitmq-server").map_err(|missing| missing.reason)?);
        self.environment(&mut command);
        // Makes the script become the broker, so that a signal to it reaches the broker.
        command.env("RABBITMQ_ALLOW_INPUT", "true");
        let mut process = Process::start(command, &log).map_err(|error| error.to_string())?;
        wait_for_port(&mut process, self.port, PATIENCE, &log)?;
        self.process = Some(process);
        Ok(())
    }

    fn environment(&self, command: &mut Command) {
        let folder = self.folder.path();
        command
            .env("HOME", folder)
            .env("ERL_EPMD_PORT", self.name_port.to_string())
            .env(
                "RABBITMQ_NODENAME",
                format!("flowmill{}@localhost", self.port),
            )
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            // No shell, and no spinning: the machine is shared with the tests.
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-noinput +sbwt none +sbwtdcpu none +sbwtdio none",
            );
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.process = None;
        // The name server that Erlang started beside it.
        let mut command = Command::new("epmd");
        let _ = command
            .arg("-port")
            .arg(self.name_port.to_string())
            .arg("-kill")
            .output();
    }
}

fn script(name: &str) -> Result<PathBuf, Missing> {
    find(NAME, "FLOWMILL_RABBITMQ", "rabbitmq-server", &SCRIPTS)
        .map(|server| server.with_file_name(name))
}
