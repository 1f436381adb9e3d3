//! An execution as it changes.

use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::response::Response;
use axum::response::sse::Event;
use flowmill_common::ExecutionId;
use futures::stream;
use serde_json::json;

use super::{read, wait};
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::sse::{self, Frame};
use crate::watch::{Subscription, Wake};

/// A frame may take at most this part of the time between two frames: large executions are sent less often.
const SHARE: u32 = 10;

/// Follow an execution.
///
/// Server-sent events, told apart by their id: `start` (only the execution's id), then `progress` with the whole execution whenever
/// it changed, at last `end`; then the stream is closed. A client that connects again gets the present state first.
#[utoipa::path(
    get, path = "/api/v1/executions/{id}/follow", tag = "executions", operation_id = "followExecution",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 404, body = ErrorBody, description = "It was not seen in 10 seconds either."),
    ),
)]
pub(crate) async fn follow(State(api): State<Api>, Path(id): Path<String>) -> Result<Response> {
    let id = ExecutionId::from(id);
    let mut subscription = api.watchers().subscribe(&id);
    let is_there = api.executions().header(&id).await?.is_some();
    if !is_there && !wait::until_visible(&api, &id, &mut subscription).await? {
        return Err(ApiError::not_found(format!(
            "Unable to find the execution {id}"
        )));
    }
    let following = Following {
        api: api.clone(),
        id,
        subscription,
        sent: None,
        next: Step::Start,
        pause: Duration::ZERO,
    };
    Ok(sse::answer(
        &api,
        stream::unfold(following, Following::next),
    ))
}

struct Following {
    api: Api,
    id: ExecutionId,
    subscription: Subscription,
    /// The version that was sent last.
    sent: Option<u64>,
    next: Step,
    /// How long to wait before the next frame.
    pause: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Start,
    Look,
    Wait,
    Close,
}

impl Following {
    async fn next(mut self) -> Option<(Event, Self)> {
        let mut idle_since = Instant::now();
        loop {
            match self.next {
                Step::Start => {
                    self.next = Step::Look;
                    let json = json!({"id": self.id.as_str()}).to_string();
                    return Some((Frame::Start.with(json.into_bytes()), self));
                }
                Step::Look => {
                    self.next = Step::Wait;
                    match self.look().await {
                        Ok(Some(event)) => return Some((event, self)),
                        Ok(None) => {}
                        // the stream has begun: all that can be done is to end it, so that the client asks again
                        Err(error) => {
                            tracing::warn!(execution = %self.id, %error, "a stream of changes breaks off");
                            return None;
                        }
                    }
                }
                Step::Wait => {
                    let stopping = self.api.stopping().clone();
                    let wake = tokio::select! {
                        wake = self.subscription.changed() => wake,
                        () = stopping.cancelled() => return None,
                    };
                    match wake {
                        Wake::News(_) => {
                            idle_since = Instant::now();
                            tokio::time::sleep(self.pause).await;
                        }
                        Wake::LookAgain if idle_since.elapsed() > self.api.config().wait_limit => {
                            return None;
                        }
                        Wake::LookAgain => {}
                    }
                    self.next = Step::Look;
                }
                Step::Close => return None,
            }
        }
    }

    /// The next frame, if there is something new; the last one when the execution is over or gone.
    async fn look(&mut self) -> Result<Option<Event>> {
        let began = Instant::now();
        let over = wait::is_over(&self.api, &self.id).await?;
        let Some(header) = self.api.executions().header(&self.id).await? else {
            self.next = Step::Close;
            return Ok(None);
        };
        if !over && self.sent == Some(header.version) {
            return Ok(None);
        }
        let Some(execution) = self.api.executions().load(&self.id).await? else {
            self.next = Step::Close;
            return Ok(None);
        };
        let stored = super::stored_outputs(&self.api, &execution.runs).await?;
        let json = read::encode(&read::view(&self.api, &execution, &stored))?;
        self.sent = Some(execution.header.version);
        self.pause = (began.elapsed() * SHARE).max(self.api.config().frame_interval);
        if over {
            self.next = Step::Close;
            return Ok(Some(Frame::End.with(json)));
        }
        Ok(Some(Frame::Progress.with(json)))
    }
}
