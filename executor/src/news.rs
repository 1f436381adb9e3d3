//! What watchers are to be told. That an execution appeared, or is over, they hear at once; the steps between in one message for all
//! that happened within a short while, since each of them would cost a message of its own.

use std::collections::HashMap;
use std::time::Duration;

use flowmill_common::ExecutionId;
use flowmill_common::job::Changed;
use tokio::time::Instant;

/// A change of an execution, for those who watch it.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The change.
    pub(crate) changed: Changed,
    /// Whether somebody may wait for just this.
    pub(crate) is_urgent: bool,
}

/// The changes that watchers were not told yet.
pub(crate) struct News {
    /// How long steps are collected.
    collected: Duration,
    untold: HashMap<ExecutionId, Changed>,
    due: Option<Instant>,
    told: Option<Instant>,
}

impl News {
    pub(crate) fn new(collected: Duration) -> Self {
        Self {
            collected,
            untold: HashMap::new(),
            due: None,
            told: None,
        }
    }

    /// Notes changes, later ones of an execution over earlier ones.
    pub(crate) fn add(&mut self, pieces: impl IntoIterator<Item = Piece>, now: Instant) {
        for Piece { changed, is_urgent } in pieces {
            let collected = self.told.map_or(now, |told| now.max(told + self.collected));
            let due = self.due.unwrap_or(collected);
            self.due = Some(if is_urgent { now.min(due) } else { due });
            let of = self.untold.entry(changed.execution.clone());
            let known = of.or_insert_with(|| changed.clone());
            known.version = known.version.max(changed.version);
            known.ended |= changed.ended;
            known.logged |= changed.logged;
        }
    }

    /// When something is to be told; none while there is nothing.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Everything that was not told, if it is time to.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Changed> {
        match self.due {
            Some(due) if due <= now => self.take(now),
            Some(_) | None => Vec::new(),
        }
    }

    /// Everything that was not told.
    pub(crate) fn take(&mut self, now: Instant) -> Vec<Changed> {
        (self.told, self.due) = (Some(now), None);
        self.untold.drain().map(|(_, changed)| changed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLLECTED: Duration = Duration::from_millis(20);

    fn piece(execution: &str, version: u64, is_urgent: bool) -> Piece {
        let changed = Changed {
            execution: execution.into(),
            version,
            ended: is_urgent,
            logged: version == 2,
        };
        Piece { changed, is_urgent }
    }

    #[test]
    fn steps_are_told_together_after_a_while_and_what_is_urgent_takes_them_along_at_once() {
        let start = Instant::now();
        let mut news = News::new(COLLECTED);
        assert_eq!(news.due(), None);
        news.add([piece("x", 1, false)], start);
        assert_eq!(news.take_due(start).len(), 1, "it was quiet before");

        let steps = [piece("x", 2, false), piece("x", 3, false)];
        news.add(steps.into_iter().chain([piece("y", 1, false)]), start);
        assert_eq!(news.due(), Some(start + COLLECTED));
        assert!(news.take_due(start).is_empty());
        let mut told = news.take_due(start + COLLECTED);
        told.sort_by_key(|changed| changed.version);
        let [_, last] = told.as_slice() else {
            panic!("of two executions: {told:?}")
        };
        assert!(last.version == 3 && last.logged && !last.ended, "{last:?}");

        let later = start + COLLECTED * 3 / 2;
        news.add([piece("x", 4, false), piece("y", 2, true)], later);
        assert_eq!(news.take_due(later).len(), 2);
        assert_eq!(news.due(), None);
    }
}
