//! One server process: started so that it dies with the test, waited for until it answers, killed when dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::Missing;

/// A running server process and its children.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a command with its output in a file.
    pub(crate) fn start(mut command: Command, log: &Path) -> io::Result<Self> {
        let output = std::fs::File::options()
            .append(true)
            .create(true)
            .open(log)?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0);
        Ok(Self {
            child: spawn(command)?,
        })
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to it and its children.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = killpg(Pid::from_raw(self.child.id() as i32), signal);
    }

    /// Ends it at once, as if the machine lost power, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command that the kernel kills when this process dies, however it dies.
pub(crate) fn mortal(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .arg("--pdeathsig")
        .arg("KILL")
        .arg("--")
        .arg(program);
    command
}

/// The kernel looks at the death of the *thread* that started a process; a test's thread ends before the test's servers
/// may. So one thread, which never ends, starts them all.
fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, Sender<io::Result<Child>>);
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, received) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in received {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = channel();
    spawner
        .send((command, reply))
        .expect("the thread never ends");
    answer.recv().expect("the thread answers")
}

/// A port that nobody uses at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}

/// Waits until a port of this machine accepts connections.
pub(crate) fn wait_for_port(
    process: &mut Process,
    port: u16,
    patience: Duration,
    log: &Path,
) -> Result<(), String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    wait_until(process, patience, log, || {
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
    })
}

/// Waits until a condition holds while the process runs.
pub(crate) fn wait_until(
    process: &mut Process,
    patience: Duration,
    log: &Path,
    mut ready: impl FnMut() -> bool,
) -> Result<(), String> {
    let since = Instant::now();
    while !ready() {
        if !process.is_running() {
            return Err(format!("it ended: {}", tail(log)));
        }
        if since.elapsed() > patience {
            return Err(format!("it is not ready after {patience:?}: {}", tail(log)));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The program named by a variable, or found in one of the places or in the path.
pub(crate) fn find(
    server: &'static str,
    variable: &str,
    name: &str,
    places: &[&str],
) -> Result<PathBuf, Missing> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = places
        .iter()
        .map(PathBuf::from)
        .chain(std::env::split_paths(&in_path));
    let found = folders
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file());
    found.ok_or_else(|| {
        let reason = format!("`{name}` is not in the path and {variable} is not set (tests/servers/install.sh installs it)");
        Missing { server, reason }
    })
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
