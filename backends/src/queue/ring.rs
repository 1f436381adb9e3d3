use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::Message;

/// What one subscriber of a fan-out topic has not read yet. Bounded: a slow subscriber loses the oldest messages, so
/// that nobody has to wait for it.
pub(super) struct Ring {
    topic: String,
    limit: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Message>,
    closed: bool,
}

impl Ring {
    pub(super) fn new(topic: String, limit: usize) -> Self {
        Self {
            topic,
            limit: limit.max(1),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(super) fn push(&self, message: Message) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.messages.len() >= self.limit {
            state.messages.pop_front();
            metrics::counter!("flowmill_queue_fan_out_lost_total", "topic" => self.topic.clone())
                .increment(1);
        }
        state.messages.push_back(message);
        drop(state);
        self.changed.notify_one();
    }

    /// No further messages come; those that are here can still be read.
    pub(super) fn close(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.changed.notify_one();
    }

    pub(super) fn try_next(&self) -> Option<Message> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .messages
            .pop_front()
    }

    /// The next message, or `None` at the end. For one reader; safe to cancel.
    pub(super) async fn next(&self) -> Option<Message> {
        loop {
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(message) = state.messages.pop_front() {
                    return Some(message);
                }
                if state.closed {
                    return None;
                }
            }
            // A push in between has left its notice.
            self.changed.notified().await;
        }
    }
}
