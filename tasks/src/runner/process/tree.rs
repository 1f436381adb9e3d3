//! All processes of one command, and their end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::time::Instant;

use super::orphans::{self, Marker};
use super::proc::{self, Table};

/// The processes of one command: the one that was started, its descendants, its group, and what fled from both.
/// Dropped before [`Tree::release`], it kills them all.
#[derive(Debug)]
pub(super) struct Tree {
    main: Pid,
    marker: Marker,
    working_directory: PathBuf,
    released: bool,
}

/// Killed processes end as soon as the kernel gets to them; one that hangs in a device or a dead file system may never.
const END_OF_THE_KILLED: Duration = Duration::from_secs(5);

impl Tree {
    /// The processes of the command whose first process leads its own group.
    pub(super) fn new(main: Pid, marker: Marker, working_directory: &Path) -> Self {
        // Links of `/proc` show real paths.
        let real = working_directory
            .canonicalize()
            .unwrap_or_else(|_| working_directory.to_owned());
        Self {
            main,
            marker,
            working_directory: real,
            released: false,
        }
    }

    /// The process that was started first.
    pub(super) fn main(&self) -> Pid {
        self.main
    }

    /// Sends a signal to all of them; gives how many there were.
    pub(super) fn signal(&self, signal: Signal) -> usize {
        let alive = self.alive();
        // The group first, in one call: nothing in it can fork away in between.
        let _ = killpg(self.main, signal);
        for pid in &alive {
            let _ = kill(*pid, signal);
        }
        alive.len()
    }

    /// Whether something is left after the first process has been waited for; a few microseconds where nothing is.
    pub(super) fn has_leftovers(&self) -> bool {
        if killpg(self.main, None).is_ok() {
            // A zombie keeps its group, too.
            orphans::reap();
            if killpg(self.main, None).is_ok() {
                return true;
            }
        }
        match proc::main_thread_children() {
            Some(children) => children
                .into_iter()
                .any(|child| self.is_ours_by_trace(child)),
            None => !self.alive().is_empty(),
        }
    }

    /// Ends all of them: asks, gives them until `grace` is over, then kills. True: none is left.
    pub(super) async fn end(&self, grace: Duration) -> bool {
        self.signal(Signal::SIGTERM);
        if self.wait_until_none(grace, None).await {
            return true;
        }
        self.wait_until_none(END_OF_THE_KILLED, Some(Signal::SIGKILL))
            .await
    }

    /// Nothing needs to be ended any more.
    pub(super) fn release(mut self) {
        self.released = true;
        orphans::reap();
    }

    /// Waits for processes that are not this one's children, which no event announces. A signal is sent each time again, since
    /// what is killed may have forked just before.
    async fn wait_until_none(&self, longest: Duration, signal: Option<Signal>) -> bool {
        let deadline = Instant::now() + longest;
        let mut pause = Duration::from_millis(1);
        loop {
            let left = match signal {
                Some(signal) => self.signal(signal),
                None => self.alive().len(),
            };
            if left == 0 {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(pause.min(deadline - Instant::now())).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// All of them that live, by the whole process table. Adopted ones that have ended are reaped on the way.
    fn alive(&self) -> Vec<Pid> {
        let table = Table::read();
        let own = Pid::this();
        let adopts =
            nix::sys::prctl::get_child_subreaper().unwrap_or(false) || own == Pid::from_raw(1);
        let is_root = |stat: &proc::Stat| {
            if stat.pid == self.main || stat.group == self.main {
                return true;
            }
            (stat.parent == own || !adopts)
                && stat.pid != own
                && !stat.zombie
                && self.is_ours_by_trace(stat.pid)
        };
        for stat in table
            .iter()
            .filter(|stat| stat.zombie && stat.parent == own && stat.group == self.main)
        {
            if stat.pid != self.main {
                orphans::reap_one(stat.pid);
            }
        }
        table.with_descendants(
            table
                .iter()
                .filter(|stat| is_root(stat))
                .map(|stat| stat.pid),
        )
    }

    /// Whether a process shows that it came from the command: by its environment or, where it was emptied, by its folder.
    fn is_ours_by_trace(&self, pid: Pid) -> bool {
        if pid == self.main {
            return false;
        }
        let is_in_folder = || {
            let folder = std::fs::read_link(format!("/proc/{pid}/cwd"));
            folder.is_ok_and(|folder| folder.starts_with(&self.working_directory))
        };
        self.marker.is_on(pid) || is_in_folder()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.released {
            // Whoever dropped the run does not wait: no grace. A second pass gets what was forked during the first.
            for _ in 0..3 {
                if self.signal(Signal::SIGKILL) == 0 {
                    break;
                }
            }
        }
    }
}
