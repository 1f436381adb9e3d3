//! Waiting for what is not there yet.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Result;

/// Delays between attempts: doubling up to a limit, each shortened by chance so that many do not come at once.
#[derive(Clone, Debug)]
pub(crate) struct BackOff {
    next: Duration,
    first: Duration,
    limit: Duration,
}

impl BackOff {
    pub(crate) fn new(first: Duration, limit: Duration) -> Self {
        Self {
            next: first,
            first,
            limit,
        }
    }

    /// Waits before the next attempt.
    pub(crate) async fn wait(&mut self) {
        let chance = f64::from(RandomState::new().hash_one(self.next) as u32) / f64::from(u32::MAX);
        let delay = self.next.mul_f64(0.5 + chance / 2.0);
        self.next = (self.next * 2).min(self.limit);
        tokio::time::sleep(delay).await;
    }

    /// After a success: the next failure waits shortly again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Repeats an attempt while the backend is unavailable, for so long. The last error is the result.
pub(crate) async fn until_available<T, F: Future<Output = Result<T>>>(
    patience: Duration,
    mut attempt: impl FnMut() -> F,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    let mut back_off = BackOff::new(Duration::from_millis(50), Duration::from_secs(1));
    loop {
        match attempt().await {
            Err(error) if error.is_retryable() && Instant::now() < deadline => {
                back_off.wait().await
            }
            outcome => return outcome,
        }
    }
}
