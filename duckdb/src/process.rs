//! What the child arranges with the operating system: whom it dies with, where its answer goes, who is ended first when
//! memory runs out.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// The exit status of a child whose worker is gone; nobody is left to see it.
const ORPHANED: i32 = 3;
/// How often a kernel without pidfds (before Linux 5.3) is asked who the parent is.
const FALLBACK_PERIOD: Duration = Duration::from_secs(1);

/// Ends this process as soon as `parent`, which must be its parent, is gone.
///
/// Not by `PR_SET_PDEATHSIG`: that fires when the *thread* that started this process ends, and the worker's runtime ends idle
/// threads at will.
pub(crate) fn end_with_parent(parent: u32) {
    let file_descriptor = pidfd_of(parent);
    // Looked at after the pidfd was opened, so that a parent that died before it cannot have been missed.
    if parent_id() != parent {
        exit_now(ORPHANED);
    }
    std::thread::spawn(move || {
        match file_descriptor {
            Some(file_descriptor) => wait_until_readable(file_descriptor),
            None => {
                while parent_id() == parent {
                    std::thread::sleep(FALLBACK_PERIOD);
                }
            }
        }
        exit_now(ORPHANED);
    });
}

/// Keeps standard output for the answer: gives it to the caller, and lets everything else that prints there (DuckDB's
/// profiler and progress bar do) print to standard error.
pub(crate) fn claim_stdout() -> io::Result<File> {
    let stdout = io::stdout();
    let answer = File::from(stdout.as_fd().try_clone_to_owned()?);
    // SAFETY: both are open descriptors of this process; the old number 1 was copied before it is replaced.
    let replaced = unsafe { libc::dup2(io::stderr().as_raw_fd(), stdout.as_raw_fd()) };
    if replaced < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(answer)
    }
}

/// Offers this process to the kernel as the one to end when memory runs out, before the worker and its other tasks. Where
/// there is no such thing, nothing happens.
pub(crate) fn volunteer_for_oom_killer() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// The most memory that this process had resident, in bytes; 0 if unknown.
pub(crate) fn peak_memory_bytes() -> u64 {
    // SAFETY: all zero bytes are a `rusage`; the call fills it.
    let (state, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::getrusage(libc::RUSAGE_SELF, &mut usage), usage)
    };
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    match state {
        0 => u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit,
        _ => 0,
    }
}

fn parent_id() -> u32 {
    std::os::unix::process::parent_id()
}

/// A descriptor that becomes readable when the process ends. It is meant to stay open for good.
#[cfg(target_os = "linux")]
fn pidfd_of(process: u32) -> Option<i32> {
    // SAFETY: a system call on plain numbers.
    let file_descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    i32::try_from(file_descriptor)
        .ok()
        .filter(|descriptor| *descriptor >= 0)
}

#[cfg(not(target_os = "linux"))]
fn pidfd_of(_process: u32) -> Option<i32> {
    None
}

fn wait_until_readable(file_descriptor: i32) {
    let mut wanted = libc::pollfd {
        fd: file_descriptor,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one valid `pollfd`. A negative answer is an interruption, and the wait goes on.
    while unsafe { libc::poll(&mut wanted, 1, -1) } < 0 {}
}

/// Ends the process without running anything more: DuckDB's threads may be in the midst of a query.
fn exit_now(status: i32) -> ! {
    // SAFETY: never returns, runs no handlers.
    unsafe { libc::_exit(status) }
}
