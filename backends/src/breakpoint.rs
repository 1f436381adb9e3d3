//! What only the tests' build has: named points of the protocol between processes, at which one can be let die, and messages that come twice.

use crate::queue::Message;

/// Dies here, as by `kill -9`, if `FLOWMILL_BREAKPOINT` names this point; `name:3` lets the first two times pass. Nothing where the
/// feature `breakpoints` is not compiled in, as in every build but that of the tests.
#[cfg(feature = "breakpoints")]
pub fn breakpoint(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Armed {
        name: String,
        left: AtomicU32,
    }
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    let armed = ARMED.get_or_init(|| {
        let text = std::env::var("FLOWMILL_BREAKPOINT").ok()?;
        let (name, times) = text.split_once(':').unwrap_or((&text, "1"));
        let left = AtomicU32::new(times.parse().expect("a number of times"));
        Some(Armed {
            name: name.to_owned(),
            left,
        })
    });
    if let Some(armed) = armed
        && armed.name == name
        && armed.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        tracing::error!(name, "the process dies at its breakpoint");
        std::process::abort();
    }
}

/// Nothing: the feature `breakpoints` is not compiled in.
#[cfg(not(feature = "breakpoints"))]
#[inline(always)]
pub fn breakpoint(_: &str) {}

/// The messages as they are sent: each twice if `FLOWMILL_DUPLICATES` is set, in the tests' build alone.
#[cfg(feature = "breakpoints")]
pub(crate) fn with_duplicates(messages: Vec<Message>) -> Vec<Message> {
    use std::sync::OnceLock;

    static ARE_WANTED: OnceLock<bool> = OnceLock::new();
    match ARE_WANTED.get_or_init(|| std::env::var_os("FLOWMILL_DUPLICATES").is_some()) {
        true => [messages.clone(), messages].concat(),
        false => messages,
    }
}

/// The messages, once: the feature `breakpoints` is not compiled in.
#[cfg(not(feature = "breakpoints"))]
#[inline(always)]
pub(crate) fn with_duplicates(messages: Vec<Message>) -> Vec<Message> {
    messages
}
