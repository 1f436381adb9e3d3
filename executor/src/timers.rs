//! The timers of a partition, in memory as they are in the store.

use std::collections::BTreeSet;

use flowmill_backends::repo::partition::Timer;
use flowmill_common::Timestamp;

/// Timers in the order in which they go off.
#[derive(Default)]
pub(crate) struct Timers {
    all: BTreeSet<Timer>,
}

impl Timers {
    pub(crate) fn load(&mut self, timers: Vec<Timer>) {
        self.all = timers.into_iter().collect();
    }

    pub(crate) fn set(&mut self, timer: Timer) {
        self.all.insert(timer);
    }

    pub(crate) fn cancel(&mut self, timer: &Timer) {
        self.all.remove(timer);
    }

    /// When the next one goes off.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.all.first().map(|timer| timer.at)
    }

    /// Those that are due, at most so many; they stay until the commit that they lead to removes them.
    pub(crate) fn due(&self, now: Timestamp, most: usize) -> Vec<Timer> {
        self.all
            .iter()
            .take_while(|timer| timer.at <= now)
            .take(most)
            .cloned()
            .collect()
    }
}
