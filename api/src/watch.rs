//! Who waits for what to happen to which execution.
//!
//! One subscriber to the topic of changes feeds a registry of waiters. Whoever waits subscribes first and reads the store then, so
//! nothing falls between; messages of that topic may get lost all the same, so waiters also look again by themselves, ever
//! less often ([`Subscription::changed`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flowmill_backends::queue::{Consumer, Topic};
use flowmill_backends::{Queue, Result};
use flowmill_common::ExecutionId;
use flowmill_common::job::Changed;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Changes are small and settled at once.
const PREFETCH: u16 = 1024;
/// How long a waiter waits for news before it looks again, at first and at most.
const FIRST_LOOK: Duration = Duration::from_millis(250);
const LAST_LOOK: Duration = Duration::from_secs(5);
/// How long to wait before connecting again, when that failed.
const RETRY: Duration = Duration::from_millis(500);

/// The waiters by execution.
#[derive(Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<HashMap<ExecutionId, Watched>>>);

struct Watched {
    sender: watch::Sender<News>,
    subscriptions: usize,
}

/// What is known of an execution from its changes. What is not known yet is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// The newest version that was committed.
    pub(crate) version: u64,
    /// Nothing more will follow by itself.
    pub(crate) ended: bool,
    /// How often lines were logged.
    pub(crate) logged: u64,
}

/// The wish to hear of one execution; dropping it ends it.
pub(crate) struct Subscription {
    watchers: Watchers,
    execution: ExecutionId,
    receiver: watch::Receiver<News>,
    patience: Duration,
}

/// Why a waiter should look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Something was heard.
    News(News),
    /// Nothing was heard for a while; a message may have been lost.
    LookAgain,
}

impl Watchers {
    /// Begins to listen. Changes that are published after this call returned are heard.
    pub(crate) fn subscribe(&self, execution: &ExecutionId) -> Subscription {
        let mut all = self.all();
        let watched = all.entry(execution.clone()).or_insert_with(|| Watched {
            sender: watch::channel(News::default()).0,
            subscriptions: 0,
        });
        watched.subscriptions += 1;
        let receiver = watched.sender.subscribe();
        Subscription {
            watchers: self.clone(),
            execution: execution.clone(),
            receiver,
            patience: FIRST_LOOK,
        }
    }

    /// Tells the waiters of an execution.
    pub(crate) fn tell(&self, changed: &Changed) {
        let all = self.all();
        let Some(watched) = all.get(&changed.execution) else {
            return;
        };
        watched.sender.send_if_modified(|news| {
            let before = *news;
            // changes of one execution come in order, unless their executor was replaced meanwhile
            news.version = news.version.max(changed.version);
            news.ended |= changed.ended;
            news.logged += u64::from(changed.logged);
            *news != before
        });
    }

    /// Begins to listen; changes that are published after this call returned are heard by [`listen`](Self::listen).
    pub(crate) async fn connect(queue: &dyn Queue) -> Result<Box<dyn Consumer>> {
        queue.consume(&Topic::Changes, PREFETCH).await
    }

    /// Listens until `shutdown`; without a consumer, or when it ends, it connects, again and again if need be.
    pub(crate) async fn listen(
        self,
        queue: Arc<dyn Queue>,
        consumer: Option<Box<dyn Consumer>>,
        shutdown: CancellationToken,
    ) {
        let work = async {
            let mut connected = consumer;
            loop {
                match connected.take() {
                    Some(consumer) => self.hear(consumer).await,
                    None => match Self::connect(&*queue).await {
                        Ok(consumer) => connected = Some(consumer),
                        Err(error) => {
                            tracing::warn!(%error, "cannot subscribe to changes; waiting clients look by themselves");
                            tokio::time::sleep(RETRY).await;
                        }
                    },
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn hear(&self, mut consumer: Box<dyn Consumer>) {
        while let Some(delivery) = consumer.next().await {
            match serde_json::from_slice::<Vec<Changed>>(&delivery.message.body) {
                Ok(changes) => changes.iter().for_each(|changed| self.tell(changed)),
                Err(error) => tracing::warn!(%error, "changes cannot be read"),
            }
            delivery.receipt.acknowledge();
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<ExecutionId, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// What was heard so far.
    pub(crate) fn news(&self) -> News {
        *self.receiver.borrow()
    }

    /// Waits for news, or for the time to look again; that time grows with each turn in which nothing was heard.
    /// Safe to cancel.
    pub(crate) async fn changed(&mut self) -> Wake {
        match tokio::time::timeout(self.patience, self.receiver.changed()).await {
            Ok(Ok(())) => {
                self.patience = FIRST_LOOK;
                Wake::News(*self.receiver.borrow_and_update())
            }
            Ok(Err(_)) | Err(_) => {
                self.patience = (self.patience * 2).min(LAST_LOOK);
                Wake::LookAgain
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut all = self.watchers.all();
        if let Some(watched) = all.get_mut(&self.execution) {
            watched.subscriptions -= 1;
            if watched.subscriptions == 0 {
                all.remove(&self.execution);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(execution: &str, version: u64, ended: bool) -> Changed {
        Changed {
            execution: execution.into(),
            version,
            ended,
            logged: true,
        }
    }

    #[tokio::test]
    async fn every_waiter_of_an_execution_hears_what_came_after_it_subscribed() {
        let watchers = Watchers::default();
        watchers.tell(&change("x", 1, false));
        let (mut first, mut second) = (
            watchers.subscribe(&"x".into()),
            watchers.subscribe(&"x".into()),
        );
        let mut other = watchers.subscribe(&"y".into());
        watchers.tell(&change("x", 2, false));
        watchers.tell(&change("x", 3, true));
        let news = Wake::News(News {
            version: 3,
            ended: true,
            logged: 2,
        });
        assert_eq!(
            (first.changed().await, second.changed().await),
            (news, news)
        );
        tokio::time::pause();
        assert_eq!(other.changed().await, Wake::LookAgain);
    }

    #[tokio::test(start_paused = true)]
    async fn who_hears_nothing_looks_again_ever_less_often() {
        let watchers = Watchers::default();
        let mut subscription = watchers.subscribe(&"x".into());
        let start = tokio::time::Instant::now();
        let mut looks = Vec::new();
        for _ in 0..7 {
            assert_eq!(subscription.changed().await, Wake::LookAgain);
            looks.push(start.elapsed().as_millis());
        }
        assert_eq!(looks, [250, 750, 1750, 3750, 7750, 12750, 17750]);
    }

    #[test]
    fn nothing_is_kept_of_an_execution_that_nobody_watches() {
        let watchers = Watchers::default();
        let (first, second) = (
            watchers.subscribe(&"x".into()),
            watchers.subscribe(&"x".into()),
        );
        drop(first);
        assert_eq!(watchers.all().len(), 1);
        drop(second);
        assert!(watchers.all().is_empty());
    }
}
