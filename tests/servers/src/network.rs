use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Missing;

/// A network namespace with one cable to this machine, which can be pulled: what is sent then gets lost, nobody is told.
#[derive(Debug)]
pub struct Network {
    name: String,
    /// This machine's end of the cable.
    cable: String,
    here: Ipv4Addr,
}

impl Network {
    /// Makes one. Needs root and the `ip` command.
    pub fn new() -> Result<Self, Missing> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        // four addresses each: one subnet of 10.213.0.0/16
        let subnet = (process.wrapping_mul(8).wrapping_add(number) % 16_384) * 4;
        let [high, low] = [(subnet >> 8) as u8, subnet as u8];
        let (here, there) = (
            Ipv4Addr::new(10, 213, high, low + 1),
            Ipv4Addr::new(10, 213, high, low + 2),
        );
        let name = format!("flowmill-{process}-{number}");
        let (cable, inner) = (
            format!("fm{process}.{number}a"),
            format!("fm{process}.{number}b"),
        );
        // dropped, and so removed, if a later step fails
        let network = Self { name, cable, here };
        let Self { name, cable, .. } = &network;
        ip(&["netns", "add", name])?;
        ip(&[
            "link", "add", cable, "type", "veth", "peer", "name", &inner, "netns", name,
        ])?;
        ip(&["address", "add", &format!("{here}/30"), "dev", cable])?;
        ip(&["link", "set", cable, "up"])?;
        ip(&[
            "-netns",
            name,
            "address",
            "add",
            &format!("{there}/30"),
            "dev",
            &inner,
        ])?;
        ip(&["-netns", name, "link", "set", &inner, "up"])?;
        ip(&["-netns", name, "link", "set", "lo", "up"])?;
        Ok(network)
    }

    /// This machine's address, as it is seen from inside.
    pub fn address(&self) -> Ipv4Addr {
        self.here
    }

    /// The same command with the same process id, but inside. Standard streams must be set anew.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside
            .args(["netns", "exec", &self.name])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// Pulls the cable.
    pub fn cut(&self) {
        ip(&["link", "set", &self.cable, "down"]).expect("there is such a link");
    }

    /// Plugs it in again.
    pub fn mend(&self) {
        ip(&["link", "set", &self.cable, "up"]).expect("there is such a link");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // the link may be missing if it could not be made
        let _ = ip(&["link", "delete", &self.cable]);
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), Missing> {
    let missing = |reason: String| Missing {
        server: "a network namespace",
        reason,
    };
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|error| missing(format!("the `ip` command does not start: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(missing(format!(
        "`ip {}` failed: {}",
        arguments.join(" "),
        said.trim()
    )))
}
