//! Waiting for an execution to be seen, to change, to end.

use std::time::Duration;

use flowmill_common::ExecutionId;
use tokio::time::Instant;

use crate::Api;
use crate::error::Result;
use crate::watch::{News, Subscription, Wake};

/// What is waited for.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// It is in the store.
    Visible,
    /// Nothing more follows by itself.
    Over,
    /// A version later than this was committed.
    LaterThan(u64),
}

impl Goal {
    /// Whether what was heard is enough.
    fn heard(self, news: News) -> bool {
        match self {
            Self::Visible => news.version > 0,
            Self::Over => news.ended,
            Self::LaterThan(version) => news.version > version,
        }
    }

    /// Whether the store says so. What was deleted meanwhile needs no waiting for.
    async fn seen(self, api: &Api, id: &ExecutionId) -> Result<bool> {
        match self {
            Self::Visible => Ok(api.executions().header(id).await?.is_some()),
            Self::Over => is_over(api, id).await,
            Self::LaterThan(version) => {
                let header = api.executions().header(id).await?;
                Ok(header.is_none_or(|header| header.version > version))
            }
        }
    }
}

/// Waits until the execution is in the store, at most as long as configured; whether it is.
pub(crate) async fn until_visible(
    api: &Api,
    id: &ExecutionId,
    subscription: &mut Subscription,
) -> Result<bool> {
    wait(
        api,
        id,
        Goal::Visible,
        api.config().visible_within,
        subscription,
    )
    .await
}

/// Waits until nothing more follows by itself, at most as long as configured; whether it ended.
pub(crate) async fn until_ended(
    api: &Api,
    id: &ExecutionId,
    subscription: &mut Subscription,
) -> Result<bool> {
    wait(api, id, Goal::Over, api.config().wait_limit, subscription).await
}

/// Waits until a version later than this was committed; whether it was, in the time a new execution may take to be seen.
pub(crate) async fn until_later_than(
    api: &Api,
    id: &ExecutionId,
    version: u64,
    subscription: &mut Subscription,
) -> Result<bool> {
    wait(
        api,
        id,
        Goal::LaterThan(version),
        api.config().visible_within,
        subscription,
    )
    .await
}

/// Whether nothing more follows by itself: it is terminal, and what runs after the execution is done. A deleted one is over, too.
pub(crate) async fn is_over(api: &Api, id: &ExecutionId) -> Result<bool> {
    match api.executions().header(id).await? {
        Some(header) if header.state.is_terminal() => Ok(!api.executions().is_live(id).await?),
        Some(_) => Ok(false),
        None => Ok(true),
    }
}

async fn wait(
    api: &Api,
    id: &ExecutionId,
    goal: Goal,
    limit: Duration,
    subscription: &mut Subscription,
) -> Result<bool> {
    if goal.heard(subscription.news()) {
        return Ok(true);
    }
    let deadline = Instant::now() + limit;
    loop {
        let wake = tokio::select! {
            wake = tokio::time::timeout_at(deadline, subscription.changed()) => wake,
            () = api.stopping().cancelled() => return goal.seen(api, id).await,
        };
        match wake {
            Ok(Wake::News(news)) if goal.heard(news) => return Ok(true),
            Ok(Wake::News(_)) => {}
            Ok(Wake::LookAgain) => {
                if goal.seen(api, id).await? {
                    return Ok(true);
                }
            }
            Err(_) => return goal.seen(api, id).await,
        }
    }
}
