//! Whether a backend works at the moment, and why not: for `/health` and the log.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Kind, Result};

/// The state of all backends.
#[derive(Clone, Debug, Default)]
pub struct Health {
    probes: Vec<(&'static str, Probe)>,
}

impl Health {
    /// Adds a backend: which seam it serves (`store`, `queue`, `files`), and its state.
    pub fn watch(&mut self, seam: &'static str, probe: &Probe) {
        self.probes.push((seam, probe.clone()));
    }

    /// Whether all of them work, as far as is known.
    pub fn is_up(&self) -> bool {
        self.probes
            .iter()
            .all(|(_, probe)| probe.outage().is_none())
    }

    /// Each seam with the state of what serves it.
    pub fn report(&self) -> impl Iterator<Item = (&'static str, &Probe)> {
        self.probes.iter().map(|(seam, probe)| (*seam, probe))
    }
}

/// The state of one backend, shared by the backend (which reports) and whoever asks.
#[derive(Clone, Debug)]
pub struct Probe {
    name: &'static str,
    state: Arc<Mutex<Option<Outage>>>,
}

/// A backend that does not work at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What it said last.
    pub reason: String,
    /// When it began.
    pub since: jiff::Timestamp,
}

impl Probe {
    /// A probe of a backend that works, as far as is known. The name says which: `redis`, `rabbitmq`, `s3` …
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            state: Arc::default(),
        }
    }

    /// Which implementation this is.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The outage, while there is one.
    pub fn outage(&self) -> Option<Outage> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes that the backend answered.
    pub(crate) fn up(&self) {
        let ended = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(outage) = ended {
            let seconds = jiff::Timestamp::now()
                .duration_since(outage.since)
                .as_secs_f64();
            tracing::info!(backend = self.name, seconds, "backend works again");
        }
    }

    /// Notes that the backend does not work. The first report of an outage is logged, repeats only replace the reason.
    pub(crate) fn down(&self, reason: impl ToString) {
        let reason = reason.to_string();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.as_mut() {
            Some(outage) => outage.reason = reason,
            None => {
                tracing::warn!(backend = self.name, %reason, "backend does not work");
                *state = Some(Outage {
                    reason,
                    since: jiff::Timestamp::now(),
                });
            }
        }
    }

    /// Notes what a call's result says about the backend, and passes it on.
    pub(crate) fn observe<T>(&self, result: Result<T>) -> Result<T> {
        match &result {
            Err(error) if error.is_retryable() => self.down(error),
            // It answered, though not as wished.
            Err(error)
                if matches!(error.kind(), Kind::NotFound | Kind::Conflict | Kind::Fenced) =>
            {
                self.up()
            }
            Err(_) => {}
            Ok(_) => self.up(),
        }
        result
    }
}
