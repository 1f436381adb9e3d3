//! How the processes of a command are known again after their parents ended.
//!
//! Every command gets a line of environment that its descendants inherit, and this process adopts orphans
//! (`PR_SET_CHILD_SUBREAPER`), so a process that left its group and its session is found among this process's own children,
//! without a walk through the process table. What is adopted must also be reaped, or it stays a zombie.
//! The next worker ends what a killed one has left.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpgrp, getsid};
use tokio::sync::OnceCell;
use tracing::{info, warn};

use super::proc::{self, Stat, Table};

const NAME: &str = "FLOWMILL_PROCESS";

/// The line of environment that marks the processes of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    value: String,
}

impl Marker {
    /// One that no other command has.
    pub(super) fn next() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        static WORKER: LazyLock<String> = LazyLock::new(|| {
            let own = Pid::this();
            let started = proc::stat(own).map_or(0, |stat| stat.started);
            format!(
                "{}.{own}.{started}",
                proc::pid_namespace().unwrap_or_default()
            )
        });
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            value: format!("{}.{number}", *WORKER),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        NAME
    }

    pub(super) fn value(&self) -> &str {
        &self.value
    }

    pub(super) fn is_on(&self, pid: Pid) -> bool {
        proc::environment_has(pid, &format!("{NAME}={}", self.value))
    }
}

/// Once before the first command: begins to adopt orphans, and ends the commands of workers that are gone.
pub(super) async fn prepare() {
    static PREPARED: OnceCell<()> = OnceCell::const_new();
    let prepared = PREPARED.get_or_init(|| async {
        if let Err(error) = nix::sys::prctl::set_child_subreaper(true) {
            warn!(%error, "orphans of scripts cannot be adopted: one that leaves its process group may outlive its task");
        }
        // A failed join is a panic while reading `/proc`; the commands of this worker do not depend on it.
        let _ = tokio::task::spawn_blocking(end_commands_of_gone_workers).await;
    });
    prepared.await;
}

/// Kills what the commands of a killed worker have left on this machine: their tasks run again, and must not run twice at once.
fn end_commands_of_gone_workers() {
    let Some(namespace) = proc::pid_namespace() else {
        return;
    };
    let table = Table::read();
    let left = table
        .iter()
        .filter(|stat| !stat.zombie && is_of_gone_worker(stat, &namespace))
        .map(|stat| stat.pid);
    let left = table.with_descendants(left);
    if !left.is_empty() {
        info!(
            processes = left.len(),
            "ending scripts that a killed worker has left"
        );
    }
    for pid in left {
        let _ = kill(pid, Signal::SIGKILL);
    }
}

fn is_of_gone_worker(stat: &Stat, namespace: &str) -> bool {
    let Some(environment) = proc::environment(stat.pid) else {
        return false;
    };
    let marks = environment
        .split(|byte| *byte == 0)
        .filter_map(|line| std::str::from_utf8(line).ok());
    let mut values = marks.filter_map(|line| line.strip_prefix(NAME)?.strip_prefix('='));
    values.any(|value| {
        let mut parts = value.split('.');
        let (Some(found), Some(Ok(worker)), Some(Ok(started))) = (
            parts.next(),
            parts.next().map(str::parse),
            parts.next().map(str::parse::<u64>),
        ) else {
            return false;
        };
        // Another namespace's pids say nothing here: its worker may be alive in a container that this machine sees into.
        found == namespace
            && proc::stat(Pid::from_raw(worker)).is_none_or(|stat| stat.started != started)
    })
}

/// Takes the exit codes of adopted orphans that have ended, so that none stays a zombie. Children that this program started
/// itself are left to whoever waits for them.
pub(super) fn reap() {
    let (Ok(session), group) = (getsid(None), getpgrp()) else {
        return;
    };
    for pid in proc::main_thread_children().unwrap_or_default() {
        let Some(stat) = proc::stat(pid) else {
            continue;
        };
        if stat.zombie && is_adopted(&stat, session, group) {
            reap_one(pid);
        }
    }
}

/// Takes the exit code of an orphan that is known to be adopted, if it has ended.
pub(super) fn reap_one(pid: Pid) {
    let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
}

/// Whether a child can only be an orphan of a script. Nothing in this program starts a session, and what it starts is in the
/// program's own process group or leads one.
fn is_adopted(stat: &Stat, session: Pid, group: Pid) -> bool {
    stat.session != session || (stat.group != group && stat.group != stat.pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(pid: i32, group: i32, session: i32) -> Stat {
        let [pid, parent, group, session] = [pid, 1, group, session].map(Pid::from_raw);
        Stat {
            pid,
            parent,
            group,
            session,
            zombie: true,
            started: 0,
        }
    }

    #[test]
    fn a_child_that_this_program_may_have_started_is_not_reaped() {
        let adopted = |stat| is_adopted(&stat, Pid::from_raw(10), Pid::from_raw(20));
        assert!(
            !adopted(child(30, 20, 10)),
            "started in the program's group"
        );
        assert!(
            !adopted(child(30, 30, 10)),
            "started as the leader of a group"
        );
        assert!(adopted(child(30, 25, 10)), "left in a script's group");
        assert!(adopted(child(30, 30, 30)), "started its own session");
    }

    #[test]
    fn marks_differ() {
        assert_ne!(Marker::next(), Marker::next());
    }
}
