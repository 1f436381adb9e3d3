//! What `/proc` tells about processes. Nothing here is atomic: a process may be gone before the next line reads it.

use std::collections::{HashMap, HashSet};

use nix::unistd::Pid;

/// One line of the process table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) group: Pid,
    pub(super) session: Pid,
    pub(super) zombie: bool,
    /// When it started, in clock ticks since the machine did: with the pid it names a process for good.
    pub(super) started: u64,
}

/// The process table.
#[derive(Debug)]
pub(super) struct Table(Vec<Stat>);

impl Table {
    /// Reads all of it; a few milliseconds on a busy machine.
    pub(super) fn read() -> Self {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids =
            entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw));
        Self(pids.filter_map(stat).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stat> {
        self.0.iter()
    }

    /// These processes and everything that descends from them; zombies are left out, not what descends from them.
    pub(super) fn with_descendants(&self, roots: impl IntoIterator<Item = Pid>) -> Vec<Pid> {
        let mut children: HashMap<Pid, Vec<&Stat>> = HashMap::new();
        for stat in &self.0 {
            children.entry(stat.parent).or_default().push(stat);
        }
        let roots: HashSet<Pid> = roots.into_iter().collect();
        let mut open: Vec<&Stat> = self
            .0
            .iter()
            .filter(|stat| roots.contains(&stat.pid))
            .collect();
        let (mut seen, mut alive) = (HashSet::new(), Vec::new());
        while let Some(stat) = open.pop() {
            if !seen.insert(stat.pid) {
                continue;
            }
            if !stat.zombie {
                alive.push(stat.pid);
            }
            open.extend(children.get(&stat.pid).into_iter().flatten());
        }
        alive
    }
}

/// The process's line; none: it is gone.
pub(super) fn stat(pid: Pid) -> Option<Stat> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(pid, &text)
}

/// The name of a process stands in parentheses and may hold anything, so fields count from the last one.
fn parse_stat(pid: Pid, text: &[u8]) -> Option<Stat> {
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&text[end + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse::<i32>().ok().map(Pid::from_raw);
    let (parent, group, session) = (number()?, number()?, number()?);
    let started = fields.nth(15)?.parse().ok()?;
    Some(Stat {
        pid,
        parent,
        group,
        session,
        zombie: matches!(state, "Z" | "X"),
        started,
    })
}

/// The children that hang on the main thread of this process: those that it started itself, and every orphan that it adopted.
/// None where the kernel does not tell.
pub(super) fn main_thread_children() -> Option<Vec<Pid>> {
    let own = std::process::id();
    let text = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).ok()?;
    Some(
        text.split_ascii_whitespace()
            .filter_map(|pid| pid.parse().ok().map(Pid::from_raw))
            .collect(),
    )
}

/// Whether the environment that a process was started with has this line (`NAME=value`).
pub(super) fn environment_has(pid: Pid, line: &str) -> bool {
    environment(pid).is_some_and(|lines| {
        lines
            .split(|byte| *byte == 0)
            .any(|found| found == line.as_bytes())
    })
}

/// The environment that a process was started with, lines ended by zero bytes; none: gone, a zombie, or another user's.
pub(super) fn environment(pid: Pid) -> Option<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/environ")).ok()
}

/// The namespace in which this process's pids mean something.
pub(super) fn pid_namespace() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let name = link.to_str()?;
    Some(
        name.trim_start_matches("pid:[")
            .trim_end_matches(']')
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_line_is_read_whatever_the_process_is_called() {
        let line = b"42 (a) b (c) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 100 200\n";
        let (pid, parent) = (Pid::from_raw(42), Pid::from_raw(7));
        let expected = Stat {
            pid,
            parent,
            group: Pid::from_raw(8),
            session: Pid::from_raw(9),
            zombie: false,
            started: 12345,
        };
        assert_eq!(parse_stat(pid, line), Some(expected));
        assert_eq!(parse_stat(pid, b"42 (half"), None);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = Pid::this();
        assert!(Table::read().iter().any(|stat| stat.pid == own));
        assert!(
            Table::read()
                .with_descendants([Pid::parent()])
                .contains(&own)
        );
    }
}
